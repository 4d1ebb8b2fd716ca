from __future__ import annotations

import numpy as np
import pytest

from decisioning.catalog import Catalog
from decisioning.rules import Condition, RuleBook


@pytest.mark.parametrize(
    ("comparison", "passed"),
    [
        ("at_least", [False, True, True]),
        ("at_most", [True, True, False]),
        ("more_than", [False, False, True]),
        ("less_than", [True, False, False]),
        ("equals", [False, True, False]),
    ],
)
def test_each_comparison_says_what_its_name_says(comparison: str, passed: list[bool]) -> None:
    rule = Condition.model_validate({"feature": "trips_91d", comparison: 2})
    assert rule.passes({"trips_91d": np.array([1.0, 2.0, 3.0])}).tolist() == passed


def test_a_missing_value_fails_unless_the_rule_says_otherwise() -> None:
    column = {"trips_91d": np.array([np.nan])}
    assert Condition(feature="trips_91d", less_than=9).passes(column).tolist() == [False]
    open_rule = Condition(feature="trips_91d", less_than=9, when_missing="pass")
    assert open_rule.passes(column).tolist() == [True]


def test_a_rule_without_a_name_is_called_by_what_it_compares() -> None:
    assert Condition(feature="trips_91d", less_than=9).id == "trips_91d_less_than"
    assert Condition(feature="trips_91d", less_than=9, name="seldom").id == "seldom"


def test_the_first_rule_that_fails_is_the_one_that_is_told() -> None:
    low, high = Condition(feature="a", at_least=1), Condition(feature="a", at_least=5)
    book = RuleBook((low, high), np.ones((2, 1), dtype=bool))
    rows = {"a": np.array([0.0, 3.0, 9.0])}
    assert book.first_failed(rows, np.zeros(3, dtype=np.int64)).tolist() == [0, 1, -1]
    assert book.passes(rows, np.zeros(3, dtype=np.int64)).tolist() == [False, False, True]


def test_a_rule_of_one_action_does_not_touch_the_others(catalog_text: str, read_catalog) -> None:
    text = catalog_text.replace(
        "group: pantry", "group: pantry\n    eligibility: [{feature: trips_91d, at_least: 5}]"
    )
    book = read_catalog(text).rule_book
    rows = {"days_since_category": np.full(4, np.nan), "trips_91d": np.full(4, 1.0)}
    assert book.passes(rows, np.arange(4)).tolist() == [True, True, False, True]


def test_many_rows_are_judged_like_each_row_alone(catalog: Catalog) -> None:
    random = np.random.default_rng(3)
    ages = np.where(random.random(500) < 0.2, np.nan, random.integers(0, 120, 500).astype(float))
    action = random.integers(0, 4, 500)
    together = catalog.rule_book.passes({"days_since_category": ages}, action)
    alone = [
        bool(catalog.rule_book.passes({"days_since_category": ages[[row]]}, action[[row]])[0])
        for row in range(500)
    ]
    assert together.tolist() == alone
    assert together.tolist() == (np.isnan(ages) | (ages > 56)).tolist()


def test_a_catalog_without_rules_lets_everybody_pass() -> None:
    book = RuleBook((), np.ones((0, 3), dtype=bool))
    assert book.passes({}, np.array([0, 2])).tolist() == [True, True]
