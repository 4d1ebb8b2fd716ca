from __future__ import annotations

import csv
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from training.metrics import ModelScores
from training.plots import draw_all, gain_points, reliability_points
from training.report import EvaluationSettings, evaluate
from training.training_set import TrainingSet


def test_every_picture_and_the_table_of_actions_are_written(
    test: TrainingSet, booster: lgb.Booster, tmp_path: Path
) -> None:
    probability = np.asarray(booster.predict(test.x))
    scores = {"model": ModelScores.of_probability(probability)}
    report = evaluate("demo", "syn", scores, test, EvaluationSettings("adoption", samples=5))
    gains = booster.feature_importance("gain")
    paths = draw_all(tmp_path / "plots", report, test.y, probability, test.features, gains)
    assert {path.suffix for path in paths} == {".png", ".csv"}
    for path in paths[:-1]:
        assert path.read_bytes().startswith(b"\x89PNG")
    with paths[-1].open() as file:
        rows = list(csv.DictReader(file))
    assert [row["action"] for row in rows] == list(test.actions)
    assert int(rows[0]["positives"]) == report.per_action[0]["positives"]


def test_drawing_leaves_the_plotting_state_of_the_process_alone() -> None:
    assert (
        "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    )


def test_reliability_points_hold_every_row_and_meet_the_base_rate() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random(3000) * 0.3
    y = (rng.random(3000) < probability).astype(float)
    predicted, observed, rows = reliability_points(y, probability)
    assert rows.sum() == 3000
    assert (np.diff(predicted) > 0).all()
    assert (observed * rows).sum() == pytest.approx(y.sum())


def test_the_gain_of_a_perfect_order_reaches_all_positives_at_their_share() -> None:
    y = np.repeat([1.0, 0.0], [20, 180])
    share, gained = gain_points(y, y)
    assert (share[0], gained[0], share[-1], gained[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert gained[share >= 0.1].min() == pytest.approx(1.0)
    assert gained[np.searchsorted(share, 0.05)] == pytest.approx(0.5)
