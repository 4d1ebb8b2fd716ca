"""The answer of a decision: texts, factors and reasons of what was chosen."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from changed_worlds import Asker, ids, with_action, with_catalog

from decisioning.answer import TOP_REASONS, default_answer
from decisioning.request import DecisionRequest
from decisioning.world import World
from features.errors import CatalogError
from features.profiles import Profiles


@pytest.fixture
def ask(world: World, profile: Profiles, popularity: np.ndarray, now: datetime) -> Asker:
    return Asker(world, profile, popularity, now)


def test_the_default_answer_has_no_factor_that_could_mislead(world: World) -> None:
    answer = default_answer(DecisionRequest("1", language="de"), world.catalog)
    assert (answer.rank, answer.action_id, answer.name) == (1, "do_nothing", "Nichts vorschlagen")
    assert (answer.propensity, answer.label_model, answer.value) == (None, None, 0.0)
    assert (answer.priority, answer.probability, answer.reasons) == (0.0, 1.0, ())
    assert answer.treatment.title == "Willkommen"


@pytest.mark.parametrize("channel", ["web", "app", "bot", "advisor", "email"])
def test_there_is_a_default_answer_on_every_channel(ask: Asker, channel: str) -> None:
    decision = ask(candidates=(), channel=channel)
    assert ids(decision) == ["do_nothing"]
    # The app says what the website says.
    said_on = {"app": "web"}.get(channel, channel)
    assert decision.results[0].treatment.channel in (channel, said_on)


def test_a_default_action_without_a_text_is_told_and_not_answered(world: World) -> None:
    mute = world.catalog.model_copy()
    mute.__dict__["_texts"] = {}
    with pytest.raises(CatalogError, match="do_nothing: no treatment on the channel 'web'"):
        default_answer(DecisionRequest("1"), mute)


def test_reasons_are_the_weightiest_first_and_at_most_three(ask: Asker) -> None:
    for result in ask().results:
        weights = [reason.contribution for reason in result.reasons]
        assert len(weights) <= TOP_REASONS
        assert weights == sorted(weights, reverse=True)


def test_all_reasons_are_told_where_all_are_asked_for(ask: Asker) -> None:
    some = {one.action_id: one.reasons for one in ask().results}
    every = {one.action_id: one.reasons for one in ask(explain="all").results}
    assert set(every) == set(some)
    for name, reasons in every.items():
        assert {one.text for one in some[name]} <= {one.text for one in reasons}


def test_a_reason_names_the_action_in_the_language_of_the_request(ask: Asker) -> None:
    german = ask(language="de").results[0].reasons[0].text
    english = ask().results[0].reasons[0].text
    assert (german.startswith("Pastasauce"), "pasta sauce" in english) == (True, True)


def test_of_a_fixed_propensity_the_reasons_are_the_conditions_that_are_met(
    ask: Asker, world: World
) -> None:
    fixed = with_action(world, "pasta_sauce", propensity=0.9)
    reasons = {one.action_id: one.reasons for one in ask(world=fixed).results}
    assert reasons["pasta_sauce"] == () and reasons["coffee"]
    bought = [{"feature": "category_trips_all", "at_least": 0}]
    asked = with_action(world, "pasta_sauce", propensity=0.9, eligibility=bought)
    answer = {one.action_id: one.reasons for one in ask(world=asked).results}
    (why,) = answer["pasta_sauce"]
    assert (why.features, why.contribution) == (("category_trips_all",), 0.0)
    assert "pasta sauce" in why.text
    assert answer["coffee"] == reasons["coffee"]


def test_a_treatment_of_the_action_comes_before_that_of_the_catalog(
    ask: Asker, world: World
) -> None:
    said = {"title": "Own", "text": "Words."}
    own = with_action(world, "tea", treatments={"web": {"en": said, "de": said}})
    titles = {one.action_id: one.treatment.title for one in ask(world=own).results}
    assert titles["tea"] == "Own" and titles["coffee"] == "How about coffee?"


def test_the_buttons_say_what_the_catalog_says(ask: Asker, world: World) -> None:
    labels = {"en": {"accept": "Yes"}, "de": {"accept": "Ja"}}
    worded = with_catalog(world, lambda content: content.update(labels=labels))
    assert {one.treatment.accept_label for one in ask(world=worded).results} == {"Yes"}
