"""Facts that the customer's journey adds: with those of the demo, service goes before sales."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changed_worlds import Asker, rebuilt, why, with_arbitration

from decisioning.configuration import load_configuration
from decisioning.contexts import DerivedContexts
from decisioning.policies.policy_file import PolicyFile
from decisioning.request import ContextEntry, DecisionRequest
from decisioning.world import World, build_world
from features import declared
from features.calendar import Calendar
from features.errors import ArbitrationError
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block

DEMO = Path(__file__).parents[2] / "configs" / "complete_journey" / "actions.yaml"
NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
FACT = {"type": "journey", "key": "experience", "value": "bad"}
WHEN = "journey.lowest_rating_28d <= 4.0 || journey.open_complaints >= 1.0"


def profile_of(layout: Layout, **features: float) -> Profiles:
    """A customer who is well known, with some features as given."""
    vectors = np.full((1, layout.size), np.nan)
    scalars = layout.scalar_block(vectors)
    scalars[:] = 0.0
    given = {
        "profile_at": NOW.timestamp() - 3_600,
        "last_purchase_at": NOW.timestamp() - 9 * 86_400,
    }
    missing = {"lowest_rating_28d": np.nan, "mean_rating_91d": np.nan}
    for name, value in (given | missing | features).items():
        scalars[0, layout.scalars.index(name)] = value
    layout.category_block(vectors)[:] = 0.0
    return Profiles(layout, np.array(["1"], dtype=object), vectors)


class Keen:
    """A model that is sure of everything that is for sale."""

    features = ("trips_all",)

    def __init__(self, layout: Layout) -> None:
        self.name, self.version, self.label_model = "keen", "1", "adoption"
        self.layout_hash, self.encodings, self.evidence = layout.hash, {}, {}
        self.priors = None
        self.manifest = self

    def score(self, matrix: np.ndarray) -> Any:
        return Said(np.full(len(matrix), 0.95))

    def exact_contributions(self, matrix: np.ndarray) -> np.ndarray:
        return np.zeros((len(matrix), 2))


class Said:
    def __init__(self, propensity: np.ndarray) -> None:
        self.propensity, self.raw = propensity, np.zeros(len(propensity))

    def path_contributions(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros((len(rows), 2))


@pytest.fixture(scope="module")
def demo() -> World:
    configuration = load_configuration(DEMO)
    categories = {action.category for action in configuration.catalog.actions} - {None}
    layout = Layout.of(tuple(sorted(categories)), configuration.catalog.action_ids)
    return build_world(configuration, Keen(layout), layout, Calendar())


@pytest.fixture
def ask(demo: World) -> Asker:
    popularity = np.full(
        (1, len(demo.catalog.ordered), len(declared.stored(Block.POPULARITY))), 30.0
    )
    request = DecisionRequest("1", channel="web", context="web", max_results=50)
    return Asker(demo, profile_of(demo.layout), popularity, NOW, request=request)


def test_who_is_content_is_sold_to(ask: Asker, demo: World) -> None:
    decision = ask()
    assert decision.degraded == ()
    assert len(decision.results) > 20
    issues = {one.issue for one in decision.results}
    assert issues == {"win_back"}
    assert {one.context_weight for one in decision.results} == {1.0}


@pytest.mark.parametrize("channel", ["web", "bot", "advisor", "email"])
def test_after_a_complaint_a_service_action_is_first_and_nothing_is_sold(
    ask: Asker, demo: World, channel: str
) -> None:
    unhappy = profile_of(
        demo.layout, open_complaints=1.0, complaints_91d=1.0,
        last_complaint_at=NOW.timestamp() - 86_400,
    )  # fmt: skip
    decision = ask(profiles=unhappy, channel=channel, context=channel)
    first = decision.results[0]
    assert first.issue == "service"
    assert first.context_weight == 10.0
    assert "win_back" not in {one.issue for one in decision.results}
    sold = {one.id for one in demo.catalog.actions if one.issue == "win_back"}
    assert {why(decision)[name] for name in sold} == {"service_first"}


def test_even_where_sales_are_allowed_after_a_complaint_service_goes_first(
    ask: Asker, demo: World
) -> None:
    lenient = demo.configuration.policies.model_copy(update={"policies": ()})
    assert isinstance(lenient, PolicyFile)
    selling = rebuilt(demo, policies=lenient)
    unhappy = profile_of(demo.layout, open_complaints=1.0, complaints_91d=1.0)
    decision = ask(world=selling, profiles=unhappy)
    weights = {one.issue: one.context_weight for one in decision.results}
    assert weights == {"service": 10.0, "win_back": 0.5}
    assert decision.results[0].issue == "service"
    # The same facts without the context weights: sales come first.
    indifferent = ask(world=with_arbitration(selling), profiles=unhappy)
    assert indifferent.results[0].issue == "win_back"


@pytest.mark.parametrize(
    ("features", "bad"),
    [
        ({}, False),
        ({"lowest_rating_28d": 4.0}, True),
        ({"lowest_rating_28d": 5.0}, False),
        ({"failures_28d": 1.0}, True),
        ({"open_complaints": 1.0}, True),
        ({"open_complaints": np.nan, "failures_28d": np.nan}, False),
    ],
)
def test_an_experience_is_bad_by_what_the_file_says(
    demo: World, features: dict[str, float], bad: bool
) -> None:
    asker = Asker(demo, profile_of(demo.layout, **features), np.zeros((1, 35, 6)), NOW)
    columns = demo.builder.columns(asker.moment.candidates(np.array([0])))
    facts = demo.derived_contexts.of(asker.request, columns, NOW, None, 1)
    assert facts == ((ContextEntry(**FACT),) if bad else ())


def test_a_fact_of_the_request_counts_as_one_that_is_derived(ask: Asker, demo: World) -> None:
    stated = ask(contexts=(ContextEntry(**FACT),))
    assert {one.context_weight for one in stated.results} == {0.5}


def test_without_facts_or_rows_nothing_is_evaluated(demo: World) -> None:
    request = DecisionRequest("1")
    nothing = DerivedContexts((), demo.catalog, Calendar())
    assert nothing.of(request, {}, NOW, None, 3) == ()
    assert demo.derived_contexts.of(request, {}, NOW, None, 0) == ()


def test_a_condition_of_the_request_sees_the_clock_of_the_customer(world: World) -> None:
    night = with_arbitration(world, contexts=[FACT | {"when": "request.hour >= 18"}])
    request = DecisionRequest("1")
    one = night.derived_contexts
    assert one.of(request, {}, NOW, None, 1) == ()
    assert one.of(request, {}, NOW, "Pacific/Auckland", 1) == (ContextEntry(**FACT),)


def test_a_condition_about_an_action_is_refused(world: World) -> None:
    from decisioning.arbitration import ContextFact

    fact = ContextFact(**FACT, when="action.cost > 1.0")
    with pytest.raises(ArbitrationError, match=r"contexts\.0\.when: asks about an action"):
        DerivedContexts((fact,), world.catalog, Calendar())


def test_several_facts_hold_at_once_and_in_the_order_of_the_file(world: World) -> None:
    facts = [
        {"type": "t", "key": "k", "value": str(at), "when": when}
        for at, when in enumerate(
            ("true", "request.channel == 'bot'", WHEN, "request.weekday == 1")
        )
    ]
    derived = with_arbitration(world, contexts=facts).derived_contexts
    columns = {"lowest_rating_28d": np.array([np.nan]), "open_complaints": np.array([2.0])}
    held = derived.of(DecisionRequest("1"), columns, NOW, None, 1)
    assert [one.value for one in held] == ["0", "2", "3"]
