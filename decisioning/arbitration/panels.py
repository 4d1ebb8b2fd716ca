"""Where an integral over log priorities has to look closely: around every drawn candidate."""

from __future__ import annotations

import numpy as np
from scipy import special

from decisioning.arbitration.priority import Array

_AROUND = np.array([6.0, 2.0, -2.0, -6.0, -14.0, -30.0])
"""Panels end this many standard deviations around the mean; to the left the tails are longer."""

_CLOSER = 8.0
"""Towards the end of a distribution that does not fade out, each panel is this much narrower."""

_SMOOTH_END = 8.0
"""From this beta on a distribution fades out smoothly before its end."""

_LONG_TAIL = 1.0
_STEP = np.array([16.0, 6.0, 2.0, 0.5, 0.1])
_ALONG_TAIL = 5.0 ** np.arange(1, 10)

_NEGLIGIBLE_MASS = np.exp(-8.0)
_NARROWEST = 1e-11
_MERGE = 0.4


def edges(
    log_scale: Array, alpha: Array, beta: Array, low: Array, sure: Array, start: float
) -> Array:
    """Return the ends of panels, rising from `start` to the highest possible log priority.

    Parameters
    ----------
    low : log priorities below which next to nothing of each distribution is.
    sure : log priorities at which distributions of others step.
    """
    mean = special.psi(alpha) - special.psi(alpha + beta)
    spread = np.sqrt(special.zeta(2, alpha) - special.zeta(2, alpha + beta))
    around = np.clip(log_scale + mean + _AROUND[:, None] * spread, low, log_scale)
    places = [around.ravel(), log_scale, sure]
    widths = [
        np.broadcast_to(spread, around.shape).ravel(),
        np.where(beta < _SMOOTH_END, 0.0, spread),
        np.zeros(len(sure)),
    ]
    levels = np.where(beta < _SMOOTH_END, -np.log(_NEGLIGIBLE_MASS) / np.log(_CLOSER) / beta, 0.0)
    level = np.arange(min(int(np.ceil(levels.max(initial=0.0))), 14))[:, None]
    distance = np.minimum(-mean, spread) * _CLOSER**-level
    needed = (level < levels) & (distance > _NARROWEST)
    places.append((log_scale - distance)[needed])
    widths.append(0.3 * distance[needed])
    tail_places, tail_widths = _long_tails(log_scale, alpha, beta, low)
    places.append(tail_places)
    widths.append(tail_widths)
    end = max(log_scale.max(initial=start), sure.max(initial=start))
    return _thinned(np.concatenate(places), np.concatenate(widths), start, end)


def _long_tails(log_scale: Array, alpha: Array, beta: Array, low: Array) -> tuple[Array, Array]:
    """Return places and widths for distributions that are a step with a long tail to the left.

    With alpha below 1 that is what the logarithm of a draw looks like. The step is where the draw
    is about 1 / (alpha + beta), and about 1 wide whatever the tail.
    """
    small = alpha < _LONG_TAIL
    most = np.log(_STEP[:, None] / (alpha + beta)[small])
    step = log_scale[small] + np.minimum(most, 0.0)
    tail = step[-1] - _ALONG_TAIL[:, None]
    wide = np.concatenate([np.full(len(_STEP), 0.5), 0.5 * _ALONG_TAIL])
    place = np.maximum(np.concatenate([step, tail]), low[small])
    return place.ravel(), np.repeat(wide, place.shape[1])


def _thinned(place: Array, width: Array, start: float, end: float) -> Array:
    """Return the places in between that are not too close to the one before, for their width."""
    order = np.argsort(place, kind="stable")
    kept = [start]
    for here, wide in zip(place[order].tolist(), width[order].tolist(), strict=True):
        if start < here < end and here - kept[-1] > _MERGE * wide:
            kept.append(here)
    kept.append(end)
    return np.array(kept)
