"""At most so many presentations to all customers together: contact policies and budgets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from decisioning.action import Budget
from decisioning.catalog import Catalog
from decisioning.policies.concerns import Entry
from decisioning.policies.contact_rules import ContactPolicy
from decisioning.policies.counted import Keys
from decisioning.policies.limits import Array, Checked, Index, Occasion, Verdicts, transactional
from decisioning.policies.words import REASONS
from decisioning.treatments import Words
from features.calendar import Calendar


@dataclass(frozen=True)
class VolumeLimit:
    """A limit on counts per business day.

    Attributes
    ----------
    applies : shape (actions,), which actions are counted and limited.
    most : shape (keys,), how many there may be; infinity for any number.
    days : how many business days with today are counted; None for all.
    same_channel : whether only the channel of the request is counted.
    policy : None for budgets, which count on every request.
    key_of : shape (actions,), with what each action is counted together; -1 where it is not.
    """

    id: str
    reason: str
    words: Words
    applies: Verdicts
    keys: Keys
    most: Array
    days: int | None
    same_channel: bool
    policy: ContactPolicy | None
    calendar: Calendar
    key_of: Index
    needs_history: bool = True
    takes_places: bool = True
    counts: tuple[str, ...] = ()
    contact_seconds: float = 0.0

    @classmethod
    def of(cls, policy: ContactPolicy, catalog: Catalog, calendar: Calendar) -> VolumeLimit:
        """Return the limit of a contact policy about everyone."""
        keys = Keys.of("all" if policy.per == "channel" else policy.per, catalog)
        applies = policy.concerns.mask(catalog) & ~transactional(catalog)
        return cls(
            id=policy.id,
            reason=policy.code,
            words=policy.words,
            applies=applies,
            keys=keys,
            most=np.full(keys.size, float(policy.at_most or 0)),
            days=policy.days,
            same_channel=policy.channel == "same",
            policy=policy,
            calendar=calendar,
            key_of=np.where(applies, keys.of_action, -1),
        )

    @property
    def entry(self) -> Entry | None:
        """What is written about it; None for budgets."""
        return self.policy

    @property
    def blocked(self) -> Verdicts:
        """Which actions it turns down whatever happened, shape (actions,)."""
        blocked: Verdicts = self.applies & (self.most[self.keys.of_action] == 0)
        return blocked

    @cached_property
    def narrowest(self) -> float:
        """How many places there are at least for rows that share them, when nothing happened."""
        return np.inf if self.keys.per == "action" else float(np.min(self.most))

    def minds(self, occasion: Occasion) -> bool:
        """Tell whether anything that happened can count."""
        return bool(occasion.volumes)

    def check(self, occasion: Occasion, rows: Verdicts) -> Checked | None:
        """Return what it says of the rows that it is about; None where it does not mind."""
        key, day, presented = self._counted(occasion)
        left = self.most - np.bincount(key, weights=presented, minlength=self.keys.size)
        full = {int(one): np.nan for one in np.flatnonzero(left <= 0)}
        if self.days is not None:
            for one in full:
                own = key == one
                full[one] = self._frees(day[own], presented[own], self.most[one], self.days)
        return self.keys.judge(self.id, occasion.action, rows, full, left)

    def _counted(self, occasion: Occasion) -> tuple[Index, Index, Index]:
        """Return what counts: its key, its business day, and how often it was presented."""
        volumes = occasion.counted
        key = np.append(self.key_of, -1)[volumes.position]
        counts = key >= 0
        if self.days is not None:
            today = self.calendar.day(np.array([occasion.now]))[0]
            counts &= volumes.day > today - self.days
        if self.same_channel:
            counts &= volumes.channel == occasion.channel
        return key[counts], volumes.day[counts], volumes.presented[counts]

    def _frees(self, day: Index, presented: Index, most: float, days: int) -> float:
        """Return when so many days have left that there is room for one; NaN for never."""
        order = np.argsort(day, kind="stable")
        kept = presented.sum() - np.cumsum(presented[order])
        room = np.flatnonzero(kept < most)
        if not len(room):
            return np.nan
        begins = self.calendar.midnight(np.array([float(day[order][room[0]] + days)]))[0]
        return float(begins.astype("int64")) / 1e6


def budgets(catalog: Catalog, calendar: Calendar) -> list[VolumeLimit]:
    """Return the limit of all budgets of the catalog, or none; it spares no purpose."""
    most = [_affordable(action.budget, action.cost) for action in catalog.ordered]
    if np.isinf(most).all():
        return []
    keys, applies = Keys.of("action", catalog), np.isfinite(most)
    return [
        VolumeLimit(
            id="budget",
            reason="budget_used_up",
            words=REASONS["budget_used_up"],
            applies=applies,
            keys=keys,
            most=np.array(most),
            days=None,
            same_channel=False,
            policy=None,
            calendar=calendar,
            key_of=np.where(applies, keys.of_action, -1),
        )
    ]


def _affordable(budget: Budget | None, cost: float) -> float:
    """Return how many presentations a budget is enough for; infinity without one.

    >>> _affordable(Budget(presentations=9, amount=1.0), 0.1), _affordable(None, 5.0)
    (9.0, inf)
    >>> _affordable(Budget(amount=0.3), 0.1)
    3.0
    """
    if budget is None:
        return np.inf
    most = np.inf if budget.presentations is None else float(budget.presentations)
    if budget.amount is None or cost == 0:
        return most
    # 0.3 / 0.1 is a little less than 3.
    return min(most, float(np.floor(budget.amount / cost + 1e-9)))
