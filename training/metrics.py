"""How good scores are: as probabilities, over all rows, and as rankings, per decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from training.training_set import Array, Index

ECE_BINS = 15
_SMALLEST = 1e-15


@dataclass(frozen=True)
class ModelScores:
    """What one model or heuristic says of the test rows.

    Attributes
    ----------
    score : shape (rows,), not negative, higher is better; orders candidates.
    probability : shape (rows,), P(y = 1); None where the score is only an order, and then there is
        no log loss and no calibration error.
    times_value : whether score x value is a sensible order of its own.
    """

    score: Array
    probability: Array | None = None
    times_value: bool = True

    @staticmethod
    def of_probability(probability: Array) -> ModelScores:
        """Return scores that order by the probability itself."""
        return ModelScores(probability, probability)


@dataclass(frozen=True)
class Ranked:
    """Candidate rows, each decision's best first.

    Attributes
    ----------
    order : shape (rows,), row numbers; decisions one after another, in each the best row first.
    position : shape (rows,), 1 for the best of its decision, aligned with `order`.
    start : shape (decisions,), where each decision begins in `order`.
    """

    order: Index
    position: Index
    start: Index

    @property
    def largest(self) -> int:
        """The number of candidates of the largest decision; with 1 a ranking is void."""
        return int(self.position.max()) if len(self.position) else 0

    def per_decision(self, values: Array) -> Array:
        """Return the sums of `values`, aligned with `order`, shape (decisions,)."""
        if not len(self.start):
            return np.zeros(0)
        sums: Array = np.add.reduceat(values, self.start)
        return sums


def roc_auc(y: Array, score: Array) -> float:
    """Return the area under the ROC curve: P(a positive row scores above a negative one).

    NaN where all rows are of one class. Of no use for judging a ranking inside decisions: it also
    rewards telling customers apart.
    """
    if y.min(initial=1.0) == y.max(initial=0.0):
        return float("nan")
    return float(sk.roc_auc_score(y, score))


def pr_auc(y: Array, score: Array) -> float:
    """Return average precision, the step-wise area under precision over recall; NaN without a 1."""
    return float(sk.average_precision_score(y, score)) if y.any() else float("nan")


def log_loss(y: Array, probability: Array) -> float:
    """Return the mean negative log likelihood in nats; meaningful beside the prior's only."""
    return float(row_log_loss(y, probability).mean())


def row_log_loss(y: Array, probability: Array) -> Array:
    """Return the negative log likelihood of each row in nats, shape (rows,); `y` may be a grade."""
    p = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    losses: Array = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return losses


def ece(y: Array, probability: Array, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error: mean |predicted - observed| over bins, by row share.

    Bins hold equal numbers of rows, not equal widths: response rates are low, so that bins of equal
    width would put nearly every row into the first two. A constant prediction of the base rate gets
    0: read it beside the log loss. Naeini, Cooper, Hauskrecht (2015).
    """
    bin_of = equal_mass_bins(probability, bins)
    gap = np.bincount(bin_of, weights=probability - y)
    return float(np.abs(gap).sum() / len(y))


def equal_mass_bins(probability: Array, bins: int = ECE_BINS) -> Index:
    """Return the bin of each row; equal values share one, so there may be fewer than `bins`."""
    edges = np.unique(np.quantile(probability, np.arange(1, bins) / bins, method="higher"))
    return np.searchsorted(edges, probability, side="right").astype(np.int64)


def rank_candidates(decision: Index, score: Array, seed: int) -> Ranked:
    """Return the rows of each decision ordered by score, ties broken by a seeded draw.

    Ties are drawn, since the order of the file would favour whichever action comes first.
    """
    lots = np.random.default_rng(seed).permutation(len(score))
    order = np.lexsort((lots, -score, decision)).astype(np.int64)
    grouped = decision[order]
    first = np.concatenate(([True], grouped[1:] != grouped[:-1])) if len(order) else grouped > 0
    start = np.flatnonzero(first)
    size = np.diff(np.append(start, len(order)))
    position = np.arange(len(order)) - np.repeat(start, size) + 1
    return Ranked(order, position.astype(np.int64), start.astype(np.int64))


def ndcg_at_k(ranked: Ranked, y: Array, k: int) -> Array:
    """Return DCG@k over its best possible value, gain 1 per positive, shape (decisions,).

    NaN for a decision without a positive. Järvelin and Kekäläinen (2002).
    """
    discount = np.where(ranked.position <= k, 1 / np.log2(ranked.position + 1.0), 0.0)
    gained = ranked.per_decision(y[ranked.order] * discount)
    best = np.concatenate(([0.0], np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1.0))))
    possible = best[np.minimum(_positives(ranked, y), k)]
    return _where_positive(gained, possible)


def hit_at_k(ranked: Ranked, y: Array, k: int) -> Array:
    """Return 1 where one of the first k is positive, else 0; NaN for a decision without any."""
    hits = ranked.per_decision(y[ranked.order] * (ranked.position <= k))
    return _where_positive((hits > 0).astype(float), _positives(ranked, y) > 0)


def reciprocal_rank(ranked: Ranked, y: Array) -> Array:
    """Return 1 / position of the first positive, shape (decisions,); NaN without one."""
    if not len(ranked.start):
        return np.zeros(0)
    inverse = np.where(y[ranked.order] > 0, 1.0 / ranked.position, 0.0)
    best = np.maximum.reduceat(inverse, ranked.start)
    return _where_positive(best, best > 0)


def revenue_at_k(ranked: Ranked, revenue: Array, k: int) -> Array:
    """Return the realised revenue of the first k rows, shape (decisions,); 0 where nothing came.

    To be averaged over all decisions, with and without a positive.
    """
    return ranked.per_decision(revenue[ranked.order] * (ranked.position <= k))


def _positives(ranked: Ranked, y: Array) -> Index:
    return ranked.per_decision(y[ranked.order]).astype(np.int64)


def _where_positive(gained: Array, possible: Array | npt.NDArray[np.bool_]) -> Array:
    out = np.full(len(gained), np.nan)
    shares: Array = np.divide(gained, possible, out=out, where=possible > 0)
    return shares
