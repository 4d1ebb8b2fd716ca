"""One training from rows to a registered version: tune, calibrate, fit, judge, bundle, register.

Each step looks only at its own slice of time (`training.slices`); what the test slice says is
reported and never chosen by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from decisioning.bundle import load_bundle, write_bundle
from features.calendar import Calendar
from training.baselines import sample_decisions
from training.calibrate import CalibrationFit, fit_calibration
from training.export import golden_rows, make_manifest
from training.fit import fit
from training.judge import judge
from training.leaks import LeakReport, leak_report, refuse_late_events
from training.plots import draw_all
from training.problem import Problem
from training.report import Report
from training.slices import Cuts, cut
from training.track import TrackedTraining, track_training
from training.training_set import Dataset, TrainingSet
from training.tune import Tuning, tune

Say = Callable[[str], None]


@dataclass(frozen=True)
class Workplace:
    """Where a training keeps what it makes.

    Attributes
    ----------
    home : folder for studies, plots and the bundle before it is promoted.
    tracking_uri : MLflow's store or server.
    """

    home: Path
    tracking_uri: str
    calendar: Calendar
    now: datetime
    layout_hash: str
    progress: bool = False
    say: Say = lambda line: None


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    report: Report
    leaks: LeakReport | None
    bundle: Path
    version: str
    registered_version: str
    run_id: str


def train(problem: Problem, dataset: Dataset, place: Workplace) -> Trained:
    """Train on a data set and register the result as challenger.

    Raises
    ------
    LeakError : an input knows an event at or after its decision.
    ConfigError : a slice of time is empty.
    """
    refuse_late_events(dataset.newest_event_at, dataset.rows.decided_at)
    cuts = cut(dataset.rows.decided_at, problem, place.calendar, dataset.rows.closes_on)
    rows = dataset.rows.select(_informative(dataset.rows.take(cuts.learn)))
    used = min(int(cuts.learn.sum()), problem.max_train_rows)
    place.say(
        f"{len(rows):,} rows, {len(rows.features)} inputs that vary; {int(cuts.learn.sum()):,} may "
        f"be learnt from, about {used:,} are; {int(cuts.test.sum()):,} to be judged by"
    )
    with track_training(problem.name, place.tracking_uri, place.home / "mlflow-artifacts") as run:
        run.log_rows(rows.take(cuts.learn), "training", dataset.digest)
        run.log_rows(rows.take(cuts.test), "test", dataset.digest)
        tuning = _tune(problem, rows, cuts, dataset.digest, place)
        calibrated = _calibrate(problem, rows, cuts, tuning)
        place.say(f"calibration: {calibrated.calibration.kind}")
        learnt = _learnable(problem, rows, cuts.learn)
        booster = fit(learnt, tuning.parameters, tuning.rounds, problem.tuning.seed)
        raw = np.asarray(booster.predict(rows.take(cuts.test).x, raw_score=True), dtype=np.float64)
        propensity = calibrated.calibration.apply(raw)
        report = judge(problem, rows, cuts, propensity, dataset.log)
        leaks = leak_report(report, problem.ceilings, learnt, rows.take(cuts.test), booster)
        made = _Made(dataset, rows, cuts, tuning, calibrated, booster, report, leaks)
        folder = _bundle(problem, made, place)
        _log(run, problem, made, folder, place)
        registered = run.register(booster, learnt, folder.name, _tags(problem, learnt))
    return Trained(report, leaks, folder, folder.name, registered, run.run_id)


@dataclass(frozen=True)
class _Made:
    dataset: Dataset
    rows: TrainingSet
    cuts: Cuts
    tuning: Tuning
    calibrated: CalibrationFit
    booster: lgb.Booster
    report: Report
    leaks: LeakReport | None


def _informative(rows: TrainingSet) -> tuple[str, ...]:
    """Return the inputs that have more than one value; the others only cost time in service."""
    columns = zip(rows.features, rows.x.T, strict=True)
    return tuple(name for name, column in columns if len(np.unique(column)) > 1)


def _learnable(problem: Problem, rows: TrainingSet, allowed: Any) -> TrainingSet:
    return sample_decisions(rows.take(allowed), problem.max_train_rows, problem.tuning.seed)


def _tune(problem: Problem, rows: TrainingSet, cuts: Cuts, digest: str, place: Workplace) -> Tuning:
    search = problem.tuning
    cut_to = f"{problem.slices}{problem.max_train_rows}"
    identity = f"{digest}{search.space.model_dump_json()}{search.seed}{cut_to}"
    study = f"{problem.name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    tuning = tune(
        _learnable(problem, rows, cuts.tune),
        rows.take(cuts.validate),
        search.space,
        search.trials,
        search.seconds,
        search.seed,
        place.home / "studies" / f"{study}.journal",
        progress=place.progress,
    )
    place.say(
        f"{len(tuning.trials)} trials, best log loss {tuning.log_loss:.5f} "
        f"with {tuning.rounds} trees"
    )
    return tuning


def _calibrate(problem: Problem, rows: TrainingSet, cuts: Cuts, tuning: Tuning) -> CalibrationFit:
    early = fit(
        _learnable(problem, rows, cuts.before_calibration),
        tuning.parameters,
        tuning.rounds,
        problem.tuning.seed,
    )
    later = rows.take(cuts.calibrate).without_partial_grades()
    raw = np.asarray(early.predict(later.x, raw_score=True), dtype=np.float64)
    return fit_calibration(
        raw, later.y, block=later.customer, seed=problem.tuning.seed, weight=later.weights
    )


def _bundle(problem: Problem, made: _Made, place: Workplace) -> Path:
    text = made.booster.model_to_string()
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:8]
    version = f"{place.now:%Y%m%d-%H%M%S}-{fingerprint}"
    learnt = made.rows.take(made.cuts.learn)
    manifest = make_manifest(
        problem,
        version,
        place.now,
        learnt,
        made.dataset.encodings,
        made.calibrated.calibration,
        place.layout_hash,
        metrics={name: _plain(figure) for name, figure in made.report.metrics.items()},
        training=_facts(problem, made),
    )
    folder = place.home / "bundles" / problem.name / version
    golden = golden_rows(made.booster, made.calibrated.calibration, made.rows.take(made.cuts.test))
    write_bundle(folder, text, manifest, golden)
    load_bundle(folder)
    return folder


def _facts(problem: Problem, made: _Made) -> dict[str, Any]:
    used = _learnable(problem, made.rows, made.cuts.learn)
    return {
        "rows": len(used),
        "rows_from_history": int((~used.logged).sum()),
        "rows_from_log": int(used.logged.sum()),
        "decisions": len(np.unique(used.decision)),
        "positives": int(used.y.sum()),
        "data_digest": made.dataset.digest,
        "parameters": made.tuning.parameters | {"rounds": made.tuning.rounds},
        "slices": problem.slices.model_dump(mode="json"),
        "calibration_log_loss": dict(made.calibrated.compared),
    }


def _log(
    run: TrackedTraining, problem: Problem, made: _Made, folder: Path, place: Workplace
) -> None:
    run.log_tags(_tags(problem, _learnable(problem, made.rows, made.cuts.learn)))
    run.log_parameters({"problem": problem.model_dump(mode="json"), **_facts(problem, made)})
    run.log_trials(made.tuning.trials)
    run.log_report(made.report)
    run.log_json("features.json", list(made.rows.features))
    run.log_environment()
    test, plots = made.rows.take(made.cuts.test), place.home / "plots" / problem.name
    plots.mkdir(parents=True, exist_ok=True)
    raw = np.asarray(made.booster.predict(test.x, raw_score=True), dtype=np.float64)
    probability = made.calibrated.calibration.apply(raw)
    gains = made.booster.feature_importance("gain")
    paths = draw_all(plots, made.report, test.y, probability, made.rows.features, gains)
    run.log_files(paths, "plots")
    made.report.write(place.home / "reports" / f"{problem.name}.json")
    if made.leaks is not None:
        run.log_files(made.leaks.write(place.home / "reports" / problem.name), "leaks")
    run.log_bundle(folder)


def _tags(problem: Problem, learnt: TrainingSet) -> dict[str, str]:
    return {
        "feast.project": "nba",
        "feast.feature_service": problem.label_model,
        "label_model": problem.label_model,
        "rows_from_history": str(int((~learnt.logged).sum())),
        "rows_from_log": str(int(learnt.logged.sum())),
    }


def _plain(figure: Any) -> Any:
    if figure is None:
        return None
    return {"value": figure.value, "low": figure.low, "high": figure.high}
