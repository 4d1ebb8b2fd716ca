from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from training.baselines import prior
from training.metrics import ModelScores
from training.registry import load_mlflow, mlflow_client
from training.report import EvaluationSettings, Report, evaluate
from training.track import track_training
from training.training_set import TrainingSet
from training.tune import Trial

TRIALS = (
    Trial(0, {"num_leaves": 31}, 0.31, "complete", 40),
    Trial(1, {"num_leaves": 63}, 0.35, "pruned", 0),
    Trial(2, {"num_leaves": 15}, None, "fail", 0),
)


@dataclass(frozen=True)
class Tracked:
    """A finished run."""

    uri: str
    run_id: str
    report: Report


@pytest.fixture(scope="module")
def tracked(
    train: TrainingSet,
    test: TrainingSet,
    booster: lgb.Booster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tracked]:
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/store/mlflow.db"
    model = ModelScores.of_probability(np.asarray(booster.predict(test.x)))
    scores = {"model": model, "prior": prior(train, test)}
    report = evaluate("demo", "syn", scores, test, EvaluationSettings("adoption", samples=10))
    picture = folder / "reliability.png"
    picture.write_bytes(b"\x89PNG")
    with track_training("demo", uri) as run:
        run.log_parameters({"seed": 1, "booster": {"num_leaves": 31}})
        run.log_tags({"feast.project": "nba", "feast.feature_service": "demo_v1"})
        run.log_rows(train, "training", "ab" * 32)
        run.log_trials(TRIALS)
        run.log_report(report)
        run.log_environment()
        run.log_files([picture], "plots")
    yield Tracked(uri, run.run_id, report)


def read_run(tracked: Tracked) -> Any:
    load_mlflow().set_tracking_uri(tracked.uri)
    return mlflow_client().get_run(tracked.run_id)


def test_a_run_holds_parameters_and_tags(tracked: Tracked) -> None:
    data = read_run(tracked).data
    assert data.params == {"seed": "1", "booster.num_leaves": "31"}
    assert data.tags["feast.feature_service"] == "demo_v1"


def test_a_run_holds_flat_metrics_of_model_and_baselines(tracked: Tracked) -> None:
    found, report = read_run(tracked).data.metrics, tracked.report
    auc, other = report.metrics["auc"], report.baselines["prior"]["log_loss"]
    paired = report.paired["log_loss - prior"]
    assert auc is not None
    assert other is not None
    assert paired is not None
    assert (found["auc"], found["auc_low"], found["auc_high"]) == (auc.value, auc.low, auc.high)
    assert found["baseline.prior.log_loss"] == other.value
    assert found["paired.log_loss_minus_prior_high"] == paired.high


def test_a_run_holds_the_digest_of_its_rows(tracked: Tracked) -> None:
    (data,) = read_run(tracked).inputs.dataset_inputs
    assert data.dataset.name == "demo.training"
    assert data.dataset.digest == "ab" * 16


def test_every_trial_is_a_run_under_the_training(tracked: Tracked) -> None:
    run = read_run(tracked)
    children = mlflow_client().search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{tracked.run_id}'"
    )
    found = {child.data.tags["mlflow.runName"]: child for child in children}
    assert set(found) == {"trial 0", "trial 1", "trial 2"}
    assert found["trial 0"].data.metrics == {"log_loss": 0.31, "rounds": 40.0}
    assert found["trial 1"].data.params == {"num_leaves": "63"}
    assert found["trial 1"].data.tags["trial.state"] == "pruned"
    assert "log_loss" not in found["trial 2"].data.metrics
    assert found["trial 2"].info.status == "FAILED"


def test_report_trials_environment_and_files_are_artefacts(tracked: Tracked) -> None:
    run = read_run(tracked)
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    assert json.loads((folder / "report.json").read_text()) == tracked.report.as_dict()
    assert [t["number"] for t in json.loads((folder / "trials.json").read_text())] == [0, 1, 2]
    assert "lightgbm==" in (folder / "environment.txt").read_text()
    assert (folder / "plots" / "reliability.png").exists()
    assert folder.is_relative_to(Path(tracked.uri.removeprefix("sqlite:///")).parent)


def test_a_training_that_raises_leaves_a_failed_run(tracked: Tracked) -> None:
    with pytest.raises(RuntimeError, match="stop"), track_training("demo", tracked.uri) as run:
        raise RuntimeError("stop")
    assert mlflow_client().get_run(run.run_id).info.status == "FAILED"


def test_inside_mlflow_run_the_run_that_is_there_is_joined(
    tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_mlflow().set_tracking_uri(tracked.uri)
    experiment = mlflow_client().create_experiment("launched by a project")
    launched = mlflow_client().create_run(experiment).info.run_id
    load_mlflow().set_experiment(experiment_id=experiment)
    monkeypatch.setenv("MLFLOW_RUN_ID", launched)
    with track_training("demo", "sqlite:////not/to/be/used.db") as run:
        run.log_parameters({"seed": 2})
    assert run.run_id == launched
    assert mlflow_client().get_run(launched).data.params == {"seed": "2"}
    assert not Path("/not").exists()


def test_telemetry_is_off_before_mlflow_is_loaded() -> None:
    load_mlflow()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
