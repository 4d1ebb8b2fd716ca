"""The policies of all tiers, compiled: which of them turns down which candidate first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import get_args

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from decisioning.expressions import Condition, Reader, RowConditions, Rows, Vocabulary
from decisioning.gone import Grounds
from decisioning.history import History
from decisioning.local_time import LocalTime
from decisioning.policies.policy import TIERS, Policy
from decisioning.policies.policy_file import PolicyFile
from decisioning.policies.policy_group import Asked, Judged, PolicyGroup
from decisioning.request import Channel, DecisionRequest, Direction
from features.calendar import Calendar

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


class PolicyBook:
    """All enabled policies, for one catalog.

    Attributes
    ----------
    policies : in the order in which they are asked: by tier, then as they are written.
    grounds : why each turns a row down, one after the other for each code of `Judged`.

    Raises
    ------
    PolicyError : a policy cannot be used with the catalog.
    """

    def __init__(self, file: PolicyFile, catalog: Catalog, calendar: Calendar) -> None:
        self.version = file.version
        enabled = [one for one in file.policies if one.enabled]
        self.policies: tuple[Policy, ...] = tuple(
            sorted(enabled, key=lambda one: TIERS.index(one.tier))
        )
        self.grounds = tuple(
            Grounds(one.tier, one.tier, one.id, reason)
            for one in self.policies
            for reason in (one.reason, "value_missing", "policy_error")
        )
        self._zone = calendar.zone
        self._groups = _groups(self.policies, catalog)

    def judge(
        self,
        request: DecisionRequest,
        columns: Mapping[str, Array],
        action: Index,
        alive: Verdicts,
        now: datetime,
        history: History | None = None,
    ) -> Judged | None:
        """Return which policy turns each row down first; None where none turns any down.

        Parameters
        ----------
        columns : features of the rows by name, NaN for missing.
        action : shape (rows,), positions of the actions.
        alive : shape (rows,), which rows are asked about; no policy fails for the others.
        history : only the customer's time zone is read of it.
        """
        group = self._groups[request.channel, request.direction]
        zone = None if history is None else history.time_zone
        local = partial(LocalTime.at, now, zone, self._zone)
        return group.judge(Asked(Rows(columns, action, request, local), alive))


def _groups(
    policies: tuple[Policy, ...], catalog: Catalog
) -> dict[tuple[Channel, Direction], PolicyGroup]:
    """Return the policies that count on each channel in each direction, ready to be asked."""
    vocabulary = Vocabulary.of(catalog.ordered)
    conditions = [one.compiled(vocabulary, f"policies.{one.id}.when") for one in policies]
    applies = np.zeros((len(policies), len(catalog.ordered)), dtype=bool)
    folded: dict[int, Index] = {}
    for at, (policy, condition) in enumerate(zip(policies, conditions, strict=True)):
        applies[at] = policy.concerns.mask(catalog)
        if condition.constant:
            folded[at] = _fold(condition, vocabulary)
    at_once = RowConditions(conditions, vocabulary)
    made: dict[tuple[int, ...], PolicyGroup] = {}
    groups = {}
    for channel in get_args(Channel):
        for direction in get_args(Direction):
            counted = tuple(
                at for at, one in enumerate(policies) if one.counts_for(channel, direction)
            )
            if counted not in made:
                made[counted] = PolicyGroup(
                    counted, conditions, at_once, applies, folded, vocabulary
                )
            groups[channel, direction] = made[counted]
    return groups


def _fold(condition: Condition, vocabulary: Vocabulary) -> Index:
    """Return what a condition about nothing but the action says of each, shape (actions,)."""
    reader = Reader(vocabulary, condition.names)
    actions = range(len(vocabulary.facts))
    said = [condition.judge(reader.bind(reader.row({}, 0, position))) for position in actions]
    return np.array(said, dtype=np.int64)
