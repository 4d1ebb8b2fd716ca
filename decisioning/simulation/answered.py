"""What one configuration answered to every customer of a simulation, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.arbitration import Factors
from decisioning.catalog import Catalog
from decisioning.decision import STAGES, Stage

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]

LEFT = 0
"""As a verdict: nothing turned the action down."""
NO_ACTION = -1
"""As a first action: the default action, since nothing was left."""
SCREENING: tuple[Stage, ...] = STAGES[:-1]
"""The stages before arbitration: what passes them all is left to choose from."""


class Verdict(NamedTuple):
    """Why an action was turned down."""

    stage: Stage
    policy_id: str
    reason: str


@dataclass(frozen=True)
class Entries:
    """Every action that was left to a customer, one entry each, in no particular order.

    Attributes
    ----------
    customer, action : shape (entries,), positions in the audience and in the catalog.
    factors : of shape (entries,).
    """

    customer: Index
    action: Index
    factors: Factors


@dataclass(frozen=True)
class Answered:
    """All answers of one configuration.

    Attributes
    ----------
    first : shape (customers,), position of the first action in the catalog, or `NO_ACTION`.
    worth : shape (customers,), propensity x value of the first action; 0 for the default action.
    verdict : shape (customers, actions), `LEFT` or a position in `verdicts`.
    degraded : by code, how many decisions were taken without something.
    control_group, consent_assumed : how many decisions were about a customer of a control group,
        or took a missing consent for granted.
    """

    catalog: Catalog
    first: Index
    worth: Array
    verdict: Index
    verdicts: tuple[Verdict | None, ...]
    entries: Entries
    degraded: Mapping[str, int]
    control_group: int
    consent_assumed: int

    @property
    def customers(self) -> int:
        """How many customers were asked for."""
        return len(self.first)

    @property
    def left(self) -> Index:
        """How many actions were left to each customer, shape (customers,)."""
        counts: Index = (self.verdict == LEFT).sum(axis=1)
        return counts

    @property
    def best_propensity(self) -> Array:
        """The highest propensity of what was left to each, NaN for nothing, shape (customers,)."""
        best = np.full(self.customers, -np.inf)
        np.maximum.at(best, self.entries.customer, self.entries.factors.propensity)
        return np.where(np.isinf(best), np.nan, best)

    def id_of(self, position: int) -> str:
        """Return the id of a first action."""
        if position == NO_ACTION:
            return self.catalog.default_action.id
        return self.catalog.action_ids[position]

    @property
    def first_ids(self) -> list[str]:
        """The id of every first action."""
        return [self.id_of(position) for position in self.first.tolist()]

    def removed_at(self, stage: Stage) -> Index:
        """Return how many actions a stage before arbitration turned down, shape (customers,)."""
        here = [one is not None and one.stage == stage for one in self.verdicts]
        counts: Index = np.array(here)[self.verdict].sum(axis=1)
        return counts
