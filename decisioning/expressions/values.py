"""Gives conditions over columns their values, each read once in a decision and only if asked for.

What belongs to the customer and to the request is a plain value; what belongs to the action is a
column of the candidate rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.expressions.columns import translated
from decisioning.expressions.compiled import Condition
from decisioning.expressions.syntax import Name, Node, within
from decisioning.expressions.trials import proven
from decisioning.expressions.truth import ALWAYS, Logic
from decisioning.expressions.vocabulary import REQUEST, Fact, Kind, Vocabulary
from decisioning.local_time import LocalTime
from decisioning.request import DecisionRequest

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_TYPES: Mapping[Kind, type] = {"double": float, "string": str, "bool": bool}
_ABSENT: Mapping[Kind, Fact] = {"double": np.nan, "string": "", "bool": False}


Read = Callable[[Any], Any]
"""Reads one value of some `RowValues`."""


class Rows(NamedTuple):
    """What is known of the candidate rows of one decision.

    Attributes
    ----------
    columns : of the rows by name, NaN for missing.
    action : shape (rows,), positions of the actions.
    local : the moment on the customer's clock, worked out when it is asked for.
    """

    columns: Mapping[str, Array]
    action: Index
    request: DecisionRequest
    local: Callable[[], LocalTime]


class RowValues(dict[str, Any]):
    """The values of some candidate rows, of which there has to be one at least."""

    def __init__(self, reads: Mapping[str, Read], rows: Rows) -> None:
        self._reads = reads
        self.rows = rows

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._reads[name](self)
        return value


class RowConditions:
    """Conditions that are asked of all candidate rows at once; made once for a vocabulary.

    Attributes
    ----------
    logic : of each condition, in their order; None for one that only CEL can be asked.
    """

    def __init__(self, conditions: Sequence[Condition], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        names = {name for one in conditions for name in one.names}
        plain = {name.removeprefix("known.") for name in names}
        self._facts: dict[str, Any] = {}
        self._reads: dict[str, Read] = {}
        for name in plain & vocabulary.kinds.keys():
            self._read(name)
        self.logic = tuple(
            self._translated(one) if self._can_read(one) and proven(one, vocabulary) else None
            for one in conditions
        )

    def of(self, rows: Rows) -> RowValues:
        """Return the values that the conditions are asked with."""
        return RowValues(self._reads, rows)

    def _read(self, name: str) -> None:
        """Find out where the values of a name come from; a name may be nowhere."""
        known = f"known.{name}"
        if name in self._vocabulary.columns:
            column = self._vocabulary.columns[name]
            of_action = name.startswith("action.")
            self._reads[name] = _column(column) if of_action else _of_customer(column)
            self._reads[known] = _not_nan(name)
        elif name in REQUEST:
            self._reads[name] = _of_request(name)
        else:
            facts = _facts(name, self._vocabulary)
            if facts is not None:
                self._facts[name], self._facts[known] = facts
                self._reads[name], self._reads[known] = map(_of_action, facts)

    def _can_read(self, condition: Condition) -> bool:
        return condition.names <= self._reads.keys()

    def _translated(self, condition: Condition) -> Logic | None:
        return translated(condition.tree, self._vocabulary.kinds, self._folded)

    def _folded(self, node: Node) -> Logic | None:
        """Return a condition about nothing but the action as it is for each of them."""
        names = {one.name for one in within(node) if isinstance(one, Name)}
        if not names or not names <= self._facts.keys():
            return None
        logic = translated(node, self._vocabulary.kinds)
        if logic is None:
            return None
        actions = len(self._vocabulary.facts)
        true, false = (np.broadcast_to(ask(self._facts), actions).copy() for ask in logic)
        return ALWAYS if true.all() else Logic(_of_action(true), _of_action(false))


def _facts(name: str, vocabulary: Vocabulary) -> tuple[Any, Any] | None:
    """Return what a name says of each action, and of which it says anything.

    None where the actions do not agree on its type.
    """
    kind = vocabulary.kinds[name]
    told = [facts.get(name) for facts in vocabulary.facts]
    if any(one is not None and type(one) is not _TYPES.get(kind) for one in told):
        return None
    known = np.array([one is not None for one in told], dtype=bool)
    dtype: type = object if kind == "string" else _TYPES[kind]
    values: Any = np.empty(len(told), dtype=dtype)
    values[:] = [_ABSENT[kind] if one is None else one for one in told]
    return values, known


def _column(name: str) -> Read:
    return lambda values: values.rows.columns[name]


def _of_customer(name: str) -> Read:
    return lambda values: values.rows.columns[name].item(0)


def _not_nan(name: str) -> Read:
    def known(values: RowValues) -> Any:
        value = values[name]
        return value == value

    return known


def _of_request(name: str) -> Read:
    field = name.removeprefix("request.")
    if field in ("hour", "weekday"):
        return lambda values: getattr(values.rows.local(), field)
    return lambda values: getattr(values.rows.request, field)


def _of_action(facts: Any) -> Read:
    return lambda values: facts.take(values.rows.action)
