from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from features.errors import LeakError
from training.fit import DEFAULTS, fit
from training.leaks import exceeded_ceilings, leak_report, refuse_late_events, render_markdown
from training.metrics import ModelScores
from training.report import EvaluationSettings, Report, evaluate
from training.training_set import TrainingSet

CEILINGS = {"auc": 0.86, "ndcg_at_3": 0.99}


def with_future(rows: TrainingSet, seed: int) -> TrainingSet:
    """Add a column that knows the outcome, with some noise."""
    seen = rows.y + np.random.default_rng(seed).normal(0, 0.4, len(rows))
    names = (*rows.features, "spend_next_28_days")
    return replace(rows, features=names, x=np.column_stack([rows.x, seen]))


def report_of(booster: lgb.Booster, test: TrainingSet) -> Report:
    scores = {"model": ModelScores.of_probability(np.asarray(booster.predict(test.x)))}
    return evaluate("demo", "synthetic", scores, test, EvaluationSettings("adoption", samples=20))


def test_a_planted_future_column_trips_the_alarm_and_is_named(
    train: TrainingSet, test: TrainingSet, tmp_path: Path
) -> None:
    leaky, later = with_future(train, 1), with_future(test, 2)
    booster = fit(leaky, DEFAULTS, rounds=40, seed=1, threads=1)
    found = leak_report(report_of(booster, later), CEILINGS, leaky, later, booster)
    assert found is not None
    assert set(found.exceeded) == {"auc"}
    assert found.strongest == found.top[0].feature == "spend_next_28_days"
    assert found.suspects[0].feature == "spend_next_28_days"
    assert found.auc_without_strongest is not None
    assert found.auc_quick is not None
    assert found.auc_without_strongest < 0.86 < found.auc_quick
    as_json, as_text = found.write(tmp_path / "leak")
    assert json.loads(as_json.read_text())["strongest"] == "spend_next_28_days"
    assert "`spend_next_28_days`" in as_text.read_text()


def test_an_honest_model_raises_no_alarm(
    train: TrainingSet, test: TrainingSet, booster: lgb.Booster
) -> None:
    assert leak_report(report_of(booster, test), CEILINGS, train, test, booster) is None


def test_a_metric_that_is_void_exceeds_no_ceiling(test: TrainingSet, booster: lgb.Booster) -> None:
    alone = replace(test, decision=np.arange(len(test)))
    report = report_of(booster, alone)
    assert exceeded_ceilings(report, {"ndcg_at_3": 0.0}) == {}
    assert set(exceeded_ceilings(report, {"auc": 0.0})) == {"auc"}


def test_customers_without_a_training_row_are_counted(
    train: TrainingSet, test: TrainingSet, booster: lgb.Booster
) -> None:
    halved = replace(test, customer=np.where(test.decision < 100, 10_000, test.customer))
    known = train.take(np.isin(train.customer, np.unique(test.customer)))
    found = leak_report(report_of(booster, halved), {"auc": 0.1}, known, halved, booster)
    assert found is not None
    assert found.unseen_rows >= 800
    assert found.unseen_customers >= 1
    assert "customers without a training row" in render_markdown(found)


def test_an_event_at_the_moment_of_the_decision_is_a_leak() -> None:
    decided = np.array([100.0, 200.0, 300.0])
    refuse_late_events(np.array([99.0, np.nan, -np.inf]), decided)
    with pytest.raises(LeakError, match="1 of 3 rows.*row 1: event at 200, decided_at 200"):
        refuse_late_events(np.array([99.0, 200.0, 1.0]), decided)


def test_one_newest_event_for_the_whole_set_is_held_against_every_decision() -> None:
    with pytest.raises(LeakError, match="2 of 3 rows"):
        refuse_late_events(np.array(200.0), np.array([100.0, 200.0, 300.0]))
