"""What is returned over many seeds is returned as often as the stated probabilities say."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import stats

from decisioning.arbitration import Exploration, Factors, Switches, explore
from decisioning.arbitration.mechanisms import mechanism_of
from decisioning.arbitration.priority import priorities, rank

SEEDS = 20_000
LEAST_P_VALUE = 1e-4
IDS = ("beef", "coffee", "eggs", "soap", "tea", "yogurt", "zwieback")
FACTORS = Factors(
    propensity=np.array([0.30, 0.22, 0.25, 0.10, 0.28, 0.05, 0.2]),
    context_weight=np.array([1.0, 1.0, 1.2, 1.0, 1.0, 1.0, 0.5]),
    value=np.array([1.0, 1.5, 1.0, 2.0, 1.0, 4.0, 1.0]),
    lever=np.array([1.0, 1.0, 1.0, 1.3, 1.0, 1.0, 1.0]),
)
EVIDENCE = np.array([20.0, 5.0, 0.0, 300.0, 60.0, 2.0, 0.0])
MANDATORY = np.array([False] * 6 + [True])
FREE = np.zeros(7, dtype=bool)
KINDS = (
    Exploration(kind="evidence", draws=40_000),
    Exploration(kind="epsilon", epsilon=0.4, draws=40_000),
    Exploration(kind="epsilon_first", epsilon=0.4),
)


def at_most_one_of_a_pair(order: np.ndarray) -> np.ndarray:
    """Three rows, of which no two are of the same pair: (0, 1), (2, 3), (4, 5), (6,)."""
    taken: dict[int, int] = {}
    for row in order.tolist():
        if len(taken) < 3:
            taken.setdefault(row // 2, row)
    return np.array(list(taken.values()))


@cache
def orders(kind: str, must: bool) -> tuple[np.ndarray, ...]:
    """The whole order of every seed."""
    exploration = next(one for one in KINDS if one.kind == kind)
    mandatory = MANDATORY if must else FREE
    order = rank(IDS, priorities(FACTORS, Switches()), FACTORS.propensity, mandatory)
    first = int(mandatory.sum())
    mechanism = mechanism_of(
        exploration, IDS, FACTORS, Switches(), EVIDENCE, None, order[:first], order[first:]
    )
    return tuple(mechanism.draw(seed) for seed in range(SEEDS))


def inclusions(kind: Exploration, must: bool, cut: Callable) -> np.ndarray:
    """Which rows each seed returns, shape (seeds, rows)."""
    returned = np.zeros((SEEDS, len(IDS)))
    for seed, order in enumerate(orders(kind.kind, must)):
        returned[seed, cut(order)] = 1.0
    return returned


def p_value(returned: np.ndarray, probability: np.ndarray, draws: float) -> float:
    """Of a chi-square test on all inclusions at once, which hang together.

    Parameters
    ----------
    draws : how many draws the probability is estimated from; infinite for an exact one.
    """
    off = returned.mean(axis=0) - probability
    spread = np.cov(returned.T) * (1.0 / len(returned) + 1.0 / draws)
    inverse = np.linalg.pinv(spread, rcond=1e-9, hermitian=True)
    freedom = np.linalg.matrix_rank(spread, tol=1e-9 * np.abs(spread).max(), hermitian=True)
    return float(stats.chi2.sf(off @ inverse @ off, freedom))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("must", [True, False], ids=["must", "free"])
@pytest.mark.parametrize("limited", [False, True], ids=["plain", "limited"])
def test_frequencies_are_the_stated_probabilities(
    kind: Exploration, must: bool, limited: bool
) -> None:
    select = at_most_one_of_a_pair if limited else None
    mandatory = MANDATORY if must else FREE
    stated = explore(
        IDS, FACTORS, Switches(), EVIDENCE, mandatory, kind, 10**9, 3, select
    ).probability
    returned = inclusions(kind, must, select or (lambda order: order[:3]))
    draws = kind.draws if limited and kind.kind != "epsilon_first" else np.inf
    assert p_value(returned, stated, draws) > LEAST_P_VALUE
    certain = np.isclose(stated, 1.0) | (stated == 0.0)
    assert returned[:, certain].mean(axis=0) == pytest.approx(stated[certain], abs=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_first_place_alone_falls_as_stated(kind: Exploration) -> None:
    stated = explore(IDS, FACTORS, Switches(), EVIDENCE, FREE, kind, 1, 1).probability
    counted = inclusions(kind, False, lambda order: order[:1]).sum(axis=0)
    assert stats.chisquare(counted, SEEDS * stated / stated.sum()).pvalue > LEAST_P_VALUE


def test_the_test_sees_a_probability_that_is_wrong() -> None:
    stated = explore(IDS, FACTORS, Switches(), EVIDENCE, FREE, KINDS[0], 1, 3).probability
    wrong = stated + np.array([0.02, -0.02, 0, 0, 0, 0, 0])
    returned = inclusions(KINDS[0], False, lambda order: order[:3])
    assert p_value(returned, wrong, np.inf) < LEAST_P_VALUE
