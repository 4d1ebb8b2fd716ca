"""What is believed of propensities that are not known for sure, and how one draws from it.

A propensity p with evidence e is drawn from Beta(p n, (1 - p) n) with n = e + 1: on average p, and
the narrower the more evidence there is. Priorities are drawn as logarithms, since with hardly any
evidence a drawn propensity is often smaller than the smallest number above zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from decisioning.arbitration.chance import uniform_of
from decisioning.arbitration.priority import Array, Factors, Index, Switches, Verdicts, priorities

_UNDERFLOW = 1e-290
_LOG_UNDERFLOW = -667.0


@dataclass(frozen=True)
class Beliefs:
    """Candidates in the order that decides between equal priorities, each of shape (rows,).

    Attributes
    ----------
    log_scale : what the propensity is multiplied by, as logarithm.
    alpha, beta : parameters of the Beta distribution; 1 where nothing is drawn.
    sure : which rows have a priority that is not drawn.
    log_priority : of those; -inf for 0, and where the others stand NaN.
    """

    action_ids: tuple[str, ...]
    log_scale: Array
    alpha: Array
    beta: Array
    sure: Verdicts
    log_priority: Array

    def __len__(self) -> int:
        """Return how many candidates there are."""
        return len(self.action_ids)

    def drawn(self, seed: int) -> Array:
        """Return a log priority for each row; it hangs on the seed and the action id alone."""
        chance = np.array([uniform_of(str(seed), name) for name in self.action_ids])
        drawn = self.log_scale + log_quantile(self.alpha, self.beta, chance)
        return np.where(self.sure, self.log_priority, drawn)

    def drawn_often(self, seed: int, draws: int) -> Array:
        """Return log priorities of other draws than `drawn`, shape (draws, rows)."""
        dice = np.random.Generator(np.random.PCG64(seed))
        yes = _log_gamma(dice, self.alpha, draws)
        no = _log_gamma(dice, self.beta, draws)
        drawn: Array = self.log_scale - np.logaddexp(0.0, no - yes)
        return np.where(self.sure, self.log_priority, drawn)


def beliefs_of(
    action_ids: Sequence[str],
    factors: Factors,
    switches: Switches,
    evidence: Array,
    fixed: Verdicts | None = None,
) -> tuple[Beliefs, Index]:
    """Return what is believed of candidates, and where each of its rows was before.

    Nothing is drawn for a propensity that is fixed, of infinite evidence, exactly 0 or 1, or that
    is switched off, nor where the priority is 0 whatever is drawn. Equal priorities go by the
    propensity that is reported, then by action id.
    """
    priority = priorities(factors, switches)
    known = np.isfinite(priority)
    row: Index = np.lexsort((np.asarray(action_ids), -factors.propensity, ~known))
    priority, p = np.where(known, priority, 0.0)[row], factors.propensity[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_priority = np.log(priority)
        log_scale = log_priority - np.log(p)
    trials = np.maximum(np.nan_to_num(evidence[row], posinf=np.inf), 0.0) + 1.0
    sure = ~((p > 0.0) & (p < 1.0) & np.isfinite(trials) & (priority > 0.0))
    if not switches.propensity:
        sure[:] = True
    if fixed is not None:
        sure |= fixed[row]
    drawn = ~sure
    beliefs = Beliefs(
        action_ids=tuple(action_ids[place] for place in row),
        log_scale=np.where(drawn, log_scale, 0.0),
        alpha=np.where(drawn, p * np.where(drawn, trials, 1.0), 1.0),
        beta=np.where(drawn, (1.0 - p) * np.where(drawn, trials, 1.0), 1.0),
        sure=sure,
        log_priority=np.where(sure, log_priority, np.nan),
    )
    return beliefs, row


def log_quantile(alpha: Array, beta: Array, chance: Array | float) -> Array:
    """Return the logarithm of a quantile of Beta distributions, exact where the quantile is tiny.

    >>> log_quantile(np.array([1.0]), np.array([1.0]), 0.25).round(6).tolist()
    [-1.386294]
    """
    quantile = special.betaincinv(alpha, beta, chance)
    logarithm: Array = np.log(np.maximum(quantile, _UNDERFLOW))
    tiny = quantile < _UNDERFLOW
    if tiny.any():
        start = (np.log(chance) + _log_divisor(alpha, beta)) / alpha
        logarithm = np.where(tiny, start, logarithm)
    large = quantile > 0.5
    if large.any():
        # Near 1 the distance from 1 is what tells draws apart.
        rest = special.betaincinv(beta, alpha, 1.0 - np.asarray(chance))
        logarithm = np.where(large, np.log1p(-np.minimum(rest, 0.75)), logarithm)
    return logarithm


def distribution(alpha: Array, beta: Array, logarithm: Array) -> Array:
    """Return the chance that a draw from Beta is at most exp(logarithm); 1 from 0 on.

    >>> distribution(np.array([2.0]), np.array([1.0]), np.log([0.5])).round(6).tolist()
    [0.25]
    """
    reached: Array = special.betainc(alpha, beta, np.exp(np.minimum(logarithm, 0.0)))
    tiny = logarithm < _LOG_UNDERFLOW
    if tiny.any():
        below = np.minimum(alpha * logarithm - _log_divisor(alpha, beta), 0.0)
        reached = np.where(tiny, np.exp(below), reached)
    return reached


def _log_divisor(alpha: Array, beta: Array) -> Array:
    """Return log(alpha B): the distribution function is x^alpha / (alpha B) for tiny x."""
    divisor: Array = np.log(alpha) + special.betaln(alpha, beta)
    return divisor


def _log_gamma(dice: np.random.Generator, shape: Array, draws: int) -> Array:
    """Return logarithms of gamma draws, shape (draws, rows); they do not underflow."""
    size = (draws, len(shape))
    # Gamma(a) is Gamma(a + 1) x U^(1/a).
    raised = np.log(dice.standard_gamma(shape + 1.0, size))
    lowered: Array = raised - dice.standard_exponential(size) / shape
    return lowered
