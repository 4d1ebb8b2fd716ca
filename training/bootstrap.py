"""How sure a metric is: resampling customers, whole, since rows of one customer are not alone.

Intervals are the 2.5 and 97.5 % percentiles over resamples. All models are measured on the same
resamples, so that a difference between two of them is a paired one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.metrics import ECE_BINS, equal_mass_bins
from training.training_set import Array, Index

_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A figure and the range it would have on other customers like these (95 %)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """A metric's value on the test rows, and its value in each resample, shape (samples,)."""

    value: float
    samples: Array

    def interval(self) -> Interval | None:
        """Return the value with its interval; None where the metric is not defined."""
        drawn = self.samples[np.isfinite(self.samples)]
        if not np.isfinite(self.value) or not len(drawn):
            return None
        low, high = np.percentile(drawn, _PERCENTILES)
        return Interval(float(self.value), float(low), float(high))

    def minus(self, other: Measured) -> Interval | None:
        """Return the paired difference, both having been measured on the same resamples."""
        return Measured(self.value - other.value, self.samples - other.samples).interval()


@dataclass(frozen=True)
class Resamples:
    """How often each customer is drawn in each resample.

    Attributes
    ----------
    weight : shape (samples, customers), whole numbers; each resample has as many draws as
        customers. It takes samples x customers x 8 bytes.
    customer : shape (rows,), the column of `weight` that a row belongs to.
    """

    weight: Array
    customer: Index


def resample_customers(customer: Index, samples: int, seed: int) -> Resamples:
    """Return `samples` draws of all customers with replacement."""
    codes, position = np.unique(customer, return_inverse=True)
    rng = np.random.default_rng(seed)
    even = np.full(len(codes), 1 / max(len(codes), 1))
    weight = rng.multinomial(len(codes), even, size=samples).astype(np.float64)
    return Resamples(weight, position.astype(np.int64))


def weighted_areas(y: Array, score: Array, resamples: Resamples) -> tuple[Array, Array]:
    """Return the ROC AUC and the average precision of each resample, shape (samples,) each.

    Sorted once; a resample then costs one gather and one running sum over the rows, and the rest
    over the positive rows only.
    """
    order = np.argsort(-score, kind="stable")
    owner = resamples.customer[order]
    first, above, through = _positive_ties(y[order], score[order])
    positive_owner = owner[y[order] > 0]
    drawn, running = np.empty(len(order)), np.zeros(len(order) + 1)
    areas = np.empty((2, len(resamples.weight)))
    for sample, weight in enumerate(resamples.weight):
        np.take(weight, owner, out=drawn, mode="clip")
        np.cumsum(drawn, out=running[1:])
        hits = np.add.reduceat(weight[positive_owner], first) if len(first) else np.zeros(0)
        areas[:, sample] = _areas(hits, running[above], running[through], float(running[-1]))
    return areas[0], areas[1]


def _positive_ties(y: Array, score: Array) -> tuple[Index, Index, Index]:
    """Return, for each score that a positive row has: where its positives begin among all
    positives, how many rows score above it, and how many score at least as much. Rows are sorted,
    best first.
    """
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) + 1
    tie_of_positive = np.searchsorted(ends, np.flatnonzero(y > 0), side="right")
    tie, first = np.unique(tie_of_positive, return_index=True)
    above = np.concatenate(([0], ends))[tie]
    return first, above, ends[tie]


def _areas(hits: Array, above: Array, through: Array, total: float) -> tuple[float, float]:
    """Return both areas from the weights of the positives of each tie, of the rows above it and of
    the rows down to its end.
    """
    true = np.cumsum(hits)
    positives = float(true[-1]) if len(true) else 0.0
    negatives = total - positives
    if positives <= 0:
        return float("nan"), float("nan")
    precision = np.divide(true, through, out=np.zeros_like(true), where=through > 0)
    # Sums of products, not dot products: BLAS would start its threads for each of them.
    average_precision = float((hits * precision).sum() / positives)
    if negatives <= 0:
        return float("nan"), average_precision
    beaten = negatives - (above - (true - hits) + through - true) / 2
    return float((hits * beaten).sum() / (positives * negatives)), average_precision


def weighted_mean(values: Array, customer: Index, resamples: Resamples) -> Array:
    """Return the mean of `values` in each resample, shape (samples,); NaN values are left out.

    Parameters
    ----------
    customer : shape of `values`, columns of `Resamples.weight`; values may be per row or decision.
    """
    known = ~np.isnan(values)
    width = resamples.weight.shape[1]
    sums = np.bincount(customer[known], weights=values[known], minlength=width)
    counts = np.bincount(customer[known], minlength=width)
    return _divide(resamples.weight @ sums, resamples.weight @ counts)


def weighted_ece(y: Array, probability: Array, resamples: Resamples, bins: int = ECE_BINS) -> Array:
    """Return the calibration error of each resample on the bins of the whole test set.

    Being a mean of absolute values it is larger in a resample than in the test set: the interval
    may lie above the figure.
    """
    bin_of = equal_mass_bins(probability, bins)
    width = resamples.weight.shape[1]
    held = int(bin_of.max()) + 1
    cell = resamples.customer * held + bin_of
    gap = np.bincount(cell, weights=probability - y, minlength=width * held).reshape(width, held)
    rows = np.bincount(resamples.customer, minlength=width)
    return _divide(np.abs(resamples.weight @ gap).sum(axis=1), resamples.weight @ rows)


def _divide(over: Array, under: Array) -> Array:
    means: Array = np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)
    return means
