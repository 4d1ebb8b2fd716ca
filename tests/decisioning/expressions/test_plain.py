"""What is written as plain Python, against CEL, over the same conditions as those of columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_conditions import NUMBERS, conditions

from decisioning.expressions import (
    PASSED,
    PlainConditions,
    Rows,
    Vocabulary,
    bind,
    compile_condition,
    plain,
)
from decisioning.local_time import LocalTime
from decisioning.request import DecisionRequest
from features.errors import PolicyError

NAMES = Vocabulary.of(())
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
VALUES = st.one_of(st.none(), st.sampled_from(NUMBERS))


def asked(*texts: str) -> PlainConditions:
    return PlainConditions([compile_condition(one, NAMES, "") for one in texts], NAMES)


def rows(columns: dict[str, float], **request: Any) -> Rows:
    told = {name: np.array([value]) for name, value in columns.items()}
    local = LocalTime.at(NOON, None, "Europe/Berlin")
    return Rows(told, np.zeros(1, dtype=np.int64), DecisionRequest("7", **request), lambda: local)


@settings(max_examples=300, deadline=None)
@given(conditions(), VALUES, VALUES, st.sampled_from(["web", "bot"]))
def test_what_is_written_as_python_is_true_where_cel_says_so(
    text: str, trips: float | None, days: float | None, channel: str
) -> None:
    try:
        condition = compile_condition(text, NAMES, "")
    except PolicyError:
        return
    told = PlainConditions([condition], NAMES)
    if not told.places:
        return
    features = {"trips_91d": trips, "days_since_complaint": days}
    columns = {name: np.nan if value is None else value for name, value in features.items()}
    named = {"profile.trips_91d": trips, "journey.days_since_complaint": days}
    given_: dict[str, Any] = {name: one for name, one in named.items() if one is not None}
    given_ |= {f"known.{name}": one is not None for name, one in named.items()}
    given_ |= {"request.channel": channel, "request.hour": 14}
    wanted = {name: one for name, one in given_.items() if name in condition.names}
    expected = condition.judge(bind(NAMES, wanted)) == PASSED
    assert told.true(rows(columns, channel=channel)) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "profile.trips_91d > 2.0 && !known.journey.days_since_complaint",
        "request.channel in ['web', 'app'] || request.hour >= 22",
        "-(profile.trips_91d) + 3.0 * profile.trips_91d != 4.0",
        "!(profile.trips_91d < 2.0)",
        "request.language == 'de'",
    ],
)
def test_comparisons_and_sums_about_the_customer_are_written_as_python(text: str) -> None:
    assert asked(text).places == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "action.category_trips_all > 1.0",
        "action.group == 'tea'",
        "profile.trips_91d / 2.0 > 1.0",
        "(known.profile.trips_91d ? 1.0 : 2.0) > 1.5",
        "request.channel.startsWith('w')",
        "request.placements.exists(one, one == 'top')",
    ],
)
def test_what_is_about_the_action_or_needs_more_is_left_to_others(text: str) -> None:
    assert asked(text).places == ()
    assert asked(text).true(rows({})) == ()


def test_several_conditions_are_one_question_and_each_has_its_answer() -> None:
    told = asked(
        "profile.trips_91d > 2.0",
        "action.mandatory",
        "request.hour == 14 && request.weekday == 1",
        "known.journey.days_since_complaint",
    )
    assert told.places == (0, 2, 3)
    columns = {"trips_91d": 2.0, "days_since_complaint": 8.0}
    assert told.true(rows(columns)) == (False, True, True)


def test_a_function_that_says_something_else_than_cel_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {**plain._ORDER, "_>_": plain._ORDER["_>=_"]}
    monkeypatch.setattr(plain, "_ORDER", wrong)
    assert asked("profile.trips_91d > 8.75").places == ()
    assert asked("profile.trips_91d < 8.75").places == (0,)
