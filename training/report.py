"""The evaluation report of a model: its metrics, the baselines' and the paired differences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training import bootstrap, metrics
from training.bootstrap import Interval, Measured, Resamples
from training.metrics import ModelScores, Ranked
from training.training_set import Array, Index, TrainingSet

Figures = Mapping[str, Interval | None]

METRICS = ("auc", "pr_auc", "log_loss", "ece", "ndcg_at_3", "hit_at_1", "mrr", "revenue_at_1")
"""The metrics every model has; null where they mean nothing, never a made-up number."""

PROPENSITY_ALONE = "revenue_at_1_by_propensity"
LOWER_IS_BETTER = ("log_loss", "ece")
TIMES_VALUE = "revenue_at_1_x_value"


@dataclass(frozen=True)
class EvaluationSettings:
    """How to evaluate.

    Attributes
    ----------
    label_model : `response` or `adoption`, stated on every report.
    samples : bootstrap resamples of the customers.
    tried : what else was looked at on the same test rows, in words.
    """

    label_model: str
    samples: int = 300
    seed: int = 0
    tried: str = ""


@dataclass(frozen=True)
class Report:
    """What is known of a model on test rows later than all it learnt from.

    Attributes
    ----------
    metrics : the model's; `revenue_at_1` ranks by propensity x value,
        `revenue_at_1_by_propensity` by propensity alone.
    baselines : the same per baseline, whose `revenue_at_1` ranks by score alone and
        `revenue_at_1_x_value` by score x value.
    paired : the model minus a baseline on the same resamples, keyed "metric - baseline".
    per_action : one entry per action among the candidates.
    sources : how many rows the history and the decision log gave (`training.sources`).
    """

    model: str
    problem: str
    label_model: str
    rows: int
    decisions: int
    decisions_with_positive: int
    metrics: Figures
    baselines: Mapping[str, Figures]
    paired: Figures
    per_action: tuple[Mapping[str, Any], ...]
    tried: str
    sources: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        plain = asdict(self)
        return plain | {"per_action": list(plain["per_action"])}

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")


@dataclass(frozen=True)
class _Bench:
    """The test rows and the resamples that all models are measured on."""

    test: TrainingSet
    resamples: Resamples
    seed: int

    def measure(self, scores: ModelScores) -> dict[str, Measured]:
        """Return the metrics that mean something for these scores."""
        y = self.test.y
        areas = bootstrap.weighted_areas(y, scores.score, self.resamples)
        found = {
            "auc": Measured(metrics.roc_auc(y, scores.score), areas[0]),
            "pr_auc": Measured(metrics.pr_auc(y, scores.score), areas[1]),
        }
        if scores.probability is not None:
            found |= self._as_probability(scores.probability)
        return found | self._as_ranking(scores)

    def _as_probability(self, probability: Array) -> dict[str, Measured]:
        grade = self.test.grade
        losses = metrics.row_log_loss(grade, probability)
        errors = bootstrap.weighted_ece(grade, probability, self.resamples)
        return {
            "log_loss": self._mean(losses, self.resamples.customer),
            "ece": Measured(metrics.ece(grade, probability), errors),
        }

    def _as_ranking(self, scores: ModelScores) -> dict[str, Measured]:
        ranked = metrics.rank_candidates(self.test.decision, scores.score, self.seed)
        if ranked.largest < 2:
            return {}
        y, owner = self.test.y, self.resamples.customer[ranked.order[ranked.start]]
        found = {
            "ndcg_at_3": self._mean(metrics.ndcg_at_k(ranked, y, 3), owner),
            "hit_at_1": self._mean(metrics.hit_at_k(ranked, y, 1), owner),
            "mrr": self._mean(metrics.reciprocal_rank(ranked, y), owner),
            "revenue_at_1": self._revenue(ranked),
        }
        if scores.times_value:
            by_value = scores.score * self.test.value
            valued = metrics.rank_candidates(self.test.decision, by_value, self.seed)
            found[TIMES_VALUE] = self._revenue(valued)
        return found

    def _revenue(self, ranked: Ranked) -> Measured:
        owner = self.resamples.customer[ranked.order[ranked.start]]
        return self._mean(metrics.revenue_at_k(ranked, self.test.revenue, 1), owner)

    def _mean(self, values: Array, owner: Index) -> Measured:
        known = values[~np.isnan(values)]
        value = float(known.mean()) if len(known) else float("nan")
        return Measured(value, bootstrap.weighted_mean(values, owner, self.resamples))


def evaluate(
    name: str,
    problem: str,
    scores: Mapping[str, ModelScores],
    test: TrainingSet,
    settings: EvaluationSettings,
) -> Report:
    """Return the report of the model `scores["model"]`; all other scores are baselines.

    With one candidate per decision the ranking metrics, revenue included, are null.
    """
    resamples = bootstrap.resample_customers(test.customer, settings.samples, settings.seed)
    bench = _Bench(test, resamples, settings.seed)
    measured = {key: bench.measure(given) for key, given in scores.items()}
    model = _by_priority(measured.pop("model"))
    ranked = metrics.rank_candidates(test.decision, test.y, settings.seed)
    return Report(
        model=name,
        problem=problem,
        label_model=settings.label_model,
        rows=len(test),
        decisions=len(ranked.start),
        decisions_with_positive=int((ranked.per_decision(test.y[ranked.order]) > 0).sum()),
        metrics=_figures(model, (*METRICS, PROPENSITY_ALONE)),
        baselines={
            key: _figures(value, (*METRICS, TIMES_VALUE)) for key, value in measured.items()
        },
        paired=_paired(model, measured),
        per_action=_per_action(test, scores["model"], settings.seed),
        tried=settings.tried,
    )


def _by_priority(model: dict[str, Measured]) -> dict[str, Measured]:
    """Return the model's metrics with revenue as decisions are taken: by propensity x value."""
    if TIMES_VALUE not in model:
        return model
    revenue = {"revenue_at_1": model[TIMES_VALUE], PROPENSITY_ALONE: model["revenue_at_1"]}
    return {key: value for key, value in model.items() if key != TIMES_VALUE} | revenue


