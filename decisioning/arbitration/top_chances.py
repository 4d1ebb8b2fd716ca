"""How likely each candidate is among the first k when propensities are drawn: by integration.

With S_j the chance that candidate j comes out above a priority, candidate i is among the first k
with the integral over its own distribution of the chance that fewer than k others are above it, a
Poisson-binomial sum over the S_j. The integral runs over the logarithm of the priority, in panels
of Gauss-Legendre nodes that are as narrow as what happens in them (`panels`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.polynomial import legendre
from scipy import special

from decisioning.arbitration.beliefs import Beliefs, distribution, log_quantile
from decisioning.arbitration.panels import edges
from decisioning.arbitration.priority import Array, Index, Verdicts

MOST_ROWS = 64
TOLERANCE = 1e-6

_TAIL = 1e-9
_NODES = 8
_ATTEMPTS = 2


def top_chances(beliefs: Beliefs, k: int) -> Array | None:
    """Return the chance of each candidate to be among the first k, shape (rows,).

    None for more than 64 rows, and where the integral misses its own check by more than 1e-6. That
    happens only when several propensities above 0.9 with next to no evidence are equally
    valuable: numbers near 1 are too coarse to tell their draws apart.
    """
    rows = len(beliefs)
    if k >= rows:
        return np.ones(rows)
    if rows > MOST_ROWS:
        return None
    low = np.where(beliefs.sure, beliefs.log_priority, beliefs.log_scale)
    drawn = ~beliefs.sure
    low[drawn] += log_quantile(beliefs.alpha[drawn], beliefs.beta[drawn], _TAIL)
    chances = np.zeros(rows)
    start = np.sort(low)[rows - k - 1]
    if not drawn.any() or start == -np.inf:
        # What has a priority above 0 goes first in any case, the others in the order they are in.
        return _settled(np.where(drawn, np.inf, beliefs.log_priority), k)
    left = _may_be_above(beliefs, start)
    if not (left & drawn).any():
        # Nothing that is drawn comes so high: those that are sure have it settled.
        return _settled(np.where(left, beliefs.log_priority, -np.inf), k)
    contest = _Contest.of(beliefs, left, low, start)
    for _ in range(_ATTEMPTS):
        chances[left], error = contest.chances(k)
        if error <= TOLERANCE:
            return np.clip(chances, 0.0, 1.0)
        contest = contest.closer()
    return None


def _settled(log_priority: Array, k: int) -> Array:
    """Return chance 1 for the k highest, ties in their order, and 0 for the others."""
    chances = np.zeros(len(log_priority))
    chances[np.argsort(-log_priority, kind="stable")[:k]] = 1.0
    return chances


def _may_be_above(beliefs: Beliefs, start: float) -> Verdicts:
    below = distribution(beliefs.alpha, beliefs.beta, start - beliefs.log_scale)
    left: Verdicts = np.where(beliefs.sure, beliefs.log_priority >= start, below < 1.0 - _TAIL)
    return left


@dataclass(frozen=True)
class _Contest:
    """The candidates that can be above some log priority `start`, those that are drawn first.

    Attributes
    ----------
    order : where each stood.
    at : log priorities of the others, those that are sure.
    edge : the ends of the panels, rising from `start`.
    """

    order: Index
    log_scale: Array
    alpha: Array
    beta: Array
    at: Array
    edge: Array

    @classmethod
    def of(cls, beliefs: Beliefs, left: Verdicts, low: Array, start: float) -> _Contest:
        drawn, sure = left & ~beliefs.sure, left & beliefs.sure
        scale, alpha, beta = beliefs.log_scale[drawn], beliefs.alpha[drawn], beliefs.beta[drawn]
        at = beliefs.log_priority[sure]
        edge = edges(scale, alpha, beta, low[drawn], at, start)
        order = np.argsort(np.concatenate([np.flatnonzero(drawn), np.flatnonzero(sure)]))
        return cls(order, scale, alpha, beta, at, edge)

    def chances(self, k: int) -> tuple[Array, float]:
        """Return the chances of the candidates in their own order, and how far they may be off."""
        masses, above, doubt = self._distributions()
        drawn, nodes = masses.shape
        above_at, sure_above = self._above_the_sure()
        steps = (self.at[:, None] > self._node).astype(np.float64)
        everywhere = np.block([[above, above_at], [steps, sure_above]])
        fewer = _fewer_than(k, everywhere)
        chances = np.concatenate(
            [(fewer[:drawn, :nodes] * masses).sum(axis=1), np.diagonal(fewer[drawn:, nodes:])]
        )
        return chances[self.order], doubt + abs(float(chances.sum()) - k)

    def closer(self) -> _Contest:
        """Return the same contest with every panel cut in two."""
        middle = (self.edge[1:] + self.edge[:-1]) / 2.0
        return replace(self, edge=np.sort(np.concatenate([self.edge, middle])))

    @cached_property
    def _node(self) -> Array:
        middle, half = (self.edge[1:] + self.edge[:-1]) / 2.0, np.diff(self.edge) / 2.0
        node: Array = (middle[:, None] + half[:, None] * _rule()[0]).ravel()
        return node

    def _distributions(self) -> tuple[Array, Array, float]:
        """Return the mass and the chance to be above of each drawn candidate at each node.

        What a distribution still lacks of 1 is put into the panel in which it ends. That matters
        only where others have mass in there; the third result says how much.
        """
        _, weight, integral = _rule()
        panels, rows = len(self.edge) - 1, np.arange(len(self.alpha))
        density = self._density() * np.repeat(np.diff(self.edge) / 2.0, _NODES)
        mass = (density.reshape(-1, _NODES) @ weight).reshape(-1, panels)
        begin = distribution(self.alpha, self.beta, self.edge[0] - self.log_scale)
        lacking = 1.0 - begin - mass.sum(axis=1)
        last = np.clip(np.searchsorted(self.edge, self.log_scale) - 1, 0, panels - 1)
        ends = mass[rows, last]
        factor = np.where(
            ends > 0.0, np.maximum(ends + lacking, 0.0) / np.maximum(ends, 1e-300), 1.0
        )
        by_panel = density.reshape(-1, panels, _NODES)
        by_panel[rows, last] *= factor[:, None]
        mass[rows, last] *= factor
        others = mass[:, last].sum(axis=0) - mass[rows, last]
        before = begin[:, None] + np.cumsum(mass, axis=1) - mass
        within = (by_panel.reshape(-1, _NODES) @ integral.T).reshape(by_panel.shape)
        above = np.clip(1.0 - before[:, :, None] - within, 0.0, 1.0)
        masses = (by_panel * weight).reshape(len(rows), -1)
        return masses, above.reshape(masses.shape), float((np.abs(lacking) * others).sum())

    def _density(self) -> Array:
        """Return the density of each drawn log priority at each node."""
        short = self.log_scale[:, None] - self._node
        rest = -np.expm1(-np.maximum(short, -1.0))
        inside = rest > 0.0
        exponent = (
            (self.beta - 1.0)[:, None] * np.log(np.where(inside, rest, 1.0))
            - self.alpha[:, None] * short
            - special.betaln(self.alpha, self.beta)[:, None]
        )
        density: Array = np.exp(np.where(inside, exponent, -np.inf))
        return density

    def _above_the_sure(self) -> tuple[Array, Array]:
        """Return who is above each sure candidate: of the drawn by chance, of the sure or not."""
        reached = self.at - self.log_scale[:, None]
        drawn = 1.0 - distribution(self.alpha[:, None], self.beta[:, None], reached)
        before = np.arange(len(self.at))[:, None] < np.arange(len(self.at))
        higher = self.at[:, None] > self.at
        equal = self.at[:, None] == self.at
        return drawn, (higher | (equal & before)).astype(np.float64)


def _fewer_than(k: int, above: Array) -> Array:
    """Return the chance that fewer than k of the other rows are above, shape (rows, nodes).

    Counts are kept up to k - 1, over the rows before each and over those behind it.
    """
    rows, nodes = above.shape
    both = np.stack([above, above[::-1]], axis=1)[:, :, None]
    counts = np.zeros((rows + 1, 2, k, nodes))
    counts[0, :, 0] = 1.0
    moved = np.empty((2, k, nodes))
    for row in range(rows):
        np.multiply(counts[row], both[row], out=moved)
        np.subtract(counts[row], moved, out=counts[row + 1])
        counts[row + 1, :, 1:] += moved[:, :-1]
    before, at_most = counts[:rows, 0], counts[rows - 1 :: -1, 1]
    for count in range(1, k):
        at_most[:, count] += at_most[:, count - 1]
    fewer: Array = np.einsum("rkn,rkn->rn", before, at_most[:, ::-1])
    return fewer


@cache
def _rule() -> tuple[Array, Array, Array]:
    """Return Gauss-Legendre nodes and weights on [-1, 1], and a matrix that integrates up to each.

    The matrix is of shape (nodes, nodes): values at the nodes -> integrals from -1 to each node.
    """
    node, weight = legendre.leggauss(_NODES)
    to_series = np.linalg.inv(legendre.legvander(node, _NODES - 1))
    integrals = [legendre.legval(node, legendre.legint(one, lbnd=-1)) for one in to_series.T]
    return node, weight, np.stack(integrals, axis=1)
