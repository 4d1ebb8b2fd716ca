"""Which actions a request may be answered with, before anything is known of the customer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from changed_worlds import with_action, with_catalog

from decisioning.candidates import Kind, open_candidates
from decisioning.funnel import Funnel
from decisioning.world import World

Open = Callable[..., Funnel]
IDS = ["coffee", "eggs", "pasta_sauce", "tea"]


@pytest.fixture
def opened(world: World, now: datetime) -> Open:
    """The funnel of a request; `world` and `now` replace those of the test."""

    def opened(world: World = world, now: datetime = now, **request: Any) -> Funnel:
        return open_candidates(Kind(**request), world.catalog, world.built, now.timestamp())

    return opened


def left(funnel: Funnel) -> list[str]:
    return [funnel.name(row) for row in funnel.rows]


def told(funnel: Funnel) -> list[tuple[str, str, str, str]]:
    return [(one.action_id, one.stage, one.policy_id, one.reason) for one in funnel.removed]


def test_the_whole_catalog_is_considered_and_never_the_default_action(opened: Open) -> None:
    assert left(opened()) == IDS
    assert told(opened(candidates=("do_nothing", "tea"))) == []


def test_candidates_are_each_there_once_whatever_their_order(opened: Open) -> None:
    assert left(opened(candidates=("tea", "coffee", "tea"))) == ["coffee", "tea"]
    unknown = opened(candidates=("tee", "tea", "tee", "kaffee"))
    assert left(unknown) == ["tea"]
    assert told(unknown) == [
        ("tee", "request", "candidates", "unknown_action"),
        ("kaffee", "request", "candidates", "unknown_action"),
    ]


def test_no_candidates_are_no_candidates(opened: Open) -> None:
    funnel = opened(candidates=(), excluded=("tea",), placements=("home",))
    assert (left(funnel), told(funnel)) == ([], [])


def test_what_the_request_excludes_goes_first(opened: Open, world: World) -> None:
    off = with_action(world, "tea", enabled=False)
    funnel = opened(world=off, excluded=("tea", "nobody", "do_nothing"))
    assert told(funnel) == [("tea", "request", "excluded", "excluded")]


def test_excluding_what_is_no_candidate_says_nothing(opened: Open) -> None:
    funnel = opened(candidates=("coffee",), excluded=("tea",))
    assert (left(funnel), told(funnel)) == (["coffee"], [])


def test_an_action_is_there_from_its_first_moment_until_before_its_last(
    opened: Open, world: World, now: datetime
) -> None:
    begin, end = now + timedelta(hours=1), now + timedelta(hours=2)
    bounded = with_action(world, "tea", valid_from=begin.isoformat(), valid_to=end.isoformat())
    early = opened(world=bounded)
    assert told(early) == [("tea", "catalog", "valid_from", "not_yet_valid")]
    assert early.removed[0].until == begin
    assert left(opened(world=bounded, now=begin)) == IDS
    late = opened(world=bounded, now=end)
    assert told(late) == [("tea", "catalog", "valid_to", "expired")]
    assert late.removed[0].until is None


def test_a_disabled_action_is_told_as_such_even_when_it_is_over(opened: Open, world: World) -> None:
    over = with_action(world, "tea", enabled=False, valid_to="2000-01-01T00:00:00+00:00")
    assert told(opened(world=over)) == [("tea", "catalog", "enabled", "disabled")]


def test_an_action_without_a_text_for_the_channel_cannot_be_said(opened: Open) -> None:
    assert {one[2:] for one in told(opened(channel="bot"))} == {("treatments", "no_treatment")}
    # The app says what the website says.
    assert left(opened(channel="app")) == IDS


def test_what_is_significant_is_only_for_advisors(opened: Open, world: World) -> None:
    weighty = with_action(world, "tea", impact="significant")
    for channel, context in (("web", "web"), ("advisor", "web"), ("web", "email")):
        funnel = opened(world=weighty, channel=channel, context=context)
        assert told(funnel) == [("tea", "catalog", "impact", "needs_advisor")]
    assert left(opened(world=weighty, channel="advisor", context="advisor")) == IDS


def test_only_what_fits_a_placement_of_the_request_is_considered(
    opened: Open, world: World
) -> None:
    said = {"en": {"title": "a", "text": "b"}, "de": {"title": "a", "text": "b"}}

    def change(content: dict[str, Any]) -> None:
        content["placements"] = [{"id": "hero", "channel": "web"}, {"id": "side", "channel": "web"}]
        tea = next(one for one in content["actions"] if one["id"] == "tea")
        tea |= {"channels": ["web"], "treatments": {"web": said | {"placements": ["hero"]}}}

    placed = with_catalog(world, change)
    assert left(opened(world=placed, placements=("hero",))) == IDS
    funnel = opened(world=placed, placements=("side",))
    assert told(funnel) == [("tea", "catalog", "placements", "wrong_placement")]
    assert left(opened(world=placed, placements=("side", "hero"))) == IDS
    # A place that nobody has written down takes what is bound to none.
    assert "tea" not in left(opened(world=placed, placements=("elsewhere",)))


def test_what_profiles_have_no_features_for_is_left_out(opened: Open, world: World) -> None:
    new = with_action(world, "tea", category="NEW TEA")
    assert told(opened(world=new)) == [("tea", "catalog", "category", "features_not_built")]
    without = with_action(world, "tea", category=None)
    assert left(opened(world=without)) == IDS


def test_each_candidate_is_left_or_gone_once(opened: Open, world: World) -> None:
    random = np.random.default_rng(3)
    strange = with_action(world, "eggs", enabled=False)
    names = [*IDS, "do_nothing", "nobody", "ghost"]
    for _ in range(200):
        picked = random.choice(names, size=random.integers(0, 9)).tolist()
        funnel = opened(
            world=strange,
            candidates=tuple(picked),
            excluded=tuple(random.choice(names, size=2).tolist()),
        )
        everybody = sorted([*left(funnel), *(one.action_id for one in funnel.removed)])
        assert everybody == sorted({*picked} - {"do_nothing"})
