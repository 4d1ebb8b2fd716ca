from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import yaml

from decisioning.arbitration import ArbitrationFile
from decisioning.catalog import Catalog
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import NO_HISTORY
from decisioning.request import DecisionRequest
from decisioning.world import World, build_world
from features.calendar import Calendar
from features.errors import FeatureError, LeakError
from features.layout import Layout
from features.profiles import Profiles, no_profile

ASKED = DecisionRequest(customer_id="007", decision_request_id="r-1")


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime):
    def ask(**changes) -> Decision:
        given = {"profiles": profile, "world": world, "now": now, "popularity": popularity}
        given["history"] = NO_HISTORY
        request = changes.pop("request", ASKED)
        return decide(request, **(given | changes))

    return ask


def with_action(world: World, action_id: str, **fields: object) -> World:
    """The same world with other fields of one action."""
    content = world.catalog.model_dump(mode="json", exclude_defaults=True)
    for action in content["actions"]:
        if action["id"] == action_id:
            action.update(fields)
    configuration = replace(world.configuration, catalog=Catalog.model_validate(content))
    return build_world(configuration, world.model, world.layout, world.calendar)


def with_arbitration(world: World, **content: object) -> World:
    """The same world with another arbitration."""
    arbitration = ArbitrationFile.model_validate(content)
    configuration = replace(world.configuration, arbitration=arbitration)
    return build_world(configuration, world.model, world.layout, world.calendar)


def ids(decision: Decision) -> list[str]:
    return [result.action_id for result in decision.results]


def why(decision: Decision) -> dict[str, str]:
    return {removed.action_id: removed.reason for removed in decision.removed}


def test_actions_are_ranked_by_propensity_times_value(ask) -> None:
    results = ask().results
    priorities = [result.priority for result in results]
    assert ids(ask()) == ["pasta_sauce", "coffee", "tea"]
    assert priorities == sorted(priorities, reverse=True)
    for result in results:
        product = result.propensity * result.context_weight * result.value * result.lever
        assert result.priority == pytest.approx(product, rel=1e-12)
    assert [result.rank for result in results] == [1, 2, 3]


def test_a_result_says_what_its_propensity_is_and_how_much_was_seen(ask) -> None:
    coffee = ask().results[1]
    assert (coffee.label_model, coffee.evidence, coffee.value) == ("adoption", 7.0, 4.0)
    assert (coffee.probability, coffee.explored) == (1.0, False)


def test_what_was_bought_recently_is_not_eligible(ask) -> None:
    removed = {one.action_id: one for one in ask().removed}
    eggs = removed["eggs"]
    assert (eggs.stage, eggs.tier) == ("eligibility", "eligibility")
    assert (eggs.policy_id, eggs.reason) == ("not_bought_in_56_days", "bought_recently")


def test_what_was_never_bought_is_eligible(ask) -> None:
    assert "tea" in ids(ask())


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_at_most_max_results_are_returned_and_every_candidate_is_accounted_for(ask, limit) -> None:
    decision = ask(request=replace(ASKED, max_results=limit))
    assert len(decision.results) == min(limit, 3)
    everybody = sorted(ids(decision) + [one.action_id for one in decision.removed])
    assert everybody == ["coffee", "eggs", "pasta_sauce", "tea"]


def test_only_the_candidates_of_the_request_are_considered(ask) -> None:
    decision = ask(request=replace(ASKED, candidates=("tea", "coffee", "tea")))
    assert ids(decision) == ["coffee", "tea"]
    assert why(decision) == {}


def test_an_unknown_candidate_is_named_and_does_no_harm(ask) -> None:
    decision = ask(request=replace(ASKED, candidates=("tee", "tea"), excluded=("nothing",)))
    assert ids(decision) == ["tea"]
    assert [(one.action_id, one.stage, one.reason) for one in decision.removed] == [
        ("tee", "request", "unknown_action")
    ]


def test_an_excluded_action_is_removed(ask) -> None:
    decision = ask(request=replace(ASKED, excluded=("pasta_sauce",)))
    assert ids(decision) == ["coffee", "tea"]
    assert why(decision)["pasta_sauce"] == "excluded"


def test_a_disabled_action_is_removed(ask, world: World) -> None:
    decision = ask(world=with_action(world, "coffee", enabled=False))
    assert why(decision)["coffee"] == "disabled"


def test_an_action_is_valid_from_its_first_moment_until_before_its_last(
    ask, world: World, now: datetime
) -> None:
    begin, end = now + timedelta(hours=1), now + timedelta(hours=2)
    bounded = with_action(world, "tea", valid_from=begin.isoformat(), valid_to=end.isoformat())
    early = ask(world=bounded)
    assert why(early)["tea"] == "not_yet_valid"
    assert [one.until for one in early.removed if one.action_id == "tea"] == [begin]
    assert "tea" in ids(ask(world=bounded, now=begin))
    assert why(ask(world=bounded, now=end))["tea"] == "expired"


def test_an_action_about_a_category_that_no_profile_knows_yet_is_removed(ask, world: World) -> None:
    decision = ask(world=with_action(world, "tea", category="NEW TEA"))
    assert why(decision)["tea"] == "features_not_built"
    assert sorted(ids(decision)) == ["coffee", "pasta_sauce"]
    assert decision.degraded == ()


def test_an_action_without_a_text_for_the_channel_is_removed(ask) -> None:
    decision = ask(request=replace(ASKED, channel="bot"))
    assert ids(decision) == ["do_nothing"]
    assert set(why(decision).values()) == {"no_treatment"}


