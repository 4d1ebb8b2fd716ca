"""An arbitration.yaml made ready for decisions: everything that does not depend on the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from decisioning.action import Action
from decisioning.arbitration.chance import uniform_of
from decisioning.arbitration.check import check_names, lever_parts, may_be_withheld
from decisioning.arbitration.control import ControlGroup
from decisioning.arbitration.file import (
    ArbitrationFile,
    ContextWeight,
    Diversity,
    Exploration,
    Minimum,
)
from decisioning.arbitration.priority import Array, Index, Switches, Verdicts
from decisioning.catalog import Catalog
from decisioning.request import Channel, ContextEntry, Direction

LEAST_CONTEXT_WEIGHT = 0.01
"""What facts of the moment leave of an action at least, however many speak against it."""

_NO_EXPLORATION = Exploration()
_Fact = tuple[str, str, str]


class Control(NamedTuple):
    """What control groups do to the candidates of one customer.

    Attributes
    ----------
    withheld : shape (rows,), which are not for this customer.
    group : the first active control group in the file that the customer is in, whether it
        withholds a candidate or not; None for most customers.
    """

    withheld: Verdicts
    group: str | None


@dataclass(frozen=True)
class ArbitrationBook:
    """Levers, weights, thresholds, exploration and control groups over the actions of a catalog.

    Arrays of shape (actions,) are in the order of `Catalog.action_ids`; `action` arguments are
    positions in them, shape (rows,).
    """

    file: ArbitrationFile
    catalog: Catalog

    def __post_init__(self) -> None:
        check_names(self.file, self.catalog)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with the file."""
        return self.file.version

    @cached_property
    def switches(self) -> Switches:
        """Which factors count."""
        return Switches(**self.file.factors.model_dump())

    @cached_property
    def lever(self) -> Array:
        """1 + the percents of issue, group and action / 100, above 0, shape (actions,)."""
        percents = [
            sum(lever_parts(self.file.levers, action).values()) for action in self.catalog.ordered
        ]
        return _kept(1.0 + np.array(percents, dtype=np.float64) / 100.0)

    def context_weights(self, contexts: Sequence[ContextEntry]) -> Array:
        """Return 1 + the percents of all facts that hold / 100, at least 0.01, shape (actions,).

        A fact that is there twice counts once.
        """
        facts = {(entry.type, entry.key, entry.value) for entry in contexts}
        held = sorted(facts & self._added_by_fact.keys())
        if not held:
            return self._ones
        total = np.sum([self._added_by_fact[fact] for fact in held], axis=0)
        weights: Array = np.maximum(1.0 + total, LEAST_CONTEXT_WEIGHT)
        return weights

    @cached_property
    def has_thresholds(self) -> bool:
        """Whether any action can be below a threshold."""
        return bool((self.minimum_propensity > 0.0).any() or (self.minimum_priority > 0.0).any())

    @cached_property
    def minimum_propensity(self) -> Array:
        """The least propensity of each action, shape (actions,)."""
        return self._minimum(self.file.thresholds.propensity)

    @cached_property
    def minimum_priority(self) -> Array:
        """The least priority of each action, shape (actions,)."""
        return self._minimum(self.file.thresholds.priority)

    def smoothed(self, propensity: Array, evidence: Array, action: Index) -> Array:
        """Return what to believe of each row, given what the model says, shape (rows,).

        start evidence / (start evidence + evidence + 1) x start propensity
        + evidence / (start evidence + evidence + 1) x propensity; as given without smoothing.
        """
        smoothing = self.file.smoothing
        if smoothing is None:
            return propensity
        start, total = smoothing.start_evidence, smoothing.start_evidence + evidence + 1.0
        believed: Array = (
            start / total * self._start_propensity[action] + evidence / total * propensity
        )
        return believed

    def reach(
        self, evidence: Array, action: Index, customer_id: str | None, direction: Direction
    ) -> Verdicts:
        """Tell which rows are let out to a customer, shape (rows,); the others are too young.

        A customer whom one evidence reaches is reached by any greater one. Nobody recognised is
        reached by nothing that is still held back.
        """
        ramp = self.file.ramp
        if ramp is None or direction not in ramp.directions:
            return np.ones(len(action), dtype=bool)
        grown = np.minimum(np.nan_to_num(evidence) / ramp.positives, 1.0)
        share = np.where(self._ramped[action], ramp.floor + (1.0 - ramp.floor) * grown, 1.0)
        reached: Verdicts = share >= 1.0
        if customer_id is not None:
            for row in np.flatnonzero(~reached):
                name = self.catalog.action_ids[action[row]]
                reached[row] = uniform_of("ramp", name, customer_id) < share[row]
        return reached

    @property
    def diversity(self) -> Diversity:
        """How many of a kind one answer may hold."""
        return self.file.diversity

    @cached_property
    def diverse(self) -> bool:
        """Whether an answer holds only so many of a kind."""
        return self.diversity.per_group is not None or self.diversity.per_issue is not None

    def exploration_for(self, channel: Channel) -> Exploration:
        """Return how a channel explores; not at all where the file does not say it."""
        return self.file.exploration.get(channel, _NO_EXPLORATION)

    def control(
        self, customer_id: str | None, now: datetime, action: Index | None = None
    ) -> Control:
        """Return what a customer goes without at an aware time.

        Parameters
        ----------
        action : None for every action of the catalog.
        """
        rows = np.arange(len(self.catalog.ordered)) if action is None else action
        groups = self.control_groups_of(customer_id, now)
        withheld = np.zeros(len(rows), dtype=bool)
        for group in groups:
            withheld |= self._withheld_by[group.id][rows]
        return Control(withheld, groups[0].id if groups else None)

    def control_groups_of(self, customer_id: str | None, now: datetime) -> tuple[ControlGroup, ...]:
        """Return every active control group that a customer is in, in the order of the file."""
        return tuple(
            group
            for group in self.file.control_groups
            if group.is_active(now) and group.has(customer_id)
        )

    def withheld_by(self, group: ControlGroup) -> Verdicts:
        """Tell which actions a control group goes without, shape (actions,)."""
        return self._withheld_by[group.id]

    @cached_property
    def _ones(self) -> Array:
        return _kept(np.ones(len(self.catalog.ordered)))

    @cached_property
    def _added_by_fact(self) -> dict[_Fact, Array]:
        added: dict[_Fact, Array] = {}
        for weight in self.file.context_weights:
            applies = np.array([_is_for(weight, action) for action in self.catalog.ordered])
            fact = (weight.type, weight.key, weight.value)
            added[fact] = added.get(fact, 0.0) + applies * weight.weight / 100.0
        return added

    def _minimum(self, minimum: Minimum) -> Array:
        least = [
            minimum.groups.get(action.group, minimum.issues.get(action.issue, minimum.everywhere))
            for action in self.catalog.ordered
        ]
        return _kept(np.array(least, dtype=np.float64))

    @cached_property
    def _start_propensity(self) -> Array:
        smoothing = self.file.smoothing
        if smoothing is None:
            return self._ones
        start = [
            smoothing.actions.get(
                action.id, smoothing.groups.get(action.group, smoothing.start_propensity)
            )
            for action in self.catalog.ordered
        ]
        return _kept(np.array(start, dtype=np.float64))

    @cached_property
    def _ramped(self) -> Verdicts:
        return np.array(
            [may_be_withheld(one) and one.propensity is None for one in self.catalog.ordered]
        )

    @cached_property
    def _withheld_by(self) -> Mapping[str, Verdicts]:
        return {
            group.id: np.array(
                [group.scope.holds(one) and may_be_withheld(one) for one in self.catalog.ordered]
            )
            for group in self.file.control_groups
        }


def evidence_of(evidence: Mapping[str, float], catalog: Catalog) -> Array:
    """Return the evidence of each action, shape (actions,); 0 for those the model has not seen."""
    return np.array([float(evidence.get(name, 0.0)) for name in catalog.action_ids])


def _is_for(weight: ContextWeight, action: Action) -> bool:
    return (
        weight.issue == action.issue or weight.group == action.group or weight.action == action.id
    )


def _kept(array: Array) -> Array:
    """Return an array that no decision can change for the next one."""
    array.flags.writeable = False
    return array
