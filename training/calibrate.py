"""From the booster's log-odds to probabilities that mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from decisioning.calibration import Calibration
from features.errors import ModelError
from training.metrics import row_log_loss
from training.training_set import Array, Index

Kind = Literal["identity", "sigmoid", "isotonic"]
KINDS: tuple[Kind, ...] = ("identity", "sigmoid", "isotonic")
"""From simple to flexible: a later kind has to be clearly better than an earlier one."""

MAX_KNOTS = 200
_FOLDS = 5
_CLEARLY = 2.0
"""Standard errors by which the log loss has to fall before a more flexible kind is taken."""


@dataclass(frozen=True)
class CalibrationFit:
    """The calibration chosen, and why.

    Attributes
    ----------
    compared : log loss of each kind, out of fold; empty when the kind was asked for.
    """

    calibration: Calibration
    compared: Mapping[str, float] = field(default_factory=dict)


def fit_calibration(
    raw: Array,
    y: Array,
    kind: Kind | Literal["auto"] = "auto",
    block: Index | None = None,
    seed: int = 0,
    weight: Array | None = None,
) -> CalibrationFit:
    """Return the calibration fitted on rows that the booster has not seen.

    Parameters
    ----------
    raw : shape (rows,), log-odds, out of sample and later than the booster's rows.
    kind : "auto" takes the simplest kind that no more flexible one clearly beats in log loss,
        measured across folds of whole blocks.
    block : shape (rows,), what must stay in one fold, the customer by rights; else each row alone.
    weight : shape (rows,), above 0, how much each row counts; by default all alike.

    Raises
    ------
    ModelError : the log-odds rank the rows the wrong way round.
    """
    if y.min() == y.max():
        return CalibrationFit(Calibration())
    if kind != "auto":
        return CalibrationFit(_fit_kind(kind, raw, y, weight))
    blocks = np.arange(len(y)) if block is None else np.unique(block, return_inverse=True)[1]
    losses = _losses_out_of_fold(raw, y, blocks, seed, weight)
    compared: dict[str, float] = {name: float(loss.mean()) for name, loss in losses.items()}
    return CalibrationFit(_fit_kind(_simplest(losses, blocks), raw, y, weight), compared)


def _fit_kind(kind: Kind, raw: Array, y: Array, weight: Array | None) -> Calibration:
    if kind == "sigmoid":
        return _fit_sigmoid(raw, y, weight)
    if kind == "isotonic":
        return _fit_isotonic(raw, y, weight)
    return Calibration()


def _fit_sigmoid(raw: Array, y: Array, weight: Array | None) -> Calibration:
    """Platt (1999), without his smoothing of the targets: the slice is large."""
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(raw[:, None], y, weight)
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise ModelError(f"calibration: slope {slope:.3g}, the scores rank the rows backwards")
    return Calibration(kind="sigmoid", a=slope, b=shift)


def _fit_isotonic(raw: Array, y: Array, weight: Array | None) -> Calibration:
    """Isotonic steps, joined at their centres so that better scores stay better.

    A step function would tie candidates that the booster tells apart. Oron and Flournoy (2017).
    """
    p = Calibration().apply(raw)
    steps = IsotonicRegression(out_of_bounds="clip").fit(p, y, weight).predict(p)
    level, member, rows = np.unique(steps, return_inverse=True, return_counts=True)
    centre = np.bincount(member, weights=p) / rows
    least = 1 / (len(y) + 2)
    x = np.concatenate(([0.0], centre, [1.0]))
    height = np.clip(np.concatenate(([0.0], level, [1.0])), least, 1 - least)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_KNOTS)).round().astype(int))
    rising = kept[np.append(True, np.diff(x[kept]) > 0)]
    return Calibration(kind="isotonic", x=tuple(x[rising]), y=tuple(height[rising]))


def _losses_out_of_fold(
    raw: Array, y: Array, blocks: Index, seed: int, weight: Array | None
) -> dict[Kind, Array]:
    # Weighted losses whose mean is the weighted mean.
    counts = np.ones(len(y)) if weight is None else weight * len(y) / weight.sum()
    folds = min(_FOLDS, int(blocks.max()) + 1)
    if folds < 2:
        return {"identity": counts * row_log_loss(y, Calibration().apply(raw))}
    losses = {kind: np.empty(len(y)) for kind in KINDS}
    splits = GroupKFold(folds, shuffle=True, random_state=seed).split(raw, y, blocks)
    for train, test in splits:
        for kind in KINDS:
            fitted = _fit_or_identity(
                kind, raw[train], y[train], None if weight is None else weight[train]
            )
            losses[kind][test] = counts[test] * row_log_loss(y[test], fitted.apply(raw[test]))
    return losses


def _fit_or_identity(kind: Kind, raw: Array, y: Array, weight: Array | None) -> Calibration:
    return Calibration() if y.min() == y.max() else _fit_kind(kind, raw, y, weight)


def _simplest(losses: Mapping[Kind, Array], blocks: Index) -> Kind:
    chosen: Kind = "identity"
    for kind in KINDS[1:]:
        if kind in losses and _clearly_better(losses[chosen] - losses[kind], blocks):
            chosen = kind
    return chosen


def _clearly_better(gain: Array, blocks: Index) -> bool:
    """Say whether the mean gain exceeds its standard error, taken over blocks, clearly."""
    per_block = np.bincount(blocks, weights=gain)
    rows = np.bincount(blocks)
    error = np.sqrt(((per_block - gain.mean() * rows) ** 2).sum()) / len(gain)
    return bool(gain.mean() > _CLEARLY * error)