def _figures(measured: Mapping[str, Measured], names: tuple[str, ...]) -> Figures:
    return {name: measured[name].interval() if name in measured else None for name in names}


def _paired(
    model: Mapping[str, Measured], baselines: Mapping[str, Mapping[str, Measured]]
) -> Figures:
    differences = {
        f"{metric} - {name}": model[metric].minus(baseline[metric])
        for metric in METRICS
        for name, baseline in baselines.items()
        if metric in model and metric in baseline
    }
    if PROPENSITY_ALONE in model:
        alone = model["revenue_at_1"].minus(model[PROPENSITY_ALONE])
        differences["revenue_at_1 - propensity_alone"] = alone
    for name, baseline in baselines.items():
        if TIMES_VALUE in baseline and "revenue_at_1" in model:
            difference = model["revenue_at_1"].minus(baseline[TIMES_VALUE])
            differences[f"revenue_at_1 - {name}_x_value"] = difference
    return differences


def _per_action(test: TrainingSet, scores: ModelScores, seed: int) -> tuple[Mapping[str, Any], ...]:
    ranked = metrics.rank_candidates(test.decision, scores.score * test.value, seed)
    first = np.bincount(test.action[ranked.order[ranked.start]], minlength=len(test.actions)) / max(
        len(ranked.start), 1
    )
    entries = []
    for code in np.unique(test.action):
        mine = test.action == code
        y, score = test.y[mine], scores.score[mine]
        auc = metrics.roc_auc(y, score)
        entries.append(
            {
                "action": test.actions[code],
                "rows": len(y),
                "positives": int(y.sum()),
                "rate": float(test.grade[mine].mean()),
                "predicted": None if scores.probability is None else float(score.mean()),
                "auc": auc if np.isfinite(auc) else None,
                "first_share": float(first[code]) if ranked.largest > 1 else None,
            }
        )
    return tuple(entries)
