"""What a positive outcome of an action is worth for a customer, known before the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from decisioning.border import Border

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Amount = Annotated[float, Field(ge=0)]


class FixedValue(Border):
    """The same amount for everybody."""

    kind: Literal["fixed"]
    """`fixed`"""
    amount: Amount
    """In the currency of the transactions."""

    def amounts(self, columns: Mapping[str, Array], rows: int) -> Array:
        """Return the amount of each row, shape (rows,)."""
        return np.full(rows, self.amount)


class OwnSpendPerTrip(Border):
    """What the customer usually spends on the action's category at one purchase.

    category_spend_all / category_trips_all from `min_trips` purchases on, before that what all
    customers spend at one (action_spend_per_trip_91d), and where that is not known or negative,
    `fallback`.

    >>> columns = {
    ...     "category_trips_all": np.array([4.0, 2.0, 0.0]),
    ...     "category_spend_all": np.array([10.0, 99.0, 0.0]),
    ...     "action_spend_per_trip_91d": np.array([3.0, 3.0, np.nan]),
    ... }
    >>> OwnSpendPerTrip(kind="own_spend_per_trip", fallback=1.5).amounts(columns, 3).tolist()
    [2.5, 3.0, 1.5]
    """

    kind: Literal["own_spend_per_trip"]
    """`own_spend_per_trip`"""
    min_trips: Annotated[int, Field(ge=1)] = 3
    """From how many purchases of the category on the customer's own mean counts."""
    fallback: Amount = 0.0
    """The amount where nothing is known."""

    def amounts(self, columns: Mapping[str, Array], rows: int) -> Array:
        """Return the amount of each row, shape (rows,); never missing, never negative."""
        trips = columns["category_trips_all"]
        often = trips >= self.min_trips
        own = np.divide(
            columns["category_spend_all"], trips, out=np.full(rows, np.nan), where=often
        )
        amount = np.where(often, own, columns["action_spend_per_trip_91d"])
        return np.where(np.isfinite(amount) & (amount >= 0), amount, self.fallback)


Value = Annotated[FixedValue | OwnSpendPerTrip, Field(discriminator="kind")]


def amounts(
    values: tuple[FixedValue | OwnSpendPerTrip, ...],
    value_of: Index,
    columns: Mapping[str, Array],
    action: Index,
) -> Array:
    """Return what each row is worth, shape (rows,), finite and at least 0.

    Parameters
    ----------
    values : the different ways of a catalog to value an action.
    value_of : shape (actions,), the position in `values` of each action.
    action : shape (rows,), positions of the actions.
    """
    kind = value_of[action]
    worth = np.zeros(len(action))
    for place, value in enumerate(values):
        mine = kind == place
        worth[mine] = value.amounts(columns, len(action))[mine]
    return worth
