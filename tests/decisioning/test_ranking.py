"""The scored candidates in order, and which of them one answer may hold together."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from changed_worlds import (
    Asker,
    gone,
    ids,
    why,
    with_action,
    with_arbitration,
    with_catalog,
    with_policies,
)

from decisioning.world import World
from features.profiles import Profiles


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


@pytest.fixture
def placed(world: World) -> World:
    """A world with a hero for one, a row of two, and tea bound to the hero."""
    said = {"title": "Tea", "text": "Tea."}

    def change(content: dict[str, Any]) -> None:
        content["placements"] = [
            {"id": "hero", "channel": "web"},
            {"id": "row", "channel": "web", "slots": 2},
        ]
        tea = next(one for one in content["actions"] if one["id"] == "tea")
        tea["treatments"] = {"web": {"en": said, "de": said, "placements": ["hero"]}}

    return with_catalog(world, change)


def places(decision: Any) -> dict[str, str | None]:
    return {one.action_id: one.placement for one in decision.results}


def test_what_is_mandatory_goes_first_and_says_so(ask: Asker, world: World) -> None:
    decision = ask(world=with_action(world, "tea", mandatory=True))
    assert ids(decision) == ["tea", "pasta_sauce", "coffee"]
    assert [one.mandatory for one in decision.results] == [True, False, False]
    assert decision.results[0].priority < decision.results[1].priority


def test_equal_priorities_are_put_in_order_by_propensity_and_then_by_id(
    ask: Asker, world: World
) -> None:
    even = world
    for name, propensity, amount in (("tea", 0.5, 1.0), ("coffee", 0.5, 1.0), ("eggs", 0.25, 2.0)):
        value = {"kind": "fixed", "amount": amount}
        even = with_action(even, name, propensity=propensity, value=value, category=None)
    decision = ask(world=even, candidates=("tea", "eggs", "coffee"))
    assert {one.priority for one in decision.results} == {0.5}
    assert ids(decision) == ["coffee", "tea", "eggs"]


def test_diversity_leaves_so_many_of_a_group_and_names_itself(ask: Asker, world: World) -> None:
    decision = ask(world=with_arbitration(world, diversity={"per_group": 1}))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    tea = gone(decision)["tea"]
    told = (tea.stage, tea.policy_id, tea.reason)
    assert told == ("arbitration", "diversity.per_group", "group_full")


def test_diversity_counts_issues_as_well(ask: Asker, world: World) -> None:
    decision = ask(world=with_arbitration(world, diversity={"per_issue": 2}))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    assert gone(decision)["tea"].policy_id == "diversity.per_issue"


def test_two_actions_that_share_the_last_place_of_a_limit_are_not_both_returned(
    ask: Asker, world: World
) -> None:
    cap = {"id": "one_a_week", "per": "group", "at_most": 1, "days": 7}
    decision = ask(world=with_policies(world, contact_policies=[cap]))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    tea = gone(decision)["tea"]
    told = (tea.stage, tea.policy_id, tea.reason)
    assert told == ("arbitration", "one_a_week", "limit_used_up")
    assert [one.capped for one in decision.results] == [True, True]


def test_placements_are_filled_in_the_order_of_the_request(ask: Asker, placed: World) -> None:
    decision = ask(world=placed, placements=("hero", "row"))
    assert places(decision) == {"pasta_sauce": "hero", "coffee": "row"}
    tea = gone(decision)["tea"]
    told = (tea.stage, tea.policy_id, tea.reason)
    assert told == ("arbitration", "placements", "placements_full")
    other = ask(world=placed, placements=("row", "hero"))
    assert places(other) == {"pasta_sauce": "row", "coffee": "row", "tea": "hero"}


def test_no_action_is_in_two_placements_and_no_placement_holds_more_than_its_slots(
    ask: Asker, placed: World
) -> None:
    random = np.random.default_rng(17)
    for _ in range(60):
        asked = tuple(random.permutation(["hero", "row", "hero", "row"]).tolist())
        asked = asked[: int(random.integers(1, 5))]
        decision = ask(world=placed, placements=asked, max_results=int(random.integers(1, 5)))
        assert len(set(ids(decision))) == len(ids(decision))
        held = Counter(places(decision).values())
        assert held["hero"] <= 1 and held["row"] <= 2


def test_a_placement_that_is_named_twice_has_no_more_slots(ask: Asker, placed: World) -> None:
    decision = ask(world=placed, placements=("hero", "hero"))
    assert places(decision) == {"pasta_sauce": "hero"}


def test_max_results_counts_before_free_slots(ask: Asker, placed: World) -> None:
    decision = ask(world=placed, placements=("hero", "row"), max_results=1)
    assert places(decision) == {"pasta_sauce": "hero"}
    assert {why(decision)[name] for name in ("coffee", "tea")} == {"outranked"}


def test_without_placements_no_result_has_one(ask: Asker, placed: World) -> None:
    assert set(places(ask(world=placed)).values()) == {None}


def test_a_limit_does_not_hold_back_what_is_not_under_it(ask: Asker, world: World) -> None:
    cap = {
        "id": "one",
        "per": "all",
        "at_most": 1,
        "days": 7,
        "concerns": {"groups": ["breakfast"]},
    }
    decision = ask(world=with_policies(world, contact_policies=[cap]))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    assert [one.capped for one in decision.results] == [False, True]
    assert why(decision)["tea"] == "limit_used_up"


def test_ranks_are_counted_from_one_and_probabilities_are_one_without_exploration(
    ask: Asker,
) -> None:
    results = ask().results
    assert [one.rank for one in results] == [1, 2, 3]
    assert {(one.probability, one.probability_error, one.explored) for one in results} == {
        (1.0, 0.0, False)
    }


def test_exploration_of_another_channel_changes_nothing(ask: Asker, world: World) -> None:
    explored = with_arbitration(world, exploration={"bot": {"kind": "epsilon", "epsilon": 1.0}})
    assert ids(ask(world=explored)) == ids(ask())


def test_exploration_draws_the_same_for_the_same_request_and_all_orders_come_up(
    ask: Asker, world: World
) -> None:
    explored = with_arbitration(world, exploration={"web": {"kind": "epsilon", "epsilon": 1.0}})
    firsts = Counter()
    for number in range(60):
        asked = {"world": explored, "decision_request_id": f"r{number}", "max_results": 1}
        decision = ask(**asked)
        assert decision == ask(**asked)
        (first,) = decision.results
        assert first.probability == pytest.approx(1 / 3)
        assert first.explored == (first.action_id != "pasta_sauce")
        firsts[first.action_id] += 1
    assert set(firsts) == {"pasta_sauce", "coffee", "tea"}
