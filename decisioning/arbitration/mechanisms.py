"""The ways to explore: what order a seed draws, and how likely each candidate is returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from decisioning.arbitration.beliefs import Beliefs, beliefs_of
from decisioning.arbitration.chance import uniform_of
from decisioning.arbitration.file import Exploration
from decisioning.arbitration.priority import Array, Factors, Index, Switches, Verdicts
from decisioning.arbitration.top_chances import top_chances

Select = Callable[[Index], Index]
"""From a whole order, best first, to the positions that are returned of it."""


class Chances(NamedTuple):
    """How likely each candidate is returned, each of shape (rows,).

    Attributes
    ----------
    error : standard error of an estimate; 0 where the probability is exact.
    """

    probability: Array
    error: Array


class Mechanism(Protocol):
    """One way to explore; orders are positions of all rows, best first."""

    def draw(self, seed: int) -> Index:
        """Return the order that a seed draws."""
        ...

    def top(self, k: int) -> Chances | None:
        """Return exactly how likely each is among the first k; None where that is too hard."""
        ...

    def estimate(self, select: Select, drawn: Index, seed: int, draws: int) -> Chances:
        """Return how likely each is returned through `select`, from a number of other draws.

        Parameters
        ----------
        drawn : the order that was drawn; it counts as one more draw.
        """
        ...


@dataclass(frozen=True)
class ByEvidence:
    """Every propensity is drawn from what is believed of it.

    Attributes
    ----------
    first : mandatory rows, which keep their place.
    row : shape (rows that may move,), where each row of the beliefs stands.
    """

    beliefs: Beliefs
    first: Index
    row: Index

    def draw(self, seed: int) -> Index:
        """Return the order of the drawn priorities."""
        order = np.argsort(-self.beliefs.drawn(seed), kind="stable")
        return np.concatenate([self.first, self.row[order]])

    def top(self, k: int) -> Chances | None:
        """Return the chances by integration."""
        free = k - len(self.first)
        if free <= 0:
            return _certain(len(self.first) + len(self.row), self.first[:k])
        moving = top_chances(self.beliefs, free)
        if moving is None:
            return None
        probability = np.ones(len(self.first) + len(self.row))
        probability[self.row] = moving
        return Chances(probability, np.zeros(len(probability)))

    def estimate(self, select: Select, drawn: Index, seed: int, draws: int) -> Chances:
        """Return the shares of draws."""
        drawn_often = self.beliefs.drawn_often(seed, draws)
        orders = self.row[np.argsort(-drawn_often, axis=1, kind="stable")]
        return _shares(select, self.first, orders, drawn)


@dataclass(frozen=True)
class WholeOrder:
    """With probability epsilon the order is random, otherwise it is the greedy one.

    Attributes
    ----------
    row : rows that may move, best first.
    action_ids : of all rows.
    """

    epsilon: float
    action_ids: Sequence[str]
    first: Index
    row: Index

    def draw(self, seed: int) -> Index:
        """Return a random order or the greedy one."""
        if uniform_of(str(seed), "epsilon") >= self.epsilon:
            return self._greedy
        lot = [uniform_of(str(seed), "order", self.action_ids[row]) for row in self.row]
        return np.concatenate([self.first, self.row[np.argsort(lot, kind="stable")]])

    def top(self, k: int) -> Chances | None:
        """Return (1 - epsilon) x greedy + epsilon x an equal share of the places."""
        free = min(max(k - len(self.first), 0), len(self.row))
        probability = _certain(len(self._greedy), self._greedy[:k]).probability
        if len(self.row):
            kept = (1.0 - self.epsilon) * probability[self.row]
            probability[self.row] = kept + self.epsilon * free / len(self.row)
        return Chances(probability, np.zeros(len(probability)))

    def estimate(self, select: Select, drawn: Index, seed: int, draws: int) -> Chances:
        """Return the exact greedy part and an estimate of the random one."""
        dice = np.random.Generator(np.random.PCG64(seed))
        orders = dice.permuted(np.tile(self._by_id, (draws, 1)), axis=1)
        own = None if np.array_equal(drawn, self._greedy) else drawn
        random = _shares(select, self.first, orders, own)
        greedy = _certain(len(self._greedy), select(self._greedy)).probability
        return Chances(
            (1.0 - self.epsilon) * greedy + self.epsilon * random.probability,
            self.epsilon * random.error,
        )

    @property
    def _greedy(self) -> Index:
        return np.concatenate([self.first, self.row])

    @property
    def _by_id(self) -> Index:
        names = [self.action_ids[row] for row in self.row]
        return self.row[np.argsort(names, kind="stable")]


@dataclass(frozen=True)
class FirstPlace:
    """With probability epsilon any one takes the first place, all alike; the others follow.

    Attributes
    ----------
    row : rows that may move, best first.
    action_ids : of all rows.
    """

    epsilon: float
    action_ids: Sequence[str]
    first: Index
    row: Index

    def draw(self, seed: int) -> Index:
        """Return the greedy order, perhaps with another one in front."""
        if uniform_of(str(seed), "epsilon") >= self.epsilon or not len(self.row):
            return np.concatenate([self.first, self.row])
        lot = [uniform_of(str(seed), "first", self.action_ids[row]) for row in self.row]
        return self._led_by(int(np.argmin(lot)))

    def top(self, k: int) -> Chances | None:
        """Return the chances: the last of the free places goes to whoever comes first instead."""
        rows, movable = len(self.first) + len(self.row), len(self.row)
        free = min(k - len(self.first), movable)
        probability = _certain(rows, self.first[:k]).probability
        if free > 0:
            probability[self.row] = self.epsilon / movable
            probability[self.row[: free - 1]] = 1.0
            probability[self.row[free - 1]] = 1.0 - self.epsilon * (1.0 - free / movable)
        return Chances(probability, np.zeros(rows))

    def estimate(self, select: Select, drawn: Index, seed: int, draws: int) -> Chances:
        """Return the chances over all that may come first: exact, and no draw is needed."""
        return self._over_all(select)

    def _over_all(self, select: Select) -> Chances:
        rows = len(self.first) + len(self.row)
        greedy = np.concatenate([self.first, self.row])
        usual = _certain(rows, select(greedy)).probability
        returned = np.zeros(rows)
        for leader in range(len(self.row)):
            returned[select(self._led_by(leader))] += 1.0
        led = returned / len(self.row) if len(self.row) else usual
        return Chances(usual + self.epsilon * (led - usual), np.zeros(rows))

    def _led_by(self, leader: int) -> Index:
        others = np.delete(self.row, leader)
        return np.concatenate([self.first, self.row[leader : leader + 1], others])


def mechanism_of(
    exploration: Exploration,
    action_ids: Sequence[str],
    factors: Factors,
    switches: Switches,
    evidence: Array,
    fixed: Verdicts | None,
    first: Index,
    row: Index,
) -> Mechanism:
    """Return the way to explore that a channel has chosen, for some candidates.

    Parameters
    ----------
    action_ids, factors, evidence, fixed : of all rows.
    first : mandatory rows, which keep their place.
    row : the other rows, best first.
    """
    if exploration.kind == "evidence":
        beliefs, place = beliefs_of(
            [action_ids[one] for one in row],
            factors.of(row),
            switches,
            evidence[row],
            None if fixed is None else fixed[row],
        )
        return ByEvidence(beliefs, first, row[place])
    epsilon = exploration.epsilon or 0.0
    kind = WholeOrder if exploration.kind == "epsilon" else FirstPlace
    return kind(epsilon, action_ids, first, row)


def _certain(rows: int, returned: Index) -> Chances:
    probability = np.zeros(rows)
    probability[returned] = 1.0
    return Chances(probability, np.zeros(rows))


def _shares(select: Select, first: Index, orders: Index, own: Index | None) -> Chances:
    """Return in how many of the orders each row is returned.

    Parameters
    ----------
    orders : shape (draws, rows that move).
    own : an order more, so that what was really drawn never has the probability 0.
    """
    rows = len(first) + orders.shape[1]
    counted = np.zeros(rows)
    known: dict[bytes, Index] = {}
    for moving in orders:
        key = moving.tobytes()
        if key not in known:
            known[key] = select(np.concatenate([first, moving]))
        counted[known[key]] += 1.0
    if own is not None:
        counted[select(own)] += 1.0
    draws = len(orders) + (own is not None)
    share = counted / draws
    return Chances(share, np.sqrt(share * (1.0 - share) / draws))
