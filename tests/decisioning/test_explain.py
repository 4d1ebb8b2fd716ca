from __future__ import annotations

import numpy as np
import pytest

from decisioning.explain import ModelReasons, conditions_met
from decisioning.rules import Condition
from decisioning.sentences import Told

FEATURES = ("category_trips_all", "spend_91d", "days_since_category", "action_code")
ROW = {
    "category_trips_all": 14.0,
    "days_since_category": 70.0,
    "spend_91d": 120.4,
    "action_code": 3.0,
}


def told(language: str = "en", **changes: float) -> Told:
    name = "Pastasauce" if language == "de" else "Pasta sauce"
    return Told(ROW | changes, name, language)


def texts(contributions: list[float], limit: int | None = 3, **row: float) -> list[str]:
    (reasons,) = ModelReasons(FEATURES).top(np.array([contributions]), [told(**row)], limit)
    return [reason.text for reason in reasons]


def test_features_of_one_sentence_are_told_as_one_reason() -> None:
    (reasons,) = ModelReasons(FEATURES).top(np.array([[0.3, 0.4, 0.2, 0.0, -1.0]]), [told()], 3)
    assert [reason.text for reason in reasons] == [
        "bought pasta sauce 14 times, last 70 days ago",
        "spent 120 in 91 days",
    ]
    assert reasons[0].features == ("category_trips_all", "days_since_category")
    assert reasons[0].contribution == pytest.approx(0.5)


def test_what_speaks_against_an_action_is_not_told() -> None:
    assert texts([0.3, -0.4, -0.2, 0.0, 9.0]) == ["bought pasta sauce 14 times, last 70 days ago"]
    assert texts([0.1, 0.0, -0.2, 0.0, 9.0]) == []


def test_an_attribute_of_an_action_is_no_reason_in_words() -> None:
    assert texts([0.0, 0.1, 0.0, 5.0, 0.0]) == ["spent 120 in 91 days"]


def test_at_most_as_many_reasons_as_asked_for_are_told() -> None:
    assert len(texts([0.3, 0.4, 0.2, 0.0, 0.0], limit=1)) == 1
    assert len(texts([0.3, 0.4, 0.2, 0.0, 0.0], limit=None)) == 2


def test_a_reason_whose_value_is_missing_is_skipped() -> None:
    assert texts([0.0, 0.9, 0.1, 0.0, 0.0], spend_91d=np.nan) == [
        "bought pasta sauce 14 times, last 70 days ago"
    ]


def test_met_conditions_are_told_once_each_without_what_is_missing() -> None:
    conditions = [
        Condition(feature="days_since_category", more_than=56),
        Condition(feature="category_trips_all", at_least=3),
        Condition(feature="category_trips_all", at_most=20),
        Condition(feature="spend_91d", at_least=9, when_missing="pass"),
        Condition(feature="weight_in_grams", at_most=500),
    ]
    (met,) = conditions_met(conditions, told(spend_91d=np.nan))
    assert met.text == "bought pasta sauce 14 times, last 70 days ago"
    assert met.features == ("days_since_category", "category_trips_all")
    assert met.contribution == 0.0
