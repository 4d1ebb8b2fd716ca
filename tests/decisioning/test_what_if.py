"""What would have made another action come first."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from changed_worlds import (
    Asker,
    gone,
    ids,
    why,
    with_action,
    with_arbitration,
    with_policies,
)

from decisioning.history import Contact, History
from decisioning.what_if import Change, what_would_change
from decisioning.world import World
from features.profiles import Profiles


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


def changes(ask: Asker, world: World, **asked: object) -> dict[str, Change]:
    decision = ask(world=world, **asked)
    wider = ask(world=world, **(asked | {"max_results": 100}))
    return {one.about: one for one in what_would_change(decision, wider, world)}


@pytest.mark.parametrize("factor", ["value", "lever"])
def test_with_what_is_needed_the_second_draws_level(ask: Asker, world: World, factor: str) -> None:
    second = changes(ask, world)["second"]
    assert second.action_id == "coffee"
    needed = second.needed[factor]
    if factor == "value":
        other = with_action(world, "coffee", value={"kind": "fixed", "amount": needed})
    else:
        percent = (needed - 1.0) * 100.0
        other = with_arbitration(world, levers={"actions": {"coffee": percent}})
    results = {one.action_id: one for one in ask(world=other).results}
    level = results["pasta_sauce"].priority
    assert results["coffee"].priority == pytest.approx(level, rel=1e-12)


def test_only_what_can_be_reached_is_named(ask: Asker, world: World) -> None:
    # Tea would have to be ten times as likely as certain.
    worth = {"kind": "fixed", "amount": 10_000.0}
    second = changes(ask, with_action(world, "pasta_sauce", value=worth))["second"]
    assert set(second.needed) == {"value", "context_weight", "lever"}
    assert "propensity" not in second.words["en"] and "Neigung" not in second.words["de"]


def test_a_factor_that_does_not_count_is_not_named(ask: Asker, world: World) -> None:
    off = with_arbitration(world, factors={"lever": False, "context_weight": False})
    second = changes(ask, off)["second"]
    assert set(second.needed) <= {"propensity", "value"}
    nothing = dict.fromkeys(("propensity", "value", "lever", "context_weight"), False)
    level = changes(ask, with_arbitration(world, factors=nothing))["second"]
    assert level.needed == {}
    assert "other factors counted" in level.words["en"]
    assert "anderes gezählt" in level.words["de"]


def test_words_name_both_actions_each_in_the_language(ask: Asker, world: World) -> None:
    for language in ("en", "de"):
        second = changes(ask, world, language=language)["second"]
        assert second.words["en"].startswith("Coffee would draw level with Pasta sauce if ")
        assert second.words["de"].startswith("Kaffee käme auf gleiche Höhe mit Pastasauce, wenn ")
        assert second.words["de"].endswith(" wäre.")


def test_nothing_comes_before_what_is_mandatory(ask: Asker, world: World) -> None:
    must = with_action(world, "tea", mandatory=True)
    told = changes(ask, must, max_results=1, excluded=())
    assert ids(ask(world=must, max_results=1)) == ["tea"]
    assert told["second"].needed == {}
    assert "mandatory" in told["second"].words["en"] and "Pflicht" in told["second"].words["de"]


def test_what_was_outranked_by_something_mandatory_is_told_so(ask: Asker, world: World) -> None:
    must = with_action(with_action(world, "tea", mandatory=True), "eggs", enabled=False)
    names = ("tea", "pasta_sauce", "coffee")
    told = changes(ask, must, max_results=1, candidates=names)["first_removed"]
    assert told.action_id == "pasta_sauce"
    assert told.needed == {}
    assert "mandatory" in told.words["en"]


def test_two_that_are_mandatory_are_compared_by_priority(ask: Asker, world: World) -> None:
    must = with_action(with_action(world, "tea", mandatory=True), "coffee", mandatory=True)
    second = changes(ask, must)["second"]
    assert (second.action_id, "value" in second.needed) == ("tea", True)


def test_what_has_no_priority_cannot_draw_level(ask: Asker, world: World) -> None:
    nothing = with_action(world, "coffee", value={"kind": "fixed", "amount": 0.0})
    second = changes(ask, nothing, candidates=("pasta_sauce", "coffee"))["second"]
    assert (second.action_id, second.needed) == ("coffee", {})
    assert "no priority at all" in second.words["en"]


def test_what_was_put_back_in_order_to_learn_needs_nothing(ask: Asker, world: World) -> None:
    explored = with_arbitration(world, exploration={"web": {"kind": "epsilon", "epsilon": 1.0}})
    seen = set()
    for number in range(40):
        asked = {"decision_request_id": f"r{number}"}
        first, second, *_ = ask(world=explored, **asked).results
        told = changes(ask, explored, **asked)["second"]
        turned = second.priority > first.priority
        seen.add(turned)
        assert (told.needed == {}) == turned
        assert ("in order to learn" in told.words["en"]) == turned
        assert all(level >= getattr(second, name) for name, level in told.needed.items())
    assert seen == {True, False}


def test_a_removal_says_until_when_it_lasts(ask: Asker, world: World, now: datetime) -> None:
    cap = {"id": "cap", "per": "action", "at_most": 1, "days": 7}
    capped = with_policies(world, contact_policies=[cap])
    at = (now - timedelta(days=1)).timestamp()
    seen = Contact("tea", "breakfast", "win_back", "web", "presented", at, "d")
    asked = {"history": History(contacts=(seen,)), "candidates": ("tea", "coffee")}
    told = changes(ask, capped, **asked)["first_removed"]
    assert told.words["en"] == "because; possible again from 2018-01-07 06:00 UTC"
    assert told.words["de"] == "darum; wieder möglich ab 07.01.2018 06:00 UTC"


def test_a_removal_by_a_policy_says_what_would_have_to_hold(ask: Asker, world: World) -> None:
    rule = {"id": "value", "tier": "suitability", "when": "profile.trips_all > 100.0",
            "reason": "too_new"}  # fmt: skip
    told = changes(ask, with_policies(world, policies=[rule]), candidates=("tea",))
    assert set(told) == {"first_removed"}
    assert told["first_removed"].words["en"].endswith("profile.trips_all > 100.0")
    assert told["first_removed"].words["de"].endswith("profile.trips_all > 100.0")


def test_a_field_that_is_called_like_a_policy_says_nothing_of_it(ask: Asker, world: World) -> None:
    rule = {"id": "value", "tier": "suitability", "when": "true", "reason": "never"}
    unusable = {"kind": "expression", "amount": "journey.days_since_complaint"}
    strange = with_policies(with_action(world, "tea", value=unusable), policies=[rule])
    told = changes(ask, strange, candidates=("tea", "coffee"))["first_removed"]
    assert told.words["en"] == "its value cannot be computed"


def test_alone_and_with_nothing_removed_there_is_nothing_to_tell(ask: Asker, world: World) -> None:
    assert changes(ask, world, candidates=("tea",)) == {}


def test_a_last_place_taken_by_another_is_told_in_words(ask: Asker, world: World) -> None:
    cap = {"id": "cap", "per": "all", "at_most": 1, "days": 7}
    capped = with_policies(world, contact_policies=[cap])
    asked = {"candidates": ("coffee", "tea")}
    assert why(ask(world=capped, **asked)) == {"tea": "limit_used_up"}
    told = changes(ask, capped, **asked)["first_removed"]
    assert told.words["en"] == "others took the last place"
    assert gone(ask(world=capped, **asked))["tea"].policy_id == "cap"
