"""Every rung below the full model: what is ranked by, what it is called, and what still holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

import numpy as np
import pytest
from changed_worlds import Asker, gone, ids, with_action
from generated_moments import random_case
from generated_world import (
    LAYOUT,
    Generated,
    as_the_ledger_reads_it,
    model_of,
    popularity_of,
    profiles_of,
)

from decisioning.decide import decide
from decisioning.decision import STAGES, Decision
from decisioning.manifest import Priors
from decisioning.request import DecisionRequest
from decisioning.world import World, build_world
from features.profiles import Profiles, no_profile

PRIORS = Priors(overall=0.05, per_action={"coffee": 0.2, "tea": 0.4}, per_segment={})
FILTERS = STAGES[: STAGES.index("scoring")]


@dataclass
class Rungs:
    """The same question where more and more is missing."""

    world: World
    profile: Profiles
    ask: Asker

    def full(self) -> Decision:
        return self.ask(world=self.world)

    def unknown(self) -> Decision:
        return self.ask(
            world=self.world, profiles=no_profile(self.world.layout, "007"), max_results=9
        )

    def model_failed(self) -> Decision:
        return self.ask(world=self.without_model())

    def without_model(self) -> World:
        world = self.world
        return build_world(
            world.configuration, world.model, world.layout, world.calendar, without_model=True
        )

    def no_model(self) -> Decision:
        world = self.world
        return self.ask(world=build_world(world.configuration, None, world.layout, world.calendar))


@pytest.fixture
def rungs(
    world: World, model: Any, profile: Profiles, popularity: np.ndarray, now: datetime
) -> Rungs:
    told = replace(model, manifest=replace(model.manifest, priors=PRIORS))
    own = build_world(world.configuration, told, world.layout, world.calendar)
    return Rungs(own, profile, Asker(own, profile, popularity, now))


def test_with_a_full_model_nothing_is_missing_and_no_prior_counts(rungs: Rungs) -> None:
    decision = rungs.full()
    assert decision.degraded == ()
    assert {one.label_model for one in decision.results} == {"adoption"}


def test_an_unknown_customer_gets_what_most_take(rungs: Rungs) -> None:
    decision = rungs.unknown()
    assert decision.degraded == ("unknown_customer", "priors")
    assert {one.action_id: one.propensity for one in decision.results} == {
        "tea": 0.4,
        "coffee": 0.2,
        "eggs": 0.05,
        "pasta_sauce": 0.05,
    }
    for one in decision.results:
        assert (one.label_model, one.model_propensity, one.reasons) == ("prior", None, ())
    assert decision.versions.model == "fake/1"


def test_without_its_model_a_known_customer_keeps_all_that_rules_say(rungs: Rungs) -> None:
    decision = rungs.model_failed()
    assert decision.degraded == ("no_model", "priors")
    assert {one.label_model for one in decision.results} == {"prior"}
    assert gone(decision)["eggs"].reason == "bought_recently"
    assert decision.versions.model == "fake/1"


def test_a_stale_profile_is_answered_by_priors(
    rungs: Rungs, make_profile: Callable[..., Profiles]
) -> None:
    decision = rungs.ask(
        world=rungs.world, profiles=make_profile({"COFFEE": (3, 99)}, hours_ago=24 * 40)
    )
    assert decision.degraded == ("stale_features", "priors")
    assert decision.results[0].action_id == "tea"


def test_without_any_model_only_the_default_action_is_left(rungs: Rungs) -> None:
    decision = rungs.no_model()
    assert ids(decision) == ["do_nothing"]
    assert decision.degraded == ("no_model",)


def test_a_bundle_that_says_nothing_per_action_has_no_priors(rungs: Rungs) -> None:
    silent = Priors(overall=0.5, per_action={}, per_segment={})
    told = replace(rungs.world.model, manifest=replace(rungs.world.model.manifest, priors=silent))
    world = build_world(rungs.world.configuration, told, rungs.world.layout, rungs.world.calendar)
    decision = rungs.ask(world=world, profiles=no_profile(world.layout, "007"))
    assert ids(decision) == ["do_nothing"]
    assert decision.degraded == ("unknown_customer",)


def test_a_fixed_propensity_stays_and_is_no_prior(rungs: Rungs) -> None:
    world = with_action(rungs.world, "tea", propensity=0.03)
    decision = rungs.ask(world=world, profiles=no_profile(world.layout, "007"), max_results=9)
    results = {one.action_id: one for one in decision.results}
    assert (results["tea"].propensity, results["tea"].label_model) == (0.03, "fixed")
    assert results["coffee"].label_model == "prior"


def test_priors_that_rank_nothing_are_not_told(rungs: Rungs) -> None:
    only = DecisionRequest("007", "advisor", "advisor", candidates=("do_nothing",))
    nobody = no_profile(rungs.world.layout, "007")
    decision = decide(only, nobody, rungs.ask.popularity, rungs.world, rungs.ask.now, None)
    assert decision.degraded == ("unknown_customer",)


def _on_every_rung(generated: Generated, priors: Priors | None, case: Any) -> list[Decision]:
    """Decide full, unknown, without the model; each with and without a readable ledger."""
    world = generated.world
    model = model_of(generated.written)
    assert model is not None
    told = replace(model, manifest=replace(model.manifest, priors=priors))
    worlds = [
        build_world(world.configuration, told, LAYOUT, world.calendar, without_model=left_out)
        for left_out in (False, True)
    ]
    profiles, nobody = profiles_of(case), no_profile(LAYOUT, case.request.customer_id or "")
    history = as_the_ledger_reads_it(case, world)
    return [
        decide(case.request, rows, popularity_of(case, one), one, case.now, known, "d")
        for one in worlds
        for rows in (profiles, nobody)
        for known in (history, None)
    ]


def test_consent_caps_and_rules_turn_down_the_same_on_every_rung_with_and_without_priors() -> None:
    ranked_by_priors = 0
    for seed in range(3_000, 3_030):
        generated = Generated.of(seed)
        if model_of(generated.written) is None:
            continue
        names = generated.world.catalog.action_ids
        priors = Priors(overall=0.3, per_action={name: 0.3 for name in names}, per_segment={})
        dice = Random(seed)
        for _ in range(6):
            case = random_case(dice, generated.written)
            plain = _on_every_rung(generated, None, case)
            helped = _on_every_rung(generated, priors, case)
            for without, with_priors in zip(plain, helped, strict=True):
                before = {r[:5] for r in without.removed if r.stage in FILTERS}
                assert {r[:5] for r in with_priors.removed if r.stage in FILTERS} == before
                answered = set(ids(with_priors))
                assert answered.isdisjoint(one[0] for one in before)
                by_priors = [one for one in with_priors.results if one.label_model == "prior"]
                assert ("priors" in with_priors.degraded) is bool(by_priors)
                ranked_by_priors += len(by_priors)
    assert ranked_by_priors > 200
