"""What each candidate is worth trying, and what is below a threshold or too young."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from changed_worlds import Asker, gone, ids, rebuilt, why, with_action, with_arbitration

from decisioning.arbitration.chance import uniform_of
from decisioning.catalog import Catalog
from decisioning.request import ContextEntry
from decisioning.world import World, build_world
from features.layout import Layout
from features.profiles import Profiles, no_profile


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


def modelless(world: World) -> World:
    return build_world(world.configuration, None, world.layout, world.calendar)


def test_a_threshold_of_propensity_takes_what_reaches_it(ask: Asker, world: World) -> None:
    before = {one.action_id: one.propensity for one in ask().results}
    least = before["coffee"]
    decision = ask(world=with_arbitration(world, thresholds={"propensity": least}))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    tea = gone(decision)["tea"]
    told = (tea.stage, tea.tier, tea.policy_id, tea.reason)
    assert told == ("scoring", "", "thresholds.propensity", "below_propensity")


def test_a_threshold_of_priority_takes_what_reaches_it(ask: Asker, world: World) -> None:
    before = {one.action_id: one.priority for one in ask().results}
    decision = ask(world=with_arbitration(world, thresholds={"priority": before["coffee"]}))
    assert ids(decision) == ["pasta_sauce", "coffee"]
    tea = gone(decision)["tea"]
    assert (tea.policy_id, tea.reason) == ("thresholds.priority", "below_priority")


def test_the_threshold_of_a_group_counts_before_that_of_all(ask: Asker, world: World) -> None:
    least = {"everywhere": 1.0, "groups": {"pantry": 0.0}}
    decision = ask(world=with_arbitration(world, thresholds={"propensity": least}))
    assert ids(decision) == ["pasta_sauce"]


def test_where_everything_is_below_a_threshold_the_default_action_is_answered(
    ask: Asker, world: World
) -> None:
    decision = ask(world=with_arbitration(world, thresholds={"priority": 1e9}))
    assert ids(decision) == ["do_nothing"]
    assert set(why(decision).values()) == {"below_priority", "bought_recently"}


def test_what_is_mandatory_has_no_threshold(ask: Asker, world: World) -> None:
    least = {"thresholds": {"propensity": 1.0, "priority": 1e9}}
    must = with_arbitration(with_action(world, "tea", mandatory=True), **least)
    assert ids(ask(world=must)) == ["tea"]


def test_a_fixed_propensity_needs_no_model(ask: Asker, world: World) -> None:
    fixed = modelless(with_action(world, "tea", propensity=0.4))
    decision = ask(world=fixed)
    (tea,) = decision.results
    assert (tea.action_id, tea.propensity, tea.priority) == ("tea", 0.4, 0.4 * 2.5)
    assert (tea.label_model, tea.model_propensity, tea.evidence) == ("fixed", None, 0.0)
    assert tea.reasons == ()
    coffee = gone(decision)["coffee"]
    assert (coffee.stage, coffee.policy_id, coffee.reason) == ("scoring", "model", "no_model")
    assert decision.degraded == ("no_model",)


def test_a_fixed_propensity_needs_no_profile(ask: Asker, world: World, layout: Layout) -> None:
    fixed = with_action(world, "tea", propensity=0.4, category=None)
    decision = ask(world=fixed, profiles=no_profile(layout, "?"))
    assert ids(decision) == ["tea"]
    assert why(decision)["coffee"] == "unknown_customer"


def test_a_fixed_propensity_is_neither_the_models_nor_smoothed(ask: Asker, world: World) -> None:
    smoothing = {"start_propensity": 0.9, "start_evidence": 1_000}
    fixed = with_arbitration(with_action(world, "tea", propensity=0.4), smoothing=smoothing)
    results = {one.action_id: one for one in ask(world=fixed).results}
    assert results["tea"].propensity == 0.4
    coffee = results["coffee"]
    assert coffee.evidence == 7.0
    believed = 1_000 / 1_008 * 0.9 + 7 / 1_008 * coffee.model_propensity
    assert coffee.propensity == pytest.approx(believed, rel=1e-12)


def test_levers_and_context_weights_are_factors(ask: Asker, world: World) -> None:
    fact = {"type": "page", "key": "category", "value": "tea"}
    other = with_arbitration(
        world,
        levers={"issues": {"win_back": 20}, "groups": {"breakfast": 35}},
        context_weights=[fact | {"action": "tea", "weight": 100}],
    )
    decision = ask(world=other, contexts=(ContextEntry(**fact),))
    results = {one.action_id: one for one in decision.results}
    assert results["tea"].lever == results["coffee"].lever == pytest.approx(1.55)
    assert results["pasta_sauce"].lever == pytest.approx(1.2)
    assert [results[name].context_weight for name in ("tea", "coffee")] == [2.0, 1.0]


@pytest.mark.parametrize(
    "amount",
    [
        "profile.trips_all - 41.0",
        "1.0 / (profile.trips_all - 40.0)",
        "journey.days_since_complaint + 1.0",
        "action.size * 1.0",
    ],
    ids=["negative", "infinite", "missing", "attribute_missing"],
)
def test_an_action_whose_value_cannot_be_used_is_removed_and_costs_the_others_nothing(
    ask: Asker, world: World, amount: str
) -> None:
    name = "pasta_sauce"
    strange = with_action(world, name, value={"kind": "expression", "amount": amount})
    decision = ask(world=strange)
    removed = gone(decision)[name]
    told = (removed.stage, removed.policy_id, removed.reason)
    assert told == ("scoring", "value", "value_not_usable")
    assert ids(decision) == ["coffee", "tea"]


def test_a_value_by_expression_is_the_value_of_the_answer(ask: Asker, world: World) -> None:
    value = {"kind": "expression", "amount": "profile.trips_all / 4.0"}
    results = {
        one.action_id: one for one in ask(world=with_action(world, "tea", value=value)).results
    }
    assert results["tea"].value == 10.0


def test_a_young_action_is_only_let_out_to_the_customers_that_it_has_reached(
    ask: Asker, world: World
) -> None:
    ramp = {"positives": 70, "floor": 0.0, "directions": ["inbound"]}
    ramped = with_arbitration(world, ramp=ramp)
    seen = set()
    for number in range(60):
        customer = f"c{number}"
        decision = ask(world=ramped, customer_id=customer)
        reached = uniform_of("ramp", "coffee", customer) < 7.0 / 70
        assert ("coffee" in ids(decision)) == reached
        seen.add(reached)
        pasta = gone(decision)["pasta_sauce"]
        told = (pasta.stage, pasta.policy_id, pasta.reason)
        assert told == ("scoring", "ramp", "young_action")
    assert seen == {True, False}


def test_a_ramp_leaves_alone_what_is_fixed_mandatory_or_service(ask: Asker, world: World) -> None:
    free = with_action(world, "tea", propensity=0.2)
    free = with_action(free, "coffee", mandatory=True)
    free = with_action(free, "pasta_sauce", purpose="service")
    ramp = {"positives": 1e9, "floor": 0.0, "directions": ["inbound"]}
    assert sorted(ids(ask(world=with_arbitration(free, ramp=ramp)))) == [
        "coffee", "pasta_sauce", "tea",
    ]  # fmt: skip
    outbound = with_arbitration(world, ramp=ramp | {"directions": ["outbound"]})
    assert len(ids(ask(world=outbound))) == 3


def test_a_stale_profile_leaves_only_what_has_a_fixed_propensity(
    ask: Asker, world: World, make_profile
) -> None:
    fixed = with_action(world, "tea", propensity=0.2)
    decision = ask(world=fixed, profiles=make_profile({"COFFEE": (3, 99)}, hours_ago=49))
    assert ids(decision) == ["tea"]
    assert why(decision)["coffee"] == "stale_features"


def test_a_catalog_of_nothing_but_fixed_propensities_never_asks_the_model(
    ask: Asker, world: World
) -> None:
    content = world.catalog.model_dump(mode="json", exclude_defaults=True)
    for action in content["actions"]:
        action["propensity"] = 0.5
    fixed = rebuilt(world, catalog=Catalog.model_validate(content))
    results = ask(world=fixed).results
    assert {one.label_model for one in results} == {"fixed"}
    assert ids(ask(world=replace(fixed, model=None))) == [one.action_id for one in results]
