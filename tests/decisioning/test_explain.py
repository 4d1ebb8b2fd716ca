from __future__ import annotations

import re

import numpy as np
import pytest

from decisioning.explain import Told, conditions_met, tell, top_reasons
from decisioning.rules import Condition
from features import declared
from features.spec import Sentence

FEATURES = ("category_trips_all", "spend_91d", "days_since_category", "action_code")
ROW = {
    "category_trips_all": 14.0,
    "days_since_category": 70.0,
    "spend_91d": 120.4,
    "action_code": 3.0,
}


class Same(dict[str, np.ndarray]):
    """A row in which every feature has the same value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array([self.value])


def told(language: str = "en", **changes: float) -> Told:
    columns = {name: np.array([value]) for name, value in (ROW | changes).items()}
    name = "Pastasauce" if language == "de" else "Pasta sauce"
    return Told(columns, 0, name, language)


def texts(contributions: list[float], limit: int | None = 3, **row: float) -> list[str]:
    (reasons,) = top_reasons(FEATURES, np.array([contributions]), [told(**row)], limit)
    return [reason.text for reason in reasons]


def test_features_of_one_sentence_are_told_as_one_reason() -> None:
    (reasons,) = top_reasons(FEATURES, np.array([[0.3, 0.4, 0.2, 0.0, -1.0]]), [told()], 3)
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


def test_what_never_happened_is_said_so() -> None:
    never = {"category_trips_all": 0.0, "days_since_category": np.nan}
    bought = declared.feature("days_since_category").sentence
    assert tell(bought, "days_since_category", told(**never)) == "never bought pasta sauce"
    german = tell(bought, "days_since_category", told("de", **never))
    assert german == "Pastasauce noch nie gekauft"


def test_a_reason_whose_value_is_missing_is_skipped() -> None:
    assert texts([0.0, 0.9, 0.1, 0.0, 0.0], spend_91d=np.nan) == [
        "bought pasta sauce 14 times, last 70 days ago"
    ]


@pytest.mark.parametrize(
    ("feature", "value", "english", "german"),
    [
        ("days_since_purchase", 0, "last purchase today", "letzter Einkauf heute"),
        ("days_since_purchase", 1, "last purchase yesterday", "letzter Einkauf gestern"),
        ("days_since_purchase", 21, "last purchase 21 days ago", "letzter Einkauf vor 21 Tagen"),
        ("days_since_purchase", 10, "last purchase 10 days ago", "letzter Einkauf vor 10 Tagen"),
        ("gap_days_all", 1, "buys every day", "kauft jeden Tag"),
        ("categories_28d", 1, "buys 1 category in 28 days", "kauft 1 Warengruppe in 28 Tagen"),
        ("trips_28d", 1, "1 purchase in 28 days", "1 Einkauf in 28 Tagen"),
        ("trips_28d", 11, "11 purchases in 28 days", "11 Einkäufe in 28 Tagen"),
        (
            "presented_28d",
            0,
            "received no offers in 28 days",
            "keine Angebote erhalten in 28 Tagen",
        ),
        (
            "category_trips_91d",
            1,
            "bought pasta sauce once in 91 days",
            "Pastasauce: einmal gekauft in 91 Tagen",
        ),
        (
            "category_trips_91d",
            0,
            "has not bought pasta sauce in 91 days",
            "Pastasauce: nicht gekauft in 91 Tagen",
        ),
        ("open_complaints", 1, "1 open complaint", "1 offene Beschwerde"),
        ("open_complaints", 0, "no open complaint", "keine offene Beschwerde"),
        ("open_complaints", 2, "2 open complaints", "2 offene Beschwerden"),
        ("action_penetration_28d", 0.14, "14% of customers buy", "14 % der Kunden kaufen"),
        ("spend_trend", 1.5, "spends 1.5 times the usual", "gibt das 1,5-Fache des Üblichen aus"),
    ],
)
def test_numbers_are_told_as_people_say_them(
    feature: str, value: float, english: str, german: str
) -> None:
    sentence = declared.feature(feature).sentence
    said = tell(sentence, feature, Told(Same(value), 0, "Pasta sauce", "en"))
    gesagt = tell(sentence, feature, Told(Same(value), 0, "Pastasauce", "de"))
    assert said is not None and said.startswith(english)
    assert gesagt is not None and gesagt.startswith(german)


@pytest.mark.parametrize(
    "feature", [f for f in declared.FEATURES if not declared.is_moment(f.name)]
)
@pytest.mark.parametrize("value", [0.0, 1.0, 7.0])
def test_every_declared_sentence_can_be_told_without_a_wrong_plural(feature, value) -> None:
    for language in ("en", "de"):
        text = tell(feature.sentence, feature.name, Told(Same(value), 0, "Tea", language))
        assert text
        assert "{" not in text
        assert not re.search(r"(?<![\d.,])1 (times|days|purchases|Tagen|Einkäufe)\b", text), text
        if "{action}" in feature.sentence.en:
            assert ("tea" if language == "en" else "Tea") in text


def test_a_german_name_with_a_point_stays_as_it_is() -> None:
    sentence = Sentence("x", "{action} {value:.1f}")
    assert tell(sentence, "spend_91d", Told(Same(2.5), 0, "Web 2.0", "de")) == "Web 2.0 2,5"


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
