"""From a fitted booster to the bundle that serving loads: its manifest and its golden rows."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

import lightgbm as lgb
import numpy as np

from decisioning.bundle import Golden
from decisioning.calibration import Calibration
from decisioning.manifest import Manifest, ModelFeature, Priors
from features import declared
from training.problem import Problem
from training.training_set import TrainingSet

GOLDEN_ROWS = 64
_PRIOR_ROWS = 20.0
_LIBRARIES = ("lightgbm", "numpy", "feast", "optuna", "scikit-learn", "mlflow")


def make_manifest(
    problem: Problem,
    bundle_version: str,
    created_at: datetime,
    learnt: TrainingSet,
    encodings: Mapping[str, Mapping[str, int]],
    calibration: Calibration,
    layout_hash: str,
    metrics: dict[str, Any],
    training: dict[str, Any],
) -> Manifest:
    """Return what the bundle says of itself.

    Parameters
    ----------
    learnt : every row the final model was allowed to learn from, for priors and evidence.
    """
    return Manifest(
        name=problem.name,
        version=bundle_version,
        problem=problem.name,
        label_model=problem.label_model,
        window_days=problem.window_days,
        created_at=created_at,
        features=tuple(_feature(name) for name in learnt.features),
        encodings={name: dict(codes) for name, codes in encodings.items()},
        layout_hash=layout_hash,
        calibration=calibration,
        actions=learnt.actions,
        priors=priors_of(learnt),
        evidence=dict(zip(learnt.actions, _positives(learnt).tolist(), strict=True)),
        metrics=metrics,
        training=training,
        versions={"python": platform.python_version(), **{n: version(n) for n in _LIBRARIES}},
    )


def priors_of(rows: TrainingSet) -> Priors:
    """Return smoothed rates: overall, per action, and per journey stage and action.

    (sum of grades + 20 x overall rate) / (rows + 20): what little is known of a rare action does
    not put it first or last.
    """
    overall = float(rows.grade.mean())
    segments = {
        str(stage): _rates(rows.take(rows.segment == stage), overall)
        for stage in np.unique(rows.segment)
    }
    return Priors(overall=overall, per_action=_rates(rows, overall), per_segment=segments)


def golden_rows(booster: lgb.Booster, calibration: Calibration, rows: TrainingSet) -> Golden:
    """Return rows spread over the whole set with the answers that serving must reproduce."""
    places = np.unique(np.linspace(0, len(rows) - 1, GOLDEN_ROWS).astype(np.int64))
    x = np.ascontiguousarray(rows.x[places])
    raw = np.asarray(booster.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
    return Golden(rows=x, raw=raw, propensity=calibration.apply(raw))


def _feature(name: str) -> ModelFeature:
    known = declared.BY_NAME.get(name)
    if known is None:
        return ModelFeature(name=name, block="attribute")
    return ModelFeature(name=name, block=known.block.value, max_age_hours=known.max_age_hours)


def _positives(rows: TrainingSet) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.bincount(rows.action, rows.y, minlength=len(rows.actions)).astype(np.float64)


def _rates(rows: TrainingSet, overall: float) -> dict[str, float]:
    seen = np.bincount(rows.action, minlength=len(rows.actions))
    grades = np.bincount(rows.action, rows.grade, minlength=len(rows.actions))
    rates = (grades + _PRIOR_ROWS * overall) / (seen + _PRIOR_ROWS)
    return {name: float(rates[at]) for at, name in enumerate(rows.actions) if seen[at]}
