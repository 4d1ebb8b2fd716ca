from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from decisioning.catalog import Catalog
from decisioning.value import FixedValue, OwnSpendPerTrip, amounts

OWN = OwnSpendPerTrip(kind="own_spend_per_trip", min_trips=3, fallback=1.0)
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)


def columns(trips: float, spend: float, everybody: float) -> dict[str, np.ndarray]:
    return {
        "category_trips_all": np.array([trips]),
        "category_spend_all": np.array([spend]),
        "action_spend_per_trip_91d": np.array([everybody]),
    }


def test_from_three_purchases_on_the_own_mean_counts() -> None:
    assert OWN.amounts(columns(3, 12.0, 9.0), 1).tolist() == [4.0]


def test_before_that_what_everybody_spends_counts() -> None:
    assert OWN.amounts(columns(2, 12.0, 9.0), 1).tolist() == [9.0]
    assert OWN.amounts(columns(np.nan, np.nan, 9.0), 1).tolist() == [9.0]


def test_where_nothing_is_known_or_it_is_negative_the_fallback_counts() -> None:
    assert OWN.amounts(columns(0, 0.0, np.nan), 1).tolist() == [1.0]
    assert OWN.amounts(columns(5, -20.0, 9.0), 1).tolist() == [1.0]


@given(ANY_NUMBER, ANY_NUMBER, ANY_NUMBER)
def test_a_value_is_never_missing_or_negative(trips: float, spend: float, all_: float) -> None:
    with np.errstate(all="ignore"):
        worth = OWN.amounts(columns(trips, spend, all_), 1)[0]
    assert np.isfinite(worth) and worth >= 0


def test_each_action_is_valued_its_own_way(catalog: Catalog) -> None:
    rows = {name: np.repeat(column, 4) for name, column in columns(3, 12.0, 9.0).items()}
    action = np.array([3, 0, 1, 3])
    assert amounts(*catalog.values, rows, action).tolist() == [2.5, 4.0, 4.0, 2.5]


def test_a_fixed_value_is_the_same_for_everybody() -> None:
    assert FixedValue(kind="fixed", amount=7).amounts({}, 3).tolist() == [7.0, 7.0, 7.0]
