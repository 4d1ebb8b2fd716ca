"""Comparisons with a limit as bounds: they let through what the condition is true of, no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.expressions import PASSED, Vocabulary, bind, compile_condition
from decisioning.expressions.bounds import BoundedColumns, bounded

NAMES = Vocabulary.of(())
NAME = "action.category_trips_all"
LIMITS = ("0.0", "-0.0", "2.5", "-1.0", "5e-324", "1.7976931348623157e308")
NUMBERS = st.one_of(
    st.floats(), st.sampled_from([float(one) for one in LIMITS]), st.sampled_from([2.5, 0.0])
)


@given(
    st.sampled_from(["<", "<=", ">", ">=", "=="]),
    st.sampled_from(LIMITS),
    st.sampled_from(["{}", "!known.{name} || {}", "{} || !known.{name}"]),
    st.lists(NUMBERS, min_size=1, max_size=5),
)
def test_a_number_is_outside_where_the_condition_is_not_true(
    compared: str, limit: str, behind: str, numbers: list[float]
) -> None:
    text = behind.format(f"{NAME} {compared} {limit}", name=NAME)
    condition = compile_condition(text, NAMES, "")
    bounds = bounded(condition.tree)
    assert bounds is not None and bounds.name == NAME
    columns = {"category_trips_all": np.array(numbers)}
    outside = BoundedColumns(["category_trips_all"], [bounds]).outside(columns)[0]
    for number, is_outside in zip(numbers, outside.tolist(), strict=True):
        known = number == number
        given_ = {NAME: number} if known else {}
        if f"known.{NAME}" in condition.names:
            given_[f"known.{NAME}"] = known
        assert is_outside == (condition.judge(bind(NAMES, given_)) != PASSED)


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME} != 2.0",
        f"{NAME} < action.category_spend_all",
        f"2.0 < {NAME}",
        f"{NAME} > 1.0 && {NAME} < 3.0",
        f"known.{NAME} || {NAME} < 2.0",
        f"!known.action.category_spend_all || {NAME} < 2.0",
        f"!known.{NAME} || !known.{NAME} || {NAME} < 2.0",
        f"!({NAME} < 2.0)",
        "action.mandatory",
        "request.hour < 12",
    ],
)
def test_anything_else_has_no_bounds(text: str) -> None:
    assert bounded(compile_condition(text, NAMES, "").tree) is None


def test_several_columns_are_compared_each_with_its_own_bounds() -> None:
    texts = [
        f"{NAME} >= 2.0",
        "!known.action.category_spend_all || action.category_spend_all < 9.0",
    ]
    bounds = [bounded(compile_condition(one, NAMES, "").tree) for one in texts]
    features = ["category_trips_all", "category_spend_all"]
    together = BoundedColumns(features, [one for one in bounds if one is not None])
    columns = {
        "category_trips_all": np.array([1.0, 2.0, np.nan]),
        "category_spend_all": np.array([8.9, np.nan, 9.0]),
    }
    assert together.outside(columns).tolist() == [[True, False, True], [False, False, True]]
