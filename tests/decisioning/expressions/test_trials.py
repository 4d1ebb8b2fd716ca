from __future__ import annotations

import operator

import numpy as np
import pytest

from decisioning.expressions import Vocabulary, columns, compile_condition, truth
from decisioning.expressions.trials import proven

NAMES = Vocabulary.of(())


def is_proven(text: str) -> bool:
    return proven(compile_condition(text, NAMES, ""), NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "profile.trips_91d >= 3.0",
        "!known.action.category_trips_all || action.category_trips_all < 1000.0",
        "action.group != 'tea' && profile.trips_91d / 0.0 > 1.0",
        "request.hour in [22, 23] || action.mandatory",
        "true",
    ],
)
def test_what_says_the_same_as_cel_is_proven(text: str) -> None:
    assert is_proven(text)


def test_what_is_not_translated_is_not_proven() -> None:
    assert not is_proven("request.channel.contains('e')")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("profile.trips_91d >= 4.25", operator.gt),
        ("profile.trips_91d >= 1234.5", operator.eq),
        ("profile.trips_91d >= 17.5", np.greater),
    ],
)
def test_one_difference_is_enough_to_leave_it_to_cel(
    text: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = {**columns._COMPARED, "_>=_": wrong}
    monkeypatch.setattr(columns, "_COMPARED", compared)
    assert not is_proven(text)


def test_a_missing_value_that_would_count_as_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def always_known(true: truth.Ask, kind: object, known: truth.Ask) -> truth.Logic:
        return truth.Logic(true, lambda values: ~np.asarray(true(values)))

    monkeypatch.setattr(columns, "known_only", always_known)
    assert not is_proven("profile.trips_91d > 8.75")
