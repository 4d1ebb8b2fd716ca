"""The line-up of a kind of request: kept while nothing changes, and never longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from changed_worlds import with_action

from decisioning.request import DecisionRequest
from decisioning.world import World

MORNING = datetime(2024, 7, 1, 6, tzinfo=UTC)
WEB = DecisionRequest("007")


def names(world: World, request: DecisionRequest, now: datetime) -> list[str]:
    line_up = world.line_ups.of(request, now)
    return [world.catalog.action_ids[one] for one in line_up.action.tolist()]


def test_customers_who_are_asked_about_alike_share_a_line_up(world: World, now: datetime) -> None:
    other = DecisionRequest("8", max_results=1, explain="none")
    assert world.line_ups.of(WEB, now) is world.line_ups.of(other, now + timedelta(days=9))


@pytest.mark.parametrize(
    "other",
    [
        DecisionRequest("007", candidates=("tea",)),
        DecisionRequest("007", excluded=("tea",)),
        DecisionRequest("007", channel="email"),
        DecisionRequest("007", language="de"),
        DecisionRequest("007", context="advisor"),
        DecisionRequest("007", placements=("home_hero",)),
    ],
)
def test_another_kind_of_request_has_another_line_up(
    world: World, now: datetime, other: DecisionRequest
) -> None:
    assert world.line_ups.of(WEB, now) is not world.line_ups.of(other, now)


def test_an_action_comes_and_goes_at_the_very_second(world: World) -> None:
    noon, night = MORNING.replace(hour=12), MORNING.replace(hour=22)
    changed = with_action(world, "tea", valid_from=noon, valid_to=night)
    second = timedelta(seconds=1)
    there = {
        at: "tea" in names(changed, WEB, at)
        for at in (MORNING, noon - second, noon, night - second, night, noon)
    }
    assert list(there.values()) == [False, False, True, True, False]
    line_up = changed.line_ups.of(WEB, MORNING)
    assert [(one.action_id, one.until) for one in line_up.removed if one.until] == [("tea", noon)]


def test_a_decision_does_not_change_what_the_next_one_begins_with(
    world: World, now: datetime
) -> None:
    line_up = world.line_ups.of(DecisionRequest("007", excluded=("tea",)), now)
    before = line_up.action.tolist(), line_up.removed
    funnel = world.line_ups.begin(line_up)
    funnel.turn_down(np.ones(len(funnel.action), dtype=bool), "consent", "consent", "objected")
    assert (line_up.action.tolist(), line_up.removed) == before
    assert len(world.line_ups.begin(line_up).rows) == len(line_up.action)
    with pytest.raises(ValueError, match="read-only"):
        line_up.action[0] = 1
