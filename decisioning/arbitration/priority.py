"""Which of the eligible actions goes first: one formula, one order, every factor kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


class Factors(NamedTuple):
    """What the priority of each candidate is made of, each of shape (rows,).

    Attributes
    ----------
    propensity : probability in [0, 1].
    context_weight, lever : 1.0 where nobody has said otherwise.
    value : at least 0.
    """

    propensity: Array
    context_weight: Array
    value: Array
    lever: Array

    def of(self, rows: Index) -> Factors:
        """Return the factors of some rows, in their order."""
        return Factors(
            self.propensity[rows], self.context_weight[rows], self.value[rows], self.lever[rows]
        )


class Switches(NamedTuple):
    """Which of the `Factors` count, in their order; one that is switched off counts as 1."""

    propensity: bool = True
    context_weight: bool = True
    value: bool = True
    lever: bool = True


def priorities(factors: Factors, switches: Switches) -> Array:
    """Return propensity x context weight x value x lever of each candidate, shape (rows,).

    >>> half = Factors(np.array([0.5]), np.ones(1), np.array([8.0]), np.ones(1))
    >>> priorities(half, Switches()), priorities(half, Switches(value=False))
    (array([4.]), array([0.5]))
    """
    if all(switches):
        return factors.propensity * factors.context_weight * factors.value * factors.lever
    counted = [factor for factor, counts in zip(factors, switches, strict=True) if counts]
    return reduce(mul, counted) if counted else np.ones_like(factors.propensity)


def rank(
    action_ids: Sequence[str] | None,
    priority: Array,
    propensity: Array,
    mandatory: Verdicts | None = None,
) -> Index:
    """Return the positions of the candidates, best first.

    What is mandatory comes first. Then by priority, then propensity, both falling, then by action
    id: the order does not depend on the one the candidates came in.

    Parameters
    ----------
    action_ids : None where the candidates come in the order of their ids.

    >>> rank(("b", "a", "c"), np.array([1.0, 1.0, 2.0]), np.array([0.5, 0.5, 0.1])).tolist()
    [2, 1, 0]
    >>> must = np.array([True, False, False])
    >>> rank(("b", "a", "c"), np.array([1.0, 1.0, 2.0]), np.full(3, 0.5), must).tolist()
    [0, 2, 1]
    """
    keys: list[npt.NDArray[np.generic]] = [-propensity, -priority]
    if action_ids is not None:
        keys.insert(0, np.asarray(action_ids))
    if mandatory is not None and np.count_nonzero(mandatory):
        keys.append(~mandatory)
    order: Index = np.lexsort(keys)
    return order
