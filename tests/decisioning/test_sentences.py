from __future__ import annotations

import math
import re

import pytest

from decisioning.sentences import Told, tell
from features import declared
from features.spec import Sentence


class Same(dict[str, float]):
    """A row in which every feature has the same value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __getitem__(self, name: str) -> float:
        return self.value


def test_what_never_happened_is_said_so() -> None:
    never = {"category_trips_all": 0.0, "days_since_category": math.nan}
    bought = declared.feature("days_since_category").sentence
    assert (
        tell(bought, "days_since_category", Told(never, "Pasta sauce", "en"))
        == "never bought pasta sauce"
    )
    german = tell(bought, "days_since_category", Told(never, "Pastasauce", "de"))
    assert german == "Pastasauce noch nie gekauft"


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
    said = tell(sentence, feature, Told(Same(value), "Pasta sauce", "en"))
    gesagt = tell(sentence, feature, Told(Same(value), "Pastasauce", "de"))
    assert said is not None and said.startswith(english)
    assert gesagt is not None and gesagt.startswith(german)


@pytest.mark.parametrize(
    "feature", [f for f in declared.FEATURES if not declared.is_moment(f.name)]
)
@pytest.mark.parametrize("value", [0.0, 1.0, 7.0])
def test_every_declared_sentence_can_be_told_without_a_wrong_plural(feature, value) -> None:
    for language in ("en", "de"):
        text = tell(feature.sentence, feature.name, Told(Same(value), "Tea", language))
        assert text
        assert "{" not in text
        assert not re.search(r"(?<![\d.,])1 (times|days|purchases|Tagen|Einkäufe)\b", text), text
        if "{action}" in feature.sentence.en:
            assert ("tea" if language == "en" else "Tea") in text


def test_a_german_name_with_a_point_stays_as_it_is() -> None:
    sentence = Sentence("x", "{action} {value:.1f}")
    assert tell(sentence, "spend_91d", Told(Same(2.5), "Web 2.0", "de")) == "Web 2.0 2,5"


@pytest.mark.parametrize(("value", "said"), [(3.0, "3 lists"), (1.0, "1 list"), (0.0, "no lists")])
def test_a_name_with_a_number_in_it_stays_as_it_is(value: float, said: str) -> None:
    sentence = Sentence("{value:.0f} lists of {action}", "{value:.0f} Listen von {action}")
    told = Told(Same(value), "Top 1 Hits", "en")
    assert tell(sentence, "spend_91d", told) == f"{said} of Top 1 Hits"


def test_numbers_may_be_written_in_any_way_that_python_knows() -> None:
    sentence = Sentence("{value:,.0f} of {value:>8.1f}", "{value:,.0f} von {value:>8.1f}")
    assert tell(sentence, "spend_91d", Told(Same(1234.5), "Tea", "en")) == "1,234 of   1234.5"


@pytest.mark.parametrize(("value", "said"), [(1.4, "once"), (1.5, "2 times"), (0.4, "not")])
def test_it_is_the_written_number_that_decides_how_it_is_said(value: float, said: str) -> None:
    sentence = Sentence("offered {value:.0f} times", "{value:.0f}-mal angeboten")
    assert said in str(tell(sentence, "spend_91d", Told(Same(value), "Tea", "en")))


def test_a_percent_sign_of_a_template_is_one_in_the_sentence() -> None:
    sentence = Sentence("{value:.1f} of 100%", "{value:.1f} von 100 %")
    assert tell(sentence, "spend_91d", Told(Same(2.5), "Tea", "en")) == "2.5 of 100%"
    assert tell(sentence, "spend_91d", Told(Same(2.5), "Tea", "de")) == "2,5 von 100 %"
