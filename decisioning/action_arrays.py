"""What the catalog says of its actions as arrays: computed once, looked up in every decision."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import inf
from typing import get_args

import numpy as np

from decisioning.action import Action, Purpose
from decisioning.decision import Treatment
from decisioning.placements import TIME_TO_LIVE_MINUTES, Placement
from decisioning.request import Channel, Language
from decisioning.rules import Array, Index, Verdicts
from decisioning.treatments import CHANNELS, LANGUAGES

PURPOSES: tuple[str, ...] = get_args(Purpose)
"""The purposes; an array of purposes holds positions in here."""

Said = Callable[[str, Channel, Language], Treatment | None]
"""How an action is said on a channel in a language."""


@dataclass(frozen=True)
class ActionArrays:
    """One entry per action, in the order of `Catalog.ordered`; each of shape (actions,).

    Attributes
    ----------
    starts, ends : validity in seconds since 1970, UTC; -inf and inf where it is open.
    significant : whether an advisor has to confirm it.
    fixed_propensity : NaN where the model decides.
    purpose : positions in `PURPOSES`.
    group_of, issue_of : positions in `groups` and `issues`.
    window_days : how long after it was shown an outcome counts.
    """

    starts: Array
    ends: Array
    enabled: Verdicts
    mandatory: Verdicts
    significant: Verdicts
    fixed_propensity: Array
    cost: Array
    purpose: Index
    groups: tuple[str, ...]
    issues: tuple[str, ...]
    group_of: Index
    issue_of: Index
    window_days: Array
    placements: Mapping[str, Placement]
    _said: Mapping[tuple[str, str], Verdicts]
    _fits: Mapping[str, Verdicts]
    _unbound: Verdicts

    @cached_property
    def predicted(self) -> Verdicts:
        """Which propensities are not fixed."""
        return np.isnan(self.fixed_propensity)

    def said_on(self, channel: Channel, language: Language) -> Verdicts:
        """Tell which actions have a text on a channel in a language."""
        return self._said[channel, language]

    def offered_at(self, at: float, channel: Channel, language: Language) -> Verdicts:
        """Tell which actions are enabled, in force and have a text, at a time in seconds."""
        offered = self._offered[channel, language]
        first, last = self._all_in_force
        return offered if first <= at < last else offered & (self.starts <= at) & (at < self.ends)

    @cached_property
    def _offered(self) -> Mapping[tuple[str, str], Verdicts]:
        """By channel and language, which are enabled and have a text."""
        return {key: self.enabled & said for key, said in self._said.items()}

    @cached_property
    def _all_in_force(self) -> tuple[float, float]:
        """From and until when every action is in force."""
        return float(self.starts.max(initial=-np.inf)), float(self.ends.min(initial=np.inf))

    def in_force_since(self, at: float) -> float:
        """Return since when just the actions are in force that are in force at a time.

        Both in seconds since 1970; -inf where nothing has begun or ended before.
        """
        before = bisect_right(self._changes, at)
        return self._changes[before - 1] if before else -inf

    @cached_property
    def _changes(self) -> list[float]:
        """When actions begin or end to be in force."""
        return sorted({*self.starts.tolist(), *self.ends.tolist()} - {-inf, inf})

    def fits(self, placement: str) -> Verdicts:
        """Tell which actions may fill a placement: those with a text for it on its channel.

        Into one that the catalog does not have, what may fill any on at least one channel.
        """
        return self._fits.get(placement, self._unbound)

    def slots(self, placement: str) -> int:
        """Return how many actions a placement takes; one that the catalog does not have, one."""
        known = self.placements.get(placement)
        return 1 if known is None else known.slots

    def time_to_live_s(self, placement: str | None) -> float:
        """Return for how many seconds an answer keeps its place without having been presented."""
        known = self.placements.get(placement) if placement else None
        return 60.0 * TIME_TO_LIVE_MINUTES if known is None else known.time_to_live_s


def arrays_of(
    actions: tuple[Action, ...], placements: Iterable[Placement], said: Said
) -> ActionArrays:
    """Return the arrays of some actions in their order."""
    known = {placement.id: placement for placement in placements}
    groups, group_of = _codes([action.group for action in actions])
    issues, issue_of = _codes([action.issue for action in actions])
    ids = [action.id for action in actions]
    return ActionArrays(
        starts=np.array([_seconds(action.valid_from, -np.inf) for action in actions]),
        ends=np.array([_seconds(action.valid_to, np.inf) for action in actions]),
        enabled=np.array([action.enabled for action in actions], dtype=bool),
        mandatory=np.array([action.mandatory for action in actions], dtype=bool),
        significant=np.array([action.impact == "significant" for action in actions], dtype=bool),
        fixed_propensity=np.array(
            [np.nan if action.propensity is None else action.propensity for action in actions]
        ),
        cost=np.array([action.cost for action in actions], dtype=np.float64),
        purpose=np.array([PURPOSES.index(action.purpose) for action in actions], dtype=np.int64),
        groups=groups,
        issues=issues,
        group_of=group_of,
        issue_of=issue_of,
        window_days=np.array([action.response_window_days for action in actions], dtype=np.float64),
        placements=known,
        _said={
            (channel, language): np.array([said(one, channel, language) is not None for one in ids])
            for channel in CHANNELS
            for language in LANGUAGES
        },
        _fits={
            place.id: np.array([_may_fill(said(one, place.channel, "en"), place.id) for one in ids])
            for place in known.values()
        },
        _unbound=np.array(
            [any(_may_fill(said(one, channel, "en"), "") for channel in CHANNELS) for one in ids]
        ),
    )


def _may_fill(treatment: Treatment | None, placement: str) -> bool:
    return treatment is not None and (not treatment.placements or placement in treatment.placements)


def _codes(names: list[str]) -> tuple[tuple[str, ...], Index]:
    """Return the different names in order, and the position of each entry's name among them."""
    different, code = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    return tuple(str(name) for name in different), code.astype(np.int64)


def _seconds(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else moment.timestamp()