def test_the_answer_is_in_the_language_and_for_the_channel_of_the_request(ask) -> None:
    request = replace(ASKED, channel="advisor", language="de")
    best = ask(request=request).results[0]
    assert best.name == "Pastasauce"
    assert best.treatment.title == "Pastasauce ansprechen"
    assert best.treatment.talking_points == ("Pastasauce einmal.",)
    assert best.reasons[0].text == "Pastasauce: 14-mal gekauft, zuletzt vor 70 Tagen"


def test_reasons_are_told_for_what_speaks_for_an_action(ask) -> None:
    reason = ask().results[0].reasons[0]
    assert reason.text == "bought pasta sauce 14 times, last 70 days ago"
    assert reason.features == ("category_trips_all", "days_since_category")
    assert reason.contribution == pytest.approx(14 * 0.1 + 70 * 0.002)


def test_no_reasons_are_told_where_none_are_asked_for(ask) -> None:
    results = ask(request=replace(ASKED, explain="none")).results
    assert [result.reasons for result in results] == [(), (), ()]


def test_an_unknown_customer_gets_the_default_action(ask, layout: Layout) -> None:
    decision = ask(profiles=no_profile(layout, "?"))
    assert ids(decision) == ["do_nothing"]
    assert decision.degraded == ("unknown_customer",)
    assert decision.feature_age_s is None
    assert decision.results[0].propensity is None
    assert set(why(decision)) == {"coffee", "eggs", "pasta_sauce", "tea"}


def test_without_a_model_the_default_action_is_returned(ask, world: World) -> None:
    bare = build_world(world.configuration, None, world.layout, world.calendar)
    decision = ask(world=bare)
    assert ids(decision) == ["do_nothing"]
    assert decision.degraded == ("no_model",)
    assert decision.versions.model == ""


def test_a_stale_profile_is_not_scored(ask, make_profile: Callable[..., Profiles]) -> None:
    fresh = ask(profiles=make_profile({"COFFEE": (3, 99)}, hours_ago=48))
    old = ask(profiles=make_profile({"COFFEE": (3, 99)}, hours_ago=49))
    assert fresh.degraded == ()
    assert old.degraded == ("stale_features",)
    assert ids(old) == ["do_nothing"]
    assert old.feature_age_s == pytest.approx(49 * 3_600)


def test_a_profile_of_another_layout_is_not_read(ask, popularity: np.ndarray) -> None:
    decision = ask(profiles=replace(no_profile(Layout.of(("X",), ("y",)), "007"), vectors=_one()))
    assert decision.degraded == ("profile_layout_mismatch",)
    assert ids(decision) == ["do_nothing"]


def _one() -> np.ndarray:
    vectors = np.full((1, Layout.of(("X",), ("y",)).size), np.nan)
    vectors[0, 0] = datetime(2018, 1, 1, tzinfo=UTC).timestamp()
    return vectors


def test_an_answer_is_never_empty_when_nobody_is_eligible(
    ask, make_profile: Callable[..., Profiles]
) -> None:
    bought = dict.fromkeys(("COFFEE", "EGGS", "PASTA SAUCE", "TEA"), (5, 3))
    decision = ask(profiles=make_profile(bought))
    assert ids(decision) == ["do_nothing"]
    assert decision.degraded == ()
    assert set(why(decision).values()) == {"bought_recently"}


@pytest.mark.parametrize("candidates", [(), ("nothing",), ("do_nothing",)])
def test_an_answer_is_never_empty_whatever_the_candidates(ask, candidates) -> None:
    decision = ask(request=replace(ASKED, candidates=candidates, excluded=("do_nothing",)))
    assert ids(decision) == ["do_nothing"]


def test_the_default_action_is_outranked_where_it_is_asked_for(ask) -> None:
    decision = ask(request=replace(ASKED, candidates=("do_nothing", "tea")))
    assert ids(decision) == ["tea"]
    assert why(decision) == {"do_nothing": "outranked"}


def test_the_same_request_id_and_state_have_the_same_answer(ask) -> None:
    first, second = ask(decision_id="a"), ask(decision_id="b")
    assert first == second
    assert len(first.decision_id) == 32


def test_another_request_id_is_another_decision(ask) -> None:
    assert ask().decision_id != ask(request=replace(ASKED, decision_request_id="r-2")).decision_id


def test_a_request_without_an_id_takes_the_id_that_is_handed_in(ask) -> None:
    nameless = replace(ASKED, decision_request_id=None)
    assert ask(request=nameless, decision_id="abc").decision_id == "abc"


def test_the_order_of_the_catalog_and_of_the_candidates_does_not_matter(
    ask, world: World, catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    first = ask()
    random = np.random.default_rng(7)
    for _ in range(5):
        content = yaml.safe_load(catalog_text)
        random.shuffle(content["actions"])
        shuffled = read_catalog(yaml.safe_dump(content))
        other = replace(world.configuration, catalog=shuffled)
        again = build_world(other, world.model, world.layout, Calendar())
        assert ask(world=again) == first
        named = [action["id"] for action in content["actions"]]
        asked = ask(world=again, request=replace(ASKED, candidates=tuple(named)))
        assert asked.results == first.results


def test_a_factor_that_is_switched_off_counts_as_one(ask, world: World) -> None:
    decision = ask(world=with_arbitration(world, factors={"value": False}))
    best = decision.results[0]
    assert best.priority == best.propensity
    assert best.value == 4.0


def test_a_profile_from_after_the_decision_is_a_leak(ask, now: datetime) -> None:
    with pytest.raises(LeakError, match="'007'"):
        ask(now=now - timedelta(hours=7))


def test_popularity_of_another_catalog_is_refused(ask, popularity: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"\(1, 3, 6\); the catalog needs \(1, 4, \.\.\.\)"):
        ask(popularity=popularity[:, :3])
