"""The order that is really used: now and then not the one that looks best, with its probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from decisioning.arbitration.file import Exploration
from decisioning.arbitration.mechanisms import Chances, Select, mechanism_of
from decisioning.arbitration.priority import (
    Array,
    Factors,
    Index,
    Switches,
    Verdicts,
    priorities,
    rank,
)

LEAST_PROBABILITY = 1e-12
"""What was returned had at least this probability."""


class Explored(NamedTuple):
    """The drawn order of the candidates, and what is known about the draw.

    Attributes
    ----------
    order : shape (rows,), positions of all candidates, best first.
    returned : shape (returned,), positions of those that are returned of it, best first.
    explored : shape (rows,), which are returned in a better place than without exploration, or
        only because of it.
    probability : shape (rows,), how likely each is returned, in whatever place.
    error : shape (rows,), standard error of an estimated probability; 0 of an exact one.
    """

    order: Index
    returned: Index
    explored: Verdicts
    probability: Array
    error: Array


def explore(
    action_ids: Sequence[str],
    factors: Factors,
    switches: Switches,
    evidence: Array,
    mandatory: Verdicts,
    exploration: Exploration,
    seed: int,
    k: int,
    select: Select | None = None,
    fixed: Verdicts | None = None,
) -> Explored:
    """Draw the order of candidates; the same seed always draws the same, whatever their order.

    Reported factors stay what they are: only the order is drawn. Mandatory candidates come first
    and are never moved. With the factor propensity switched off, `evidence` draws nothing.

    Parameters
    ----------
    factors, evidence, mandatory, fixed : of shape (rows,).
    seed : at least 0; `seed_of` makes one from the id of a decision request.
    k : how many are returned where `select` does not say it.
    select : from a whole order to the positions returned, for limits of an answer; it must give
        the same for the same order. Without it the first k are returned, and probabilities are
        exact within 1e-6. With it those of `evidence` and `epsilon` are estimated.
    fixed : which propensities are given and not drawn.

    >>> even = Factors(np.array([0.4, 0.2]), np.ones(2), np.ones(2), np.ones(2))
    >>> sometimes = Exploration(kind="epsilon", epsilon=0.5)
    >>> drawn = explore(
    ...     ("a", "b"), even, Switches(), np.ones(2), np.zeros(2, dtype=bool), sometimes, 7, 1
    ... )
    >>> drawn.probability.tolist()
    [0.75, 0.25]
    """
    cut = select or (lambda order: order[:k])
    greedy = rank(action_ids, priorities(factors, switches), factors.propensity, mandatory)
    best = cut(greedy)
    rows, first = len(greedy), int(mandatory.sum())
    if exploration.kind == "none" or rows - first < 2:
        return certain(greedy, best)
    mechanism = mechanism_of(
        exploration, action_ids, factors, switches, evidence, fixed, greedy[:first], greedy[first:]
    )
    order = mechanism.draw(seed)
    returned = cut(order)
    chances = mechanism.top(k) if select is None else None
    if chances is None:
        chances = mechanism.estimate(cut, order, seed, exploration.draws)
    return _explored(order, returned, best, chances)


def certain(order: Index, returned: Index) -> Explored:
    """Return what is known where nothing is left to chance."""
    rows = len(order)
    probability = np.zeros(rows)
    probability[returned] = 1.0
    return Explored(order, returned, np.zeros(rows, dtype=bool), probability, np.zeros(rows))


def _explored(order: Index, returned: Index, best: Index, chances: Chances) -> Explored:
    rows = len(order)
    place = np.full(rows, rows)
    usual = np.full(rows, rows)
    place[returned] = np.arange(len(returned))
    usual[best] = np.arange(len(best))
    probability = chances.probability.copy()
    probability[returned] = np.maximum(probability[returned], LEAST_PROBABILITY)
    return Explored(order, returned, place < usual, probability, chances.error)
