from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.catalog import Catalog
from decisioning.value import ExpressionValue, FixedValue, OwnSpendPerTrip, ValueBook
from features.errors import CatalogError

OWN = OwnSpendPerTrip(kind="own_spend_per_trip", min_trips=3, fallback=1.0)
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)


def columns(trips: float, spend: float, everybody: float) -> dict[str, np.ndarray]:
    return {
        "category_trips_all": np.array([trips]),
        "category_spend_per_trip": np.array([spend / trips if trips else np.nan]),
        "action_spend_per_trip_91d": np.array([everybody]),
    }


def test_from_three_purchases_on_the_own_mean_counts() -> None:
    assert OWN.amounts(columns(3, 12.0, 9.0)).tolist() == [4.0]


def test_before_that_what_everybody_spends_counts() -> None:
    assert OWN.amounts(columns(2, 12.0, 9.0)).tolist() == [9.0]
    assert OWN.amounts(columns(np.nan, np.nan, 9.0)).tolist() == [9.0]


def test_where_nothing_is_known_or_it_is_negative_the_fallback_counts() -> None:
    assert OWN.amounts(columns(0, 0.0, np.nan)).tolist() == [1.0]
    assert OWN.amounts(columns(5, -20.0, 9.0)).tolist() == [1.0]


@given(ANY_NUMBER, ANY_NUMBER, ANY_NUMBER)
def test_a_value_is_never_missing_or_negative(trips: float, spend: float, all_: float) -> None:
    with np.errstate(all="ignore"):
        worth = OWN.amounts(columns(trips, spend, all_))[0]
    assert np.isfinite(worth) and worth >= 0


def test_each_action_is_valued_its_own_way(catalog: Catalog) -> None:
    rows = {name: np.repeat(column, 4) for name, column in columns(3, 12.0, 9.0).items()}
    action = np.array([3, 0, 1, 3])
    assert catalog.values.of(action).amounts(rows).tolist() == [2.5, 4.0, 4.0, 2.5]


def test_a_fixed_value_is_the_same_for_everybody(catalog: Catalog) -> None:
    book = ValueBook([FixedValue(kind="fixed", amount=7)] * 4, catalog.ordered)
    assert book.of(np.array([0, 3, 3])).amounts({}).tolist() == [7.0, 7.0, 7.0]


def test_only_an_expression_can_say_nothing(catalog: Catalog) -> None:
    fixed = FixedValue(kind="fixed", amount=7)
    written = ExpressionValue(kind="expression", amount="profile.trips_91d")
    assert ValueBook([fixed, OWN, OWN, fixed], catalog.ordered).always_usable
    assert not ValueBook([fixed, OWN, written, fixed], catalog.ordered).always_usable


def said(
    text: str, catalog: Catalog, rows: dict[str, list[float]], action: list[int]
) -> list[float]:
    value = ExpressionValue(kind="expression", amount=text)
    columns = {name: np.array(column) for name, column in rows.items()}
    book = ValueBook([value] * len(catalog.ordered), catalog.ordered)
    return book.of(np.array(action)).amounts(columns).tolist()


def test_an_expression_values_each_row_by_its_customer_and_its_action(catalog: Catalog) -> None:
    rows = {"trips_91d": [2.0, 2.0, 5.0], "category_trips_all": [1.0, 3.0, 1.0]}
    text = "profile.trips_91d * 10.0 + action.category_trips_all + (action.id == 'tea' ? 0.5 : 0.0)"
    assert said(text, catalog, rows, [0, 3, 3]) == [21.0, 23.5, 51.5]


def test_where_an_expression_says_nothing_there_is_no_amount(catalog: Catalog) -> None:
    rows = {"trips_91d": [2.0, np.nan, -3.0, 0.0]}
    assert said("6.0 / profile.trips_91d", catalog, rows, [0, 1, 2, 3]) == pytest.approx(
        [3.0, np.nan, np.nan, np.nan], nan_ok=True
    )


def test_an_attribute_that_an_action_has_not_got_leaves_it_without_amount(catalog: Catalog) -> None:
    worth = said("action.size * 2.0", catalog, {}, [0, 1, 2, 3])
    assert worth == pytest.approx([4.0, np.nan, np.nan, 2.0], nan_ok=True)


def test_an_expression_stands_beside_other_values(
    catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    text = catalog_text.replace(
        "value: {kind: fixed, amount: 2.5}",
        "value: {kind: expression, amount: profile.trips_91d / 2.0}",
    )
    catalog = read_catalog(text)
    rows = {name: np.repeat(column, 4) for name, column in columns(3, 12.0, 9.0).items()}
    rows["trips_91d"] = np.array([7.0, 7.0, 7.0, np.nan])
    worth = catalog.values.of(np.array([3, 0, 1, 3])).amounts(rows).tolist()
    assert worth == pytest.approx([3.5, 4.0, 4.0, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("profile.trip_91d", "did you mean 'profile.trips_91d'?"),
        ("-2.0", "is not a finite number of at least 0"),
        ("0.0 / 0.0", "is not a finite number of at least 0"),
        ("profile.trips_91d > 3.0", "is bool, not a number"),
        ("request.hour > 3 ? 1.0 : 2.0", "the request is not known here"),
        ("''", "value.amount: "),
    ],
)
def test_a_bad_expression_is_a_fault_of_the_catalog(
    amount: str, told: str, catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    text = catalog_text.replace(
        "value: {kind: fixed, amount: 2.5}", f'value: {{kind: expression, amount: "{amount}"}}'
    )
    with pytest.raises(
        CatalogError, match=r"actions\.yaml:\d+:\d+: actions\.tea\.value\.amount: "
    ) as caught:
        read_catalog(text)
    assert told in str(caught.value)
