"""What is said of whole columns, against CEL, which is asked row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_conditions import COLUMNS, DOUBLES, NUMBERS, conditions

from decisioning.expressions import (
    PASSED,
    REFUSED,
    VALUE_MISSING,
    Condition,
    Vocabulary,
    bind,
    compile_condition,
)
from decisioning.expressions.columns import translated
from features.errors import PolicyError

NAMES = Vocabulary.of(())


def random_values(seed: int, rows: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the same values for columns and row by row."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {
        "request.channel": str(rng.choice(["web", "email"])),
        "request.hour": int(rng.integers(24)),
        "action.group": rng.choice(np.array(["tea", "coffee"], dtype=object), rows),
        "action.category": rng.choice(np.array(["", "a", "b"], dtype=object), rows),
        "action.mandatory": rng.random(rows) < 0.5,
    }
    for name in DOUBLES:
        values[name] = float(rng.choice([*NUMBERS, np.nan, np.nan]))
    for name in COLUMNS:
        values[name] = rng.choice([*NUMBERS, np.nan, np.nan, np.nan], rows)
    for name in (*DOUBLES, *COLUMNS):
        values[f"known.{name}"] = values[name] == values[name]
    each = [
        {
            name: (one[row].item() if isinstance(one[row], np.generic) else one[row])
            if isinstance(one, np.ndarray)
            else one
            for name, one in values.items()
        }
        for row in range(rows)
    ]
    return values, each


def said_of_columns(condition: Condition, values: dict[str, Any], rows: int) -> list[int]:
    logic = translated(condition.tree, NAMES.kinds)
    assert logic is not None, condition.text
    true, false = (np.broadcast_to(ask(values), rows) for ask in logic)
    assert not (true & false).any()
    return np.where(true, PASSED, np.where(false, REFUSED, VALUE_MISSING)).tolist()


@settings(max_examples=300, deadline=None)
@given(conditions(), st.integers(0, 2**32 - 1))
def test_of_columns_is_said_what_cel_says_of_each_row(text: str, seed: int) -> None:
    try:
        condition = compile_condition(text, NAMES, "")
    except PolicyError:
        return
    values, each = random_values(seed, rows=6)
    expected = [
        condition.judge(bind(NAMES, {name: one for name, one in row.items() if one == one}))
        for row in each
    ]
    assert said_of_columns(condition, values, 6) == expected


@pytest.mark.parametrize(
    "text",
    [
        "request.channel.startsWith('w')",
        "[1.0].all(x, x > profile.trips_91d)",
        "'top' in request.placements",
        "request.contexts.page == 'a'",
        "request.hour + 1 > 3",
        "request.channel + 'a' == 'weba'",
        "double(request.hour) > 3.0",
        "dyn(1) == 1.0",
        "known.profile.trips_91d == known.profile.days_since_purchase",
        "known.profile.trips_91d < true",
        "request.hour in [1, request.weekday]",
        "(known.profile.trips_91d ? true : false) ? true : false",
        "(known.profile.trips_91d ? 'a' : 'b') == 'a'",
    ],
)
def test_what_cannot_be_said_in_columns_is_left_to_cel(text: str) -> None:
    assert translated(compile_condition(text, NAMES, "").tree, NAMES.kinds) is None


def test_a_decided_side_hides_that_the_other_is_missing() -> None:
    values = {
        "action.category_trips_all": np.array([np.nan, 1.0, 9.0]),
        "known.action.category_trips_all": np.array([False, True, True]),
        "request.channel": "web",
    }

    def said(text: str) -> list[int]:
        return said_of_columns(compile_condition(text, NAMES, ""), values, 3)

    many = "action.category_trips_all > 3.0"
    assert said(many) == [VALUE_MISSING, REFUSED, PASSED]
    assert said(f"!({many})") == [VALUE_MISSING, PASSED, REFUSED]
    assert said(f"request.channel == 'web' || {many}") == [PASSED] * 3
    assert said(f"{many} && request.channel == 'bot'") == [REFUSED] * 3
    assert said(f"!known.action.category_trips_all || {many}") == [PASSED, REFUSED, PASSED]
    assert said(f"known.action.category_trips_all ? {many} : true") == [PASSED, REFUSED, PASSED]
    assert said(f"{many} ? true : true") == [VALUE_MISSING, PASSED, PASSED]
