"""What a model has to beat: scores that need no model, and the plainest model there is."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from training.metrics import ModelScores
from training.training_set import Array, Index, TrainingSet

LOGISTIC_ROWS = 120_000
_PSEUDO_ROWS = 20.0
"""Rows at the more general rate that each rate starts from: no rate is exactly 0 or 1."""


def baseline_scores(train: TrainingSet, test: TrainingSet, seed: int) -> dict[str, ModelScores]:
    """Return all baselines' scores of the test rows, learnt from the training rows alone."""
    return {
        "random": random_scores(test, seed),
        "prior": prior(train, test),
        "popularity": popularity(train, test),
        "rfm": rfm(test),
        "logistic_regression": logistic_regression(train, test, seed),
    }


def random_scores(test: TrainingSet, seed: int) -> ModelScores:
    """Return a draw per row: the floor of every ranking metric."""
    return ModelScores(np.random.default_rng(seed).random(len(test)), times_value=False)


def prior(train: TrainingSet, test: TrainingSet) -> ModelScores:
    """Return the training rows' positive rate for every row: the reference of any log loss."""
    return ModelScores.of_probability(np.full(len(test), _rate(train.grade)))


def popularity(train: TrainingSet, test: TrainingSet, by_segment: bool = False) -> ModelScores:
    """Return each action's positive rate in the training rows, an unseen action's its group's.

    An action's rate is held to its group's by a few pseudo rows, and that to the overall one; with
    `by_segment` there is a rate per (action, segment), held to the action's.
    """
    rate = _rates(train.grade, train.group, test.group, np.full(len(test), _rate(train.grade)))
    rate = _rates(train.grade, train.action, test.action, rate)
    if by_segment:
        width = int(max(train.segment.max(), test.segment.max())) + 1
        learnt, asked = (rows.action * width + rows.segment for rows in (train, test))
        rate = _rates(train.grade, learnt, asked, rate)
    return ModelScores.of_probability(rate)


def rfm(test: TrainingSet) -> ModelScores:
    """Return the recency-frequency score, an order without a probability; missing ranks last."""
    return ModelScores(np.maximum(np.nan_to_num(test.rfm, nan=0.0), 0.0))


def logistic_regression(
    train: TrainingSet, test: TrainingSet, seed: int, max_rows: int = LOGISTIC_ROWS
) -> ModelScores:
    """Return the probabilities of an L2 logistic regression on the model's own columns.

    Signed log1p, median for missing values with a flag, standardised; fitted on whole decisions of
    up to about `max_rows` rows.
    """
    rows = sample_decisions(train, max_rows, seed)
    if rows.y.min() == rows.y.max():
        return prior(train, test)
    rows = rows.without_partial_grades()
    pipeline = _pipeline()
    with warnings.catch_warnings():
        # Stopping short of the optimum costs a baseline nothing that a metric would show.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(rows.x, rows.y, logisticregression__sample_weight=rows.weights)
    return ModelScores.of_probability(pipeline.predict_proba(test.x)[:, 1])


def sample_decisions(rows: TrainingSet, max_rows: int, seed: int) -> TrainingSet:
    """Return whole decisions, drawn at random, of about `max_rows` rows; all when there are fewer.

    The rows keep their order.
    """
    if len(rows) <= max_rows:
        return rows
    decisions = np.unique(rows.decision)
    share = max_rows / len(rows)
    kept = np.random.default_rng(seed).permutation(decisions)[: max(1, int(len(decisions) * share))]
    return rows.take(np.isin(rows.decision, kept))


def _pipeline() -> Pipeline:
    return make_pipeline(
        FunctionTransformer(_signed_log),
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=1.0, solver="lbfgs", max_iter=300),
    )


def _signed_log(x: Array) -> Array:
    logs: Array = np.sign(x) * np.log1p(np.abs(x))
    return logs


def _rate(y: Array) -> float:
    return float((y.sum() + 0.5) / (len(y) + 1))


def _rates(y: Array, learnt: Index, asked: Index, general: Array) -> Array:
    """Return the rate of each asked key among the learnt ones, held to `general` (per row)."""
    width = int(max(learnt.max(initial=0), asked.max(initial=0))) + 1
    positives = np.bincount(learnt, weights=y, minlength=width)[asked]
    rows = np.bincount(learnt, minlength=width)[asked]
    rates: Array = (positives + _PSEUDO_ROWS * general) / (rows + _PSEUDO_ROWS)
    return rates
