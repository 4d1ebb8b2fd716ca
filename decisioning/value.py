"""What a positive outcome of an action is worth for a customer, known before the decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from decisioning.border import Border
from decisioning.expressions import Amount as Compiled
from decisioning.expressions import Fact, Reader, Vocabulary, compile_amount
from decisioning.expressions.vocabulary import ActionLike
from decisioning.fault import KeyPath, Told
from features.errors import PolicyError
from features.row_columns import stacked

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Amount = Annotated[float, Field(ge=0)]

_SPENDING = ("category_trips_all", "category_spend_per_trip", "action_spend_per_trip_91d")


class FixedValue(Border):
    """The same amount for everybody."""

    kind: Literal["fixed"]
    """`fixed`"""
    amount: Amount
    """In the currency of the transactions."""


class OwnSpendPerTrip(Border):
    """What the customer usually spends on the action's category at one purchase.

    category_spend_per_trip from `min_trips` purchases on, before that what all customers spend at
    one (action_spend_per_trip_91d), and where that is not known or negative, `fallback`.

    >>> columns = {
    ...     "category_trips_all": np.array([4.0, 2.0, 0.0]),
    ...     "category_spend_per_trip": np.array([2.5, 49.5, np.nan]),
    ...     "action_spend_per_trip_91d": np.array([3.0, 3.0, np.nan]),
    ... }
    >>> OwnSpendPerTrip(kind="own_spend_per_trip", fallback=1.5).amounts(columns).tolist()
    [2.5, 3.0, 1.5]
    """

    kind: Literal["own_spend_per_trip"]
    """`own_spend_per_trip`"""
    min_trips: Annotated[int, Field(ge=1)] = 3
    """From how many purchases of the category on the customer's own mean counts."""
    fallback: Amount = 0.0
    """The amount where nothing is known."""

    def amounts(self, columns: Mapping[str, Array]) -> Array:
        """Return the amount of each row, shape (rows,); never missing, never negative."""
        trips, own, usual = stacked(columns, _SPENDING)
        amount = np.where(trips >= self.min_trips, own, usual)
        usable = amount >= 0.0
        usable &= amount < np.inf
        return np.where(usable, amount, self.fallback)


class ExpressionValue(Border):
    """What an expression about the customer and the action says."""

    kind: Literal["expression"]
    """`expression`"""
    amount: Annotated[str, Field(min_length=1)]
    """The expression (CEL), in the currency of the transactions. Where it needs a value that is
    missing, or is infinite or negative, the action is not offered."""

    def ready(self, actions: Sequence[ActionLike]) -> ReadyExpression:
        """Return it ready to be evaluated for the actions of a catalog, in their order.

        Raises
        ------
        PolicyError : it cannot be used, or asks for the request, which training does not know.
        """
        vocabulary = Vocabulary.of(actions).without_request()
        amount = compile_amount(self.amount, vocabulary, "")
        return ReadyExpression(amount, Reader(vocabulary, amount.names))


@dataclass(frozen=True)
class ReadyExpression:
    """An expression for the actions of one catalog."""

    amount: Compiled
    reader: Reader

    def amounts(self, columns: Mapping[str, Array], action: Index, rows: Index) -> Array:
        """Return the amounts of some rows, shape (those rows,); NaN where there is none.

        Parameters
        ----------
        action : shape (all rows,), positions of the actions.
        rows : which of them are asked for.
        """
        known: dict[tuple[tuple[str, Fact], ...], float] = {}
        worth = np.empty(len(rows))
        for place, row in enumerate(rows.tolist()):
            values = self.reader.customer(columns, row=row)
            values |= self.reader.row(columns, row, int(action[row]))
            key = tuple(values.items())
            if key not in known:
                known[key] = self.amount.amount(self.reader.bind(values))
            worth[place] = known[key]
        return worth


Written = FixedValue | OwnSpendPerTrip | ExpressionValue
Value = Annotated[Written, Field(discriminator="kind")]


class ValuesOfRows(NamedTuple):
    """What some rows are worth, as far as their actions say.

    Attributes
    ----------
    action : shape (rows,), positions of the actions.
    fixed : shape (rows,); NaN where the amount depends on more than the action.
    others : how the others are valued, and which rows each way is for.
    """

    action: Index
    fixed: Array
    others: tuple[tuple[OwnSpendPerTrip | ReadyExpression, Index], ...]

    def amounts(self, columns: Mapping[str, Array]) -> Array:
        """Return what each row is worth, shape (rows,), finite and at least 0, or NaN.

        NaN only comes from an expression that says nothing for the row.

        Parameters
        ----------
        columns : features of the rows by name.
        """
        worth = self.fixed.copy()
        for value, mine in self.others:
            if isinstance(value, ReadyExpression):
                worth[mine] = value.amounts(columns, self.action, mine)
            else:
                worth[mine] = value.amounts(columns).take(mine)
        return worth


class ValueBook:
    """What the actions of a catalog are worth.

    Parameters
    ----------
    values : of each action, in the order of the catalog.
    actions : the catalog's, in the same order.

    Attributes
    ----------
    fixed : shape (actions,); NaN where the amount depends on more than the action.
    always_usable : whether no amount can be NaN.

    Raises
    ------
    PolicyError : an expression cannot be used.
    """

    def __init__(self, values: Sequence[Written], actions: Sequence[ActionLike]) -> None:
        fixed = [one.amount if isinstance(one, FixedValue) else np.nan for one in values]
        self.fixed = np.array(fixed, dtype=np.float64)
        self.always_usable = not any(isinstance(one, ExpressionValue) for one in values)
        self._others = tuple(
            (
                value.ready(actions) if isinstance(value, ExpressionValue) else value,
                np.array([one == value for one in values], dtype=bool),
            )
            for value in dict.fromkeys(values)
            if not isinstance(value, FixedValue)
        )

    def of(self, action: Index) -> ValuesOfRows:
        """Return the values of some rows.

        Parameters
        ----------
        action : shape (rows,), positions of the actions.
        """
        found = ((value, valued.take(action).nonzero()[0]) for value, valued in self._others)
        others = tuple((value, mine) for value, mine in found if len(mine))
        return ValuesOfRows(action, self.fixed.take(action), others)


def value_faults(
    written: Sequence[tuple[KeyPath, Written | None]], actions: Sequence[ActionLike]
) -> Iterator[Told]:
    """Find expressions that cannot be used with the actions; each value with where it stands."""
    for path, value in written:
        try:
            if isinstance(value, ExpressionValue):
                value.ready(actions)
        except PolicyError as error:
            yield Told((*path, "amount"), str(error))
