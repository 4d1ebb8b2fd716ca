"""Asks the policies that count on one kind of request, each as seldom as possible.

What depends on nothing but the action was answered when the policies were read. What can be asked
of all rows at once is; of the rest, what is the same for every action is asked once, all of it in
one expression, and only what is left is asked per row, until something turns the row down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.expressions import (
    PASSED,
    REFUSED,
    VALUE_MISSING,
    Condition,
    Fact,
    PlainConditions,
    Reader,
    RowConditions,
    Rows,
    RowValues,
    Vocabulary,
    compile_together,
)
from decisioning.expressions.bounds import BoundedColumns, bounded
from decisioning.expressions.truth import Logic

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]

_Fast = tuple[int, Logic, Verdicts | None]
"""A condition that is asked of all rows at once: its position, what it says, and which actions it
concerns; None for all."""

_CODES = 3
_NOBODY = np.iinfo(np.int64).max


class Asked(NamedTuple):
    """What policies are asked about; `alive` is of shape (rows,)."""

    rows: Rows
    alive: Verdicts


class Judged(NamedTuple):
    """What the policies say of candidate rows, each of shape (rows,).

    Attributes
    ----------
    failed : position in `PolicyBook.policies` of the first that turns the row down, -1 for none.
    code : of those, 0 turned down, 1 a value it needs is missing, 2 it could not be evaluated.
    """

    failed: Index
    code: Index

    @property
    def grounds(self) -> Index:
        """Position in `PolicyBook.grounds`, negative for none."""
        return self.failed * _CODES + self.code


class PolicyGroup:
    """The policies that count on the same requests.

    Parameters
    ----------
    counted : their positions among all policies, rising.
    conditions : of all policies.
    at_once : the same for all rows at once.
    applies : shape (policies, actions), which actions each policy concerns.
    folded : by position, what a policy about nothing but the action says, shape (actions,).
    """

    def __init__(
        self,
        counted: Sequence[int],
        conditions: Sequence[Condition],
        at_once: RowConditions,
        applies: Verdicts,
        folded: Mapping[int, Index],
        vocabulary: Vocabulary,
    ) -> None:
        self._folded = _first_folded(counted, applies, folded)
        self._applies = applies
        left = [at for at in counted if at not in folded]
        self._row_conditions = at_once
        fast: list[_Fast] = [
            (at, logic, None if not conditions[at].of_action or applies[at].all() else applies[at])
            for at in left
            if (logic := at_once.logic[at]) is not None
        ]
        self._plain = PlainConditions([conditions[at] for at, _, _ in fast], vocabulary)
        self._plainly = tuple(fast[place] for place in self._plain.places)
        others = [one for one in fast if one not in self._plainly]
        bounds = [bounded(conditions[at].tree) for at, _, _ in others]
        columns = [vocabulary.columns.get(one.name) if one else None for one in bounds]
        within = [place for place, column in enumerate(columns) if column is not None]
        self._bounded = tuple(others[place] for place in within)
        self._bounds = BoundedColumns(
            [column for column in columns if column is not None],
            [one for one, column in zip(bounds, columns, strict=True) if one and column],
        )
        self._at_once = tuple(one for one in others if one not in self._bounded)
        slow = [at for at in left if at_once.logic[at] is None]
        self._of_customer = tuple(at for at in slow if not conditions[at].of_action)
        self._together = compile_together([conditions[at] for at in self._of_customer], vocabulary)
        self._any_of_customer: Verdicts = np.any(applies[list(self._of_customer)], axis=0)
        each = [at for at in slow if conditions[at].of_action]
        self._of_action = tuple(
            tuple((at, conditions[at]) for at in each if applies[at, position])
            for position in range(applies.shape[1])
        )
        self._any_of_action = np.array([bool(asked) for asked in self._of_action], dtype=bool)
        self._any_slow = bool(slow)
        self._reader = Reader(vocabulary, {name for at in slow for name in conditions[at].names})

    def judge(self, asked: Asked) -> Judged | None:
        """Return which policy turns each row down first; None where no policy turns any down."""
        if not np.count_nonzero(asked.alive):
            return None
        at_once = self._to_ask_at_once(asked)
        if not at_once and self._folded is None and not self._any_slow:
            return None
        values = self._row_conditions.of(asked.rows)
        doubted = self._doubted(asked, at_once, values)
        if not doubted and self._folded is None and not self._any_slow:
            return None
        first, code = self._begin(asked)
        for at, logic, true in doubted:
            down = self._applies[at].take(asked.rows.action) & (first > at)
            if true is not False:
                down &= ~true
            if np.count_nonzero(down):
                first[down] = at
                said = np.where(logic.false(values), REFUSED, VALUE_MISSING)
                code[down] = said[down] if said.ndim else said
        if self._any_slow:
            self._ask_slowly(asked, first, code)
        first[first == _NOBODY] = -1
        return Judged(first, code)

    def _begin(self, asked: Asked) -> tuple[Index, Index]:
        """Return the first policy about nothing but the action, and its code; -1 where gone."""
        if self._folded is None:
            first = np.where(asked.alive, _NOBODY, -1)
            return first, np.zeros(len(first), dtype=np.int64)
        at, code = (one.take(asked.rows.action) for one in self._folded)
        return np.where(asked.alive, at, -1), np.where(asked.alive, code, 0)

    def _to_ask_at_once(self, asked: Asked) -> tuple[_Fast, ...]:
        """Return the conditions that are not seen at a glance to be true of every row."""
        said = self._plain.true(asked.rows)
        not_true = [one for one, true in zip(self._plainly, said, strict=True) if not true]
        return (*not_true, *self._not_within(asked), *self._at_once)

    def _doubted(
        self, asked: Asked, at_once: tuple[_Fast, ...], values: RowValues
    ) -> list[tuple[int, Logic, Any]]:
        """Return which of some conditions are not true of every row, and where they are."""
        rows, doubted = len(asked.alive), []
        for at, logic, applies in at_once:
            if applies is None or np.count_nonzero(applies.take(asked.rows.action) & asked.alive):
                true = logic.true(values)
                if true is not True and (true is False or np.count_nonzero(true) < rows):
                    doubted.append((at, logic, true))
        return doubted

    def _not_within(self, asked: Asked) -> tuple[_Fast, ...]:
        """Return the conditions of bounds of which a number of any row lies outside."""
        if not self._bounded:
            return ()
        outside = self._bounds.outside(asked.rows.columns)
        if not np.count_nonzero(outside):
            return ()
        some = np.logical_or.reduce(outside, axis=1).nonzero()[0]
        return tuple(self._bounded[place] for place in some.tolist())

    def _ask_slowly(self, asked: Asked, first: Index, code: Index) -> None:
        action = asked.rows.action
        once = bool((self._any_of_customer.take(action) & asked.alive).any())
        each = np.flatnonzero(self._any_of_action.take(action) & asked.alive)
        if not once and not len(each):
            return
        base = self._reader.customer(asked.rows.columns, asked.rows.request, asked.rows.local())
        if once:
            self._ask_once(asked, base, first, code)
        for row in each.tolist():
            self._ask_row(asked, base, row, first, code)

    def _ask_once(self, asked: Asked, base: Mapping[str, Fact], first: Index, code: Index) -> None:
        verdicts = self._together.judge(self._reader.bind(base))
        for at, said in zip(self._of_customer, verdicts, strict=True):
            if said != PASSED:
                turned_down = self._applies[at].take(asked.rows.action) & (first > at)
                first[turned_down] = at
                code[turned_down] = said

    def _ask_row(
        self, asked: Asked, base: Mapping[str, Fact], row: int, first: Index, code: Index
    ) -> None:
        position = int(asked.rows.action[row])
        conditions = self._of_action[position]
        if conditions[0][0] >= first[row]:
            return
        bound = self._reader.bind(base, self._reader.row(asked.rows.columns, row, position))
        for at, condition in conditions:
            if at >= first[row]:
                return
            said = condition.judge(bound)
            if said != PASSED:
                first[row], code[row] = at, said
                return


def _first_folded(
    counted: Sequence[int], applies: Verdicts, folded: Mapping[int, Index]
) -> tuple[Index, Index] | None:
    """Return the first policy that turns each action down, and its code; None without any."""
    actions = applies.shape[1]
    first = np.full(actions, _NOBODY, dtype=np.int64)
    code = np.zeros(actions, dtype=np.int64)
    for at in counted:
        if at in folded:
            down = applies[at] & (folded[at] != PASSED) & (first == _NOBODY)
            first[down], code[down] = at, folded[at][down]
    return (first, code) if (first < _NOBODY).any() else None
