from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from decisioning.catalog import Catalog
from decisioning.expressions import RowConditions, Rows, Vocabulary, compile_condition
from decisioning.local_time import LocalTime
from decisioning.request import DecisionRequest

COLUMNS = {
    "trips_91d": np.array([3.0, 3.0]),
    "category_trips_all": np.array([7.0, np.nan]),
}


def moment() -> LocalTime:
    return LocalTime.at(datetime(2018, 1, 1, 23, 30, tzinfo=UTC), "Europe/Berlin", "UTC")


@pytest.fixture
def names(catalog: Catalog) -> Vocabulary:
    return Vocabulary.of(catalog.ordered)


def rows(columns: Mapping[str, np.ndarray] = COLUMNS) -> Rows:
    return Rows(columns, np.array([0, 1]), DecisionRequest("7", channel="bot"), moment)


@pytest.mark.parametrize(
    ("text", "true", "false"),
    [
        ("profile.trips_91d > 2.0", True, False),
        ("request.channel == 'web'", False, True),
        ("request.hour == 0 && request.weekday == 2", True, False),
        ("action.category_trips_all > 2.0", [True, False], [False, False]),
        ("known.action.category_trips_all", [True, False], [False, True]),
        ("action.size > 1.0", [True, False], [False, False]),
        ("!known.action.size || action.size > 9.0", [False, True], [True, False]),
        ("action.kind == 'hot' && profile.trips_91d > 2.0", [True, False], [False, True]),
        ("action.id != 'none' && profile.trips_91d > 2.0", True, False),
    ],
)
def test_conditions_are_asked_of_rows(
    names: Vocabulary, text: str, true: object, false: object
) -> None:
    conditions = RowConditions([compile_condition(text, names, "")], names)
    (logic,) = conditions.logic
    assert logic is not None
    values = conditions.of(rows())
    assert np.asarray(logic.true(values)).tolist() == true
    assert np.asarray(logic.false(values)).tolist() == false


def test_a_value_is_read_once_and_only_if_it_is_asked_for(names: Vocabulary) -> None:
    read: list[str] = []

    class Watched(dict[str, np.ndarray]):
        def __getitem__(self, name: str) -> np.ndarray:
            read.append(name)
            return super().__getitem__(name)

    texts = (
        "profile.trips_91d > 2.0 || action.category_trips_all > 1.0",
        "profile.trips_91d < 9.0",
    )
    conditions = RowConditions([compile_condition(one, names, "") for one in texts], names)
    values = conditions.of(rows(Watched(COLUMNS)))
    for logic in conditions.logic:
        assert logic is not None
        assert logic.true(values) is True
    assert read == ["trips_91d"]


def test_what_only_cel_can_be_asked_has_no_logic(names: Vocabulary) -> None:
    texts = ("request.channel.contains('o')", "profile.trips_91d > 2.0")
    conditions = RowConditions([compile_condition(one, names, "") for one in texts], names)
    assert [one is None for one in conditions.logic] == [True, False]
