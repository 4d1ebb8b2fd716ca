from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from rich.console import Console

from training.baselines import baseline_scores
from training.bootstrap import Interval
from training.metrics import ModelScores, hit_at_k, rank_candidates, revenue_at_k
from training.report import (
    METRICS,
    PROPENSITY_ALONE,
    TIMES_VALUE,
    EvaluationSettings,
    Report,
    evaluate,
)
from training.report_text import render_markdown, render_text
from training.training_set import TrainingSet

SETTINGS = EvaluationSettings("adoption", samples=60, seed=1, tried="Nothing else was tried.")


@pytest.fixture(scope="module")
def scores(train: TrainingSet, test: TrainingSet, booster: lgb.Booster) -> dict[str, ModelScores]:
    model = ModelScores.of_probability(np.asarray(booster.predict(test.x)))
    return {"model": model, **baseline_scores(train, test, seed=1)}


@pytest.fixture(scope="module")
def report(scores: dict[str, ModelScores], test: TrainingSet) -> Report:
    return evaluate("demo", "synthetic", scores, test, SETTINGS)


def test_the_report_counts_rows_decisions_and_those_with_a_positive(
    report: Report, test: TrainingSet
) -> None:
    with_positive = len(np.unique(test.decision[test.y > 0]))
    found = (report.rows, report.decisions, report.decisions_with_positive)
    assert found == (len(test), 250, with_positive)
    assert (report.label_model, report.tried) == ("adoption", "Nothing else was tried.")


def test_every_figure_lies_inside_its_interval_but_for_the_calibration_error(
    report: Report,
) -> None:
    assert set(report.metrics) == {*METRICS, PROPENSITY_ALONE}
    for name, figure in report.metrics.items():
        assert figure is not None
        assert figure.low <= figure.high
        assert name == "ece" or figure.low <= figure.value <= figure.high


def test_the_model_is_ranked_by_propensity_times_value_for_revenue(
    report: Report, scores: dict[str, ModelScores], test: TrainingSet
) -> None:
    def revenue(priority: np.ndarray) -> float:
        ranked = rank_candidates(test.decision, priority, SETTINGS.seed)
        return float(revenue_at_k(ranked, test.revenue, 1).mean())

    by_value, alone = report.metrics["revenue_at_1"], report.metrics[PROPENSITY_ALONE]
    rfm = report.baselines["rfm"]
    model = scores["model"].score
    assert by_value is not None
    assert by_value.value == pytest.approx(revenue(model * test.value))
    assert alone is not None
    assert alone.value == pytest.approx(revenue(model))
    assert rfm["revenue_at_1"] is not None
    assert rfm["revenue_at_1"].value == pytest.approx(revenue(test.rfm))
    assert rfm[TIMES_VALUE] is not None
    assert rfm[TIMES_VALUE].value == pytest.approx(revenue(test.rfm * test.value))


def test_ranking_metrics_average_over_decisions_with_a_positive_only(
    report: Report, scores: dict[str, ModelScores], test: TrainingSet
) -> None:
    ranked = rank_candidates(test.decision, scores["model"].score, SETTINGS.seed)
    found = report.metrics["hit_at_1"]
    assert found is not None
    assert found.value == pytest.approx(np.nanmean(hit_at_k(ranked, test.y, 1)))


def test_differences_are_paired_and_are_those_of_the_figures(report: Report) -> None:
    for name in report.baselines:
        difference = report.paired[f"ndcg_at_3 - {name}"]
        model, baseline = report.metrics["ndcg_at_3"], report.baselines[name]["ndcg_at_3"]
        assert difference is not None
        assert model is not None
        assert baseline is not None
        assert difference.value == pytest.approx(model.value - baseline.value)
    clear = report.paired["ndcg_at_3 - popularity"]
    assert clear is not None
    assert clear.low > 0
    assert {"revenue_at_1 - propensity_alone", "revenue_at_1 - rfm_x_value"} <= set(report.paired)


def test_a_score_that_is_no_probability_has_no_log_loss(report: Report) -> None:
    assert report.baselines["rfm"]["log_loss"] is None
    assert report.baselines["rfm"]["ece"] is None
    assert "log_loss - rfm" not in report.paired


def test_with_one_candidate_per_decision_the_ranking_metrics_are_null(
    scores: dict[str, ModelScores], test: TrainingSet
) -> None:
    alone = replace(test, decision=np.arange(len(test)))
    report = evaluate("demo", "synthetic", scores, alone, SETTINGS)
    void = {"ndcg_at_3", "hit_at_1", "mrr", "revenue_at_1", PROPENSITY_ALONE}
    assert {name for name, figure in report.metrics.items() if figure is None} == void
    assert not [name for name in report.paired if name.split(" - ")[0] in void]
    assert all(entry["first_share"] is None for entry in report.per_action)


def test_the_actions_are_told_apart_and_their_first_places_add_up(
    report: Report, test: TrainingSet
) -> None:
    assert [entry["action"] for entry in report.per_action] == list(test.actions)
    assert sum(entry["first_share"] for entry in report.per_action) == pytest.approx(1.0)
    assert sum(entry["positives"] for entry in report.per_action) == test.y.sum()


def test_the_report_is_json_without_numbers_that_json_does_not_know(
    scores: dict[str, ModelScores], test: TrainingSet, tmp_path: Path
) -> None:
    none = np.zeros(len(test))
    nothing = replace(test, y=none, grade=none, revenue=none)
    report = evaluate("demo", "synthetic", scores, nothing, SETTINGS)
    report.write(tmp_path / "reports" / "report.json")
    read = json.loads((tmp_path / "reports" / "report.json").read_text())
    assert read == report.as_dict()
    assert read["metrics"]["auc"] is None
    assert list(read) == [
        "model", "problem", "label_model", "rows", "decisions", "decisions_with_positive",
        "metrics", "baselines", "paired", "per_action", "tried", "sources",
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_report(
    report: Report, scores: dict[str, ModelScores], test: TrainingSet
) -> None:
    assert evaluate("demo", "synthetic", scores, test, SETTINGS) == report


def test_terminal_and_markdown_show_every_metric_and_the_label_model(report: Report) -> None:
    screen = io.StringIO()
    Console(file=screen, width=140).print(render_text(report))
    for text in (screen.getvalue(), render_markdown(report)):
        assert "adoption" in text
        assert all(name in text for name in METRICS)
    assert "| revenue_at_1 - popularity_x_value |" in render_markdown(report)


def test_the_report_says_where_a_baseline_is_clearly_better(report: Report) -> None:
    better = {
        "auc - rfm": Interval(-0.1, -0.2, -0.05),
        "log_loss - prior": Interval(0.1, 0.05, 0.2),
    }
    worse = replace(report, paired=better)
    assert "better in: auc (rfm), log_loss (prior)." in render_markdown(worse)
    assert "No baseline is clearly better" in render_markdown(replace(report, paired={}))
