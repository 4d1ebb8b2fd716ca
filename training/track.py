"""Keeping what a training did in MLflow: one run per training, one more per trial under it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb

from features.errors import ConfigError
from features.places import without_password
from training.registry import BUNDLE, load_mlflow, mlflow_client, register
from training.report import Figures, Report
from training.training_set import TrainingSet
from training.tune import Trial

_MOST_TRIAL_RUNS = 100


@dataclass(frozen=True)
class TrackedTraining:
    """The open run of one training."""

    name: str
    run_id: str
    experiment_id: str

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log parameters; nested mappings get dotted names."""
        load_mlflow().log_params(_flat(parameters))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, `feast.project` and `feast.feature_service` for instance."""
        load_mlflow().set_tags(dict(tags))

    def log_rows(
        self, rows: TrainingSet, slice_name: Literal["training", "test"], digest: str
    ) -> None:
        """Log which rows were used: their digest, shape and features, not the rows themselves."""
        from mlflow.data.numpy_dataset import from_numpy

        data = from_numpy(
            rows.x, targets=rows.y, name=f"{self.name}.{slice_name}", digest=digest[:32]
        )
        load_mlflow().log_input(data, context=slice_name)

    def log_trials(self, trials: Sequence[Trial]) -> None:
        """Log a run of its own per trial, under this one; of very many, the best."""
        worst_last = sorted(trials, key=lambda t: (t.log_loss is None, t.log_loss, t.number))
        for trial in sorted(worst_last[:_MOST_TRIAL_RUNS], key=lambda t: t.number):
            self._log_trial(trial)
        table = [
            {
                "number": t.number,
                "state": t.state,
                "log_loss": t.log_loss,
                "rounds": t.rounds,
                **t.parameters,
            }
            for t in trials
        ]
        self.log_json("trials.json", table)

    def _log_trial(self, trial: Trial) -> None:
        from mlflow.entities import Param

        client = mlflow_client()
        tags = {
            "mlflow.parentRunId": self.run_id,
            "mlflow.runName": f"trial {trial.number}",
            "trial.state": trial.state,
        }
        run_id = client.create_run(self.experiment_id, tags=tags).info.run_id
        found = {"rounds": float(trial.rounds), "log_loss": trial.log_loss}
        params = [Param(key, str(value)) for key, value in trial.parameters.items()]
        client.log_batch(run_id, metrics=_metrics(found), params=params)
        client.set_terminated(run_id, "FAILED" if trial.state == "fail" else "FINISHED")

    def log_report(self, report: Report) -> None:
        """Log the report's figures as flat metrics and the report as JSON.

        `auc`, `auc_low`, `auc_high`; `baseline.rfm.auc`; `paired.auc_minus_rfm` with its interval.
        """
        flat = _flat_figures("", report.metrics)
        for name, figures in report.baselines.items():
            flat |= {f"baseline.{name}.{key}": f.value for key, f in figures.items() if f}
        paired = {key.replace(" - ", "_minus_"): value for key, value in report.paired.items()}
        flat |= _flat_figures("paired.", paired)
        mlflow_client().log_batch(self.run_id, metrics=_metrics(flat))
        self.log_json("report.json", report.as_dict())

    def log_json(self, name: str, content: Any) -> None:
        """Log anything that JSON can hold as an artefact."""
        load_mlflow().log_dict(content, name)

    def log_environment(self) -> None:
        """Log the interpreter and every installed distribution, as `pip freeze` lists them."""
        installed = sorted({f"{d.name}=={d.version}" for d in distributions() if d.name})
        lines = [f"# Python {platform.python_version()}, {platform.platform()}", *installed]
        load_mlflow().log_text("\n".join(lines) + "\n", "environment.txt")

    def log_files(self, paths: Sequence[Path], folder: str) -> None:
        """Log files, plots or a leak report for instance, under a folder of the run."""
        for path in paths:
            load_mlflow().log_artifact(str(path), folder)

    def log_bundle(self, folder: Path) -> None:
        """Log the whole bundle folder under `bundle/`, where `download_bundle` finds it."""
        load_mlflow().log_artifacts(str(folder), BUNDLE)

    def register(
        self,
        booster: lgb.Booster,
        example: TrainingSet,
        bundle_version: str,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Register the booster as a version of `nba.NAME`: challenger, or the first champion.

        Returns
        -------
        The number of the version in the registry; `bundle_version` is what it is called in
        models/NAME.
        """
        return register(self.name, booster, example, bundle_version, tags or {})


@contextmanager
def track_training(name: str, uri: str, artifacts: Path | None = None) -> Iterator[TrackedTraining]:
    """Open the run of one training in the experiment `nba/NAME`; it fails when the body raises.

    Inside `mlflow run` the run that is already there is joined, at the tracking server it names.

    Parameters
    ----------
    artifacts : folder for the files of runs that are kept in a database; a server has its own.
    """
    mlflow = load_mlflow()
    if "MLFLOW_RUN_ID" not in os.environ:
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(experiment_id=_experiment(f"nba/{name}", uri, artifacts))
    with mlflow.start_run() as run:
        yield TrackedTraining(name, run.info.run_id, run.info.experiment_id)


def _experiment(name: str, uri: str, artifacts: Path | None) -> str:
    """Return the experiment's id; beside a SQLite file its artefacts lie next to the file.

    MLflow would put them into the working directory, wherever that happens to be.
    """
    from mlflow.exceptions import MlflowException

    place = None
    if uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///")).resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        place = (file.parent / f"{file.stem}-artifacts").as_uri()
    elif uri.startswith("postgresql") and artifacts is not None:
        place = artifacts.resolve().as_uri()
    try:
        client = mlflow_client()
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException as error:
        shown, told = without_password(uri), without_password(str(error), uri)
        raise ConfigError(f"tracking server {shown}: cannot be used ({told})") from error


def _metrics(figures: Mapping[str, float | None]) -> list[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    known = {key: value for key, value in figures.items() if value is not None}
    return [Metric(key, float(value), now, 0) for key, value in known.items()]


def _flat_figures(prefix: str, figures: Figures) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, figure in figures.items():
        if figure is not None:
            flat[f"{prefix}{name}"] = figure.value
            flat[f"{prefix}{name}_low"] = figure.low
            flat[f"{prefix}{name}_high"] = figure.high
    return flat


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        deeper = isinstance(value, Mapping)
        flat |= _flat(value, f"{prefix}{key}.") if deeper else {f"{prefix}{key}": value}
    return flat
