"""Data sets of other companies, from their files to an answer for one of their customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from foreign_data import (
    NOW,
    write_with_a_single_action,
    write_without_touchpoints,
    write_without_transactions,
)

from decisioning.bundle import load_bundle
from decisioning.configuration import load_configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import NO_HISTORY
from decisioning.request import DecisionRequest
from decisioning.world import build_world
from feature_repo.definitions import define
from features.calendar import Calendar
from features.canonical.ingest import ingest_folder
from features.canonical.tables import open_tables
from features.clock import FixedClock
from features.store import ProfileStore, open_store
from training.problem import Problem, Tuning
from training.project import Project, Task
from training.starter import Starter, write_starter
from training.train import Trained, Workplace, train
from training.tune import SearchSpace

CALENDAR, CLOCK = Calendar(), FixedClock(NOW)
REPO = Path(__file__).parents[1] / "feature_repo"


@dataclass(frozen=True)
class Flow:
    starter: Starter
    problem: Problem
    trained: Trained
    decision: Decision

    def value_of(self, metric: str) -> float | None:
        figure = self.trained.report.metrics[metric]
        return None if figure is None else figure.value


def run(write: Callable[[Path], Path], folder: Path) -> Flow:
    """Take the steps that the command line takes, in its order."""
    home, tracking = folder / "home", f"sqlite:///{folder.parent}/mlflow.db"
    project = Project(home, REPO, folder / "models", tracking, CALENDAR, CLOCK)
    ingest_folder(write(folder / "source"), home / "data", CLOCK)
    starter = write_starter(open_tables(home / "data"), folder / "configs", "mine", NOW, CALENDAR)
    task = project.task(starter.problem)
    project.build_features((task,), lambda done, total: None)
    store = open_store(home, REPO)
    store.apply(define(home).everything())
    store.materialize(NOW)
    dataset, layout_hash = project.dataset(task)
    problem = quick(task.problem)
    trained = train(problem, dataset, Workplace(home, tracking, CALENDAR, NOW, layout_hash))
    return Flow(starter, problem, trained, answer(task, starter.catalog, store, trained))


def answer(task: Task, catalog: Path, store: ProfileStore, trained: Trained) -> Decision:
    configuration = load_configuration(catalog)
    world = build_world(configuration, load_bundle(trained.bundle), store.layout, CALENDAR)
    request = DecisionRequest("00007", channel="advisor", language="de")
    popularity = store.popularity_now(task.catalog.action_ids)
    return decide(request, store.online("00007"), popularity, world, NOW, NO_HISTORY)


def quick(problem: Problem) -> Problem:
    few = Tuning(trials=2, seconds=20, space=SearchSpace(max_rounds=40, early_stopping=10))
    return problem.model_copy(update={"tuning": few, "bootstrap_samples": 20})


@pytest.fixture(scope="module")
def without_touchpoints(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return run(write_without_touchpoints, tmp_path_factory.mktemp("receipts"))


@pytest.fixture(scope="module")
def without_transactions(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return run(write_without_transactions, tmp_path_factory.mktemp("contacts"))


@pytest.fixture(scope="module")
def with_a_single_action(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return run(write_with_a_single_action, tmp_path_factory.mktemp("one"))


def test_receipts_alone_give_an_adoption_model_that_finds_the_liked_categories(
    without_touchpoints: Flow,
) -> None:
    flow = without_touchpoints
    assert flow.problem.label_model == "adoption"
    assert any("organic demand only" in note for note in flow.starter.notes)
    assert (flow.value_of("auc") or 0) > 0.6
    by_chance = flow.trained.report.baselines["random"]["ndcg_at_3"]
    assert by_chance is not None
    assert (flow.value_of("ndcg_at_3") or 0) > by_chance.value + 0.1


def test_contacts_alone_give_a_response_model_that_finds_the_open_customers(
    without_transactions: Flow,
) -> None:
    flow = without_transactions
    assert flow.problem.label_model == "response"
    assert any("no purchase features" in note for note in flow.starter.notes)
    assert flow.problem.inputs.attributes == ("kind", "minutes")
    assert flow.problem.inputs.action_code
    assert (flow.value_of("auc") or 0) > 0.6


def test_a_single_action_is_scored_and_not_ranked(with_a_single_action: Flow) -> None:
    flow = with_a_single_action
    assert any("ranking metrics are void" in note for note in flow.starter.notes)
    assert (flow.value_of("auc") or 0) > 0.6
    for metric in ("ndcg_at_3", "hit_at_1", "mrr", "revenue_at_1"):
        assert flow.value_of(metric) is None


@pytest.mark.parametrize(
    "name", ["without_touchpoints", "without_transactions", "with_a_single_action"]
)
def test_a_customer_of_each_gets_a_full_answer(name: str, request: pytest.FixtureRequest) -> None:
    decision = request.getfixturevalue(name).decision
    assert decision.degraded == ()
    assert decision.results[0].action_id != "do_nothing"
    assert 0 < decision.results[0].propensity < 1
    assert decision.results[0].reasons
    assert decision.results[0].treatment.text
