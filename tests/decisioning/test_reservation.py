"""Which places a decision takes, and whether what it returns may still be shown later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from changed_worlds import Asker, ids, with_action, with_catalog, with_policies

from decisioning.decision import Decision
from decisioning.history import NO_HISTORY, Consent, Contact, History, Volume
from decisioning.reservation import capped, lapses_at, still_free
from decisioning.world import World
from features.profiles import Profiles

CAP = {"id": "cap", "per": "group", "at_most": 2, "days": 7, "concerns": {"groups": ["breakfast"]}}


@pytest.fixture
def limited(world: World) -> World:
    return with_policies(world, contact_policies=[CAP])


@pytest.fixture
def ask(limited: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(limited, profile, popularity, now)


@pytest.fixture
def decision(ask: Asker) -> Decision:
    return ask()


def shown(now: datetime, action_id: str = "coffee") -> Contact:
    at = now.timestamp() - 60
    return Contact(action_id, "breakfast", "win_back", "web", "presented", at, "other")


def test_only_what_a_limit_counts_takes_a_place(decision: Decision) -> None:
    assert ids(decision) == ["pasta_sauce", "coffee", "tea"]
    assert [one.action_id for one in capped(decision)] == ["coffee", "tea"]


def test_what_was_just_decided_is_free(decision: Decision, ask: Asker, limited: World) -> None:
    assert still_free(decision, ask.request, NO_HISTORY, limited, ask.now)


def test_a_place_that_is_gone_meanwhile_is_not_free(
    decision: Decision, ask: Asker, limited: World, now: datetime
) -> None:
    one, two = (History(contacts=(shown(now),) * times) for times in (1, 2))
    # Two places, two capped actions: one presentation in between is one too many.
    assert not still_free(decision, ask.request, one, limited, now)
    assert not still_free(decision, ask.request, two, limited, now)
    only = ask(candidates=("tea", "pasta_sauce"))
    assert still_free(only, ask.request, one, limited, now)
    assert not still_free(only, ask.request, two, limited, now)


def test_a_place_is_free_again_once_the_window_has_passed(
    decision: Decision, ask: Asker, limited: World, now: datetime
) -> None:
    history = History(contacts=(shown(now),) * 2)
    later = now + timedelta(days=8)
    assert still_free(decision, ask.request, history, limited, later)


def test_a_volume_that_others_used_up_is_not_free(ask: Asker, world: World, now: datetime) -> None:
    everyone = {"id": "everyone", "per": "action", "everyone": True, "at_most": 3, "days": 1,
                "window": "calendar"}  # fmt: skip
    limited = with_policies(world, contact_policies=[everyone])
    decision = ask(world=limited)
    day = int(now.timestamp() // 86_400)
    for presented, free in ((2, True), (3, False)):
        history = History(volumes=(Volume("tea", "web", day, presented),))
        assert still_free(decision, ask.request, history, limited, now) == free


@pytest.mark.parametrize("status", ["objected", "withdrawn"])
def test_an_objection_in_between_stops_what_was_decided_before(
    decision: Decision, ask: Asker, limited: World, now: datetime, status: Any
) -> None:
    said = History(consents=(Consent("marketing", "all", status, now.timestamp() + 60),))
    assert still_free(decision, ask.request, said, limited, now)
    assert not still_free(decision, ask.request, said, limited, now + timedelta(minutes=2))
    # Also where nothing of it takes a place.
    uncapped = ask(candidates=("pasta_sauce",))
    assert capped(uncapped) == ()
    assert not still_free(uncapped, ask.request, said, limited, now + timedelta(minutes=2))


def test_an_action_that_is_no_longer_in_force_is_not_free(
    decision: Decision, ask: Asker, limited: World, now: datetime
) -> None:
    later = (now + timedelta(hours=1)).isoformat()
    for name in ("tea", "pasta_sauce"):
        for fields in ({"enabled": False}, {"valid_to": now.isoformat()}, {"valid_from": later}):
            changed = with_action(limited, name, **fields)
            assert not still_free(decision, ask.request, NO_HISTORY, changed, now)


def test_an_action_that_the_catalog_has_no_longer_is_not_free(
    decision: Decision, ask: Asker, limited: World
) -> None:
    def without_tea(content: dict[str, Any]) -> None:
        content["actions"] = [one for one in content["actions"] if one["id"] != "tea"]

    smaller = with_catalog(limited, without_tea)
    assert not still_free(decision, ask.request, NO_HISTORY, smaller, ask.now)


def test_the_default_action_is_always_free(ask: Asker, limited: World, now: datetime) -> None:
    decision = ask(candidates=())
    assert ids(decision) == ["do_nothing"]
    assert capped(decision) == ()
    objected = History(consents=(Consent("marketing", "all", "objected", 0.0),))
    assert still_free(decision, ask.request, objected, limited, now)
    renamed = with_catalog(limited, lambda content: content["default_action"].update(id="rest"))
    assert still_free(decision, ask.request, NO_HISTORY, renamed, now)


def test_a_place_lapses_after_the_time_of_its_placement(ask: Asker, limited: World) -> None:
    placements = [{"id": "brief", "channel": "web", "time_to_live_minutes": 2}]
    placed = with_catalog(limited, lambda content: content.update(placements=placements))
    (first, *_) = ask(world=placed, placements=("brief",)).results
    assert (first.placement, lapses_at(first, placed, 1_000.0)) == ("brief", 1_120.0)
    (free, *_) = ask(world=placed).results
    assert lapses_at(free, placed, 1_000.0) == 1_000.0 + 30 * 60
