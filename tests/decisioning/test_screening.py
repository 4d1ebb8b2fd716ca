"""What may be offered to a customer, stage by stage, and what happens when nobody can tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from changed_worlds import (
    ASSUMED,
    Asker,
    gone,
    ids,
    why,
    with_action,
    with_arbitration,
    with_policies,
)

from decisioning.decision import STAGES, Decision
from decisioning.history import Consent, Contact, History
from decisioning.world import World
from features.profiles import Profiles

CAP = {"id": "once_a_week", "per": "action", "at_most": 1, "days": 7}
PAUSE = {"id": "pause", "per": "action", "counts": ["refused"], "at_least": 1, "days": 30,
         "pause_days": 60}  # fmt: skip
NO_CONSENT: dict[str, Any] = {"consent": {}}


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


def policy(tier: str, when: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{tier}_rule", "tier": tier, "when": when, "reason": f"not_{tier}"} | more


def contact(now: datetime, action_id: str, outcome: str = "presented", days: int = 1) -> Contact:
    at = (now - timedelta(days=days)).timestamp()
    return Contact(action_id, "breakfast", "win_back", "web", outcome, at, "earlier")


def agreed(now: datetime, status: str, channel: str = "all", purpose: str = "marketing") -> Any:
    said = Consent(purpose, channel, status, now.timestamp() - 60)  # type: ignore[arg-type]
    return History(consents=(said,))


def told(decision: Decision, action_id: str) -> tuple[str, str, str, str]:
    one = gone(decision)[action_id]
    return one.stage, one.tier, one.policy_id, one.reason


@pytest.mark.parametrize("tier", ["eligibility", "applicability", "suitability"])
def test_a_policy_turns_down_at_the_stage_of_its_tier(ask: Asker, world: World, tier: str) -> None:
    rule = policy(tier, "action.id != 'tea'", scope="action")
    decision = ask(world=with_policies(world, policies=[rule]))
    assert told(decision, "tea") == (tier, tier, f"{tier}_rule", f"not_{tier}")
    assert ids(decision) == ["pasta_sauce", "coffee"]


def test_a_value_that_a_policy_needs_and_nobody_knows_turns_down(ask: Asker, world: World) -> None:
    rule = policy("suitability", "journey.days_since_complaint > 30.0")
    decision = ask(world=with_policies(world, policies=[rule]))
    expected = ("suitability", "suitability", "suitability_rule", "value_missing")
    assert told(decision, "tea") == expected
    careful = rule | {"when": f"!known.journey.days_since_complaint || {rule['when']}"}
    assert "tea" in ids(ask(world=with_policies(world, policies=[careful])))


def test_a_policy_that_cannot_be_evaluated_turns_down(ask: Asker, world: World) -> None:
    rule = policy("suitability", "1 / (request.hour - request.hour) == 1")
    decision = ask(world=with_policies(world, policies=[rule]))
    assert told(decision, "tea")[2:] == ("suitability_rule", "policy_error")


def test_a_condition_of_the_catalog_turns_down_before_any_policy(ask: Asker, world: World) -> None:
    rule = policy("eligibility", "false")
    decision = ask(world=with_policies(world, policies=[rule]))
    assert told(decision, "eggs") == (
        "eligibility", "eligibility", "not_bought_in_56_days", "bought_recently",
    )  # fmt: skip
    assert told(decision, "tea")[2:] == ("eligibility_rule", "not_eligibility")


def test_a_limit_turns_down_with_the_moment_from_which_on_it_does_not(
    ask: Asker, world: World, now: datetime
) -> None:
    history = History(contacts=(contact(now, "tea"),))
    decision = ask(world=with_policies(world, contact_policies=[CAP]), history=history)
    expected = ("contact", "", "once_a_week", "contacted_too_recently")
    assert told(decision, "tea") == expected
    assert gone(decision)["tea"].until == now + timedelta(days=6)
    assert [one.capped for one in decision.results] == [True, True]


def test_a_refused_action_is_paused_and_the_others_are_not(
    ask: Asker, world: World, now: datetime
) -> None:
    history = History(contacts=(contact(now, "tea", "refused", 10),))
    decision = ask(world=with_policies(world, contact_policies=[PAUSE]), history=history)
    assert told(decision, "tea") == ("contact", "", "pause", "paused")
    assert gone(decision)["tea"].until == now + timedelta(days=50)
    assert ids(decision) == ["pasta_sauce", "coffee"]
    assert [one.capped for one in decision.results] == [False, False]


def test_quiet_hours_turn_down_what_goes_out_and_not_what_is_asked_for(
    ask: Asker, world: World
) -> None:
    night = {"id": "night", "begins": "22:00", "ends": "08:00"}
    quiet = with_policies(world, quiet_hours=[night])
    decision = ask(world=quiet, direction="outbound")
    assert told(decision, "tea") == ("contact", "", "night", "quiet_hours")
    assert gone(decision)["tea"].until.hour == 8
    assert len(ids(ask(world=quiet))) == 3
    # It is noon for a customer in Auckland.
    far = History(time_zone="Pacific/Auckland")
    assert len(ids(ask(world=quiet, direction="outbound", history=far))) == 3


def test_without_consent_marketing_stops_and_service_goes_on(ask: Asker, world: World) -> None:
    strict = with_policies(with_action(world, "tea", purpose="service"), **NO_CONSENT)
    decision = ask(world=strict)
    assert ids(decision) == ["tea"]
    assert told(decision, "coffee") == ("consent", "", "consent", "no_consent")
    assert not decision.consent_assumed


def test_consent_that_is_given_lets_marketing_through_on_its_channel(
    ask: Asker, world: World, now: datetime
) -> None:
    strict = with_policies(world, **NO_CONSENT)
    assert len(ids(ask(world=strict, history=agreed(now, "granted", "web")))) == 3
    elsewhere = ask(world=strict, history=agreed(now, "granted", "email"))
    assert why(elsewhere)["tea"] == "no_consent"


def test_assumed_consent_is_told_and_a_withdrawal_still_counts(
    ask: Asker, world: World, now: datetime
) -> None:
    assert ask().consent_assumed
    decision = ask(history=agreed(now, "withdrawn"))
    assert set(why(decision).values()) == {"consent_withdrawn"}
    assert not decision.consent_assumed
    assert not ask(history=agreed(now, "granted")).consent_assumed


def test_an_objection_beats_everything(ask: Asker, world: World, now: datetime) -> None:
    strong = with_action(world, "tea", mandatory=True, propensity=1.0)
    strong = with_arbitration(strong, levers={"actions": {"tea": 1_000_000}})
    decision = ask(world=strong, history=agreed(now, "objected"), candidates=("tea", "coffee"))
    assert ids(decision) == ["do_nothing"]
    assert told(decision, "tea") == ("consent", "", "consent", "objected")
    later = agreed(now, "objected").consents + (
        Consent("marketing", "all", "withdrawn", now.timestamp() - 1),
    )
    assert why(ask(world=strong, history=History(consents=later)))["tea"] == "objected"


def test_an_objection_to_marketing_does_not_touch_what_is_not(
    ask: Asker, world: World, now: datetime
) -> None:
    mixed = with_action(with_action(world, "tea", purpose="service"), "coffee",
                        purpose="transactional")  # fmt: skip
    decision = ask(world=mixed, history=agreed(now, "objected"))
    assert sorted(ids(decision)) == ["coffee", "tea"]


def test_an_unreadable_history_stops_marketing_and_what_is_capped_and_nothing_else(
    ask: Asker, world: World
) -> None:
    mixed = with_action(world, "tea", purpose="service")
    mixed = with_action(mixed, "coffee", purpose="service")
    mixed = with_policies(mixed, contact_policies=[CAP | {"concerns": {"actions": ["coffee"]}}])
    decision = ask(world=mixed, history=None)
    assert ids(decision) == ["tea"]
    assert told(decision, "pasta_sauce") == ("consent", "", "consent", "consent_unreadable")
    assert told(decision, "coffee") == ("contact", "", "ledger", "ledger_unavailable")
    assert not decision.consent_assumed


def test_what_is_transactional_needs_no_history_at_all(ask: Asker, world: World) -> None:
    duty = with_policies(with_action(world, "tea", purpose="transactional"),
                         contact_policies=[CAP])  # fmt: skip
    decision = ask(world=duty, history=None)
    assert ids(decision) == ["tea"]
    assert not decision.results[0].capped


def test_a_control_group_goes_without_marketing_and_is_told(ask: Asker, world: World) -> None:
    half = {"id": "half_of_all", "scope": "global", "share": 50}
    held = with_arbitration(with_action(world, "tea", purpose="service"), control_groups=[half])
    groups = set()
    for number in range(20):
        decision = ask(world=held, customer_id=f"c{number}")
        groups.add(decision.control_group)
        if decision.control_group is None:
            assert len(ids(decision)) == 3
            continue
        assert ids(decision) == ["tea"]
        assert told(decision, "coffee") == ("control", "", "half_of_all", "control_group")
    assert groups == {None, "half_of_all"}


def test_what_is_significant_goes_to_an_advisor_who_has_to_confirm_it(
    ask: Asker, world: World
) -> None:
    weighty = with_action(world, "tea", impact="significant")
    assert told(ask(world=weighty), "tea") == ("catalog", "", "impact", "needs_advisor")
    decision = ask(world=weighty, channel="advisor", context="advisor")
    assert {one.action_id: one.confirm for one in decision.results} == {
        "pasta_sauce": False, "coffee": False, "tea": True,
    }  # fmt: skip


def test_an_earlier_stage_is_the_one_that_is_told(ask: Asker, world: World, now: datetime) -> None:
    everything = with_policies(
        world,
        consent=ASSUMED,
        policies=[policy("suitability", "false"), policy("eligibility", "false")],
        contact_policies=[CAP],
    )
    history = History(
        contacts=(contact(now, "tea"),), consents=agreed(now, "objected", "email").consents
    )
    decision = ask(world=everything, history=history, excluded=("coffee",))
    stages = [one.stage for one in decision.removed]
    assert stages == sorted(stages, key=STAGES.index)
    assert told(decision, "tea")[0] == "eligibility"
    assert why(decision)["coffee"] == "excluded"
