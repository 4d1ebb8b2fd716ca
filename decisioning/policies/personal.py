"""At most so many contacts with one customer within a window."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import numpy as np

from decisioning.catalog import Catalog
from decisioning.policies.contact_rules import ContactPolicy
from decisioning.policies.counted import Personal
from decisioning.policies.limits import DAY, EVER, Checked, Occasion, Seen, Verdicts


class PersonalLimit(Personal):
    """A contact policy with `at_most`."""

    def __init__(self, policy: ContactPolicy, catalog: Catalog) -> None:
        self._most = policy.at_most or 0
        super().__init__(policy, catalog, self._most)
        self._days = policy.days or 0

    @property
    def contact_seconds(self) -> float:
        """How far back it has to know the customer's contacts, in seconds."""
        if self.policy.window == "ever":
            return EVER
        # A calendar day has 25 hours when clocks are put back.
        return (self._days + (self.policy.window == "calendar")) * DAY

    def check(self, occasion: Occasion, rows: Verdicts) -> Checked | None:
        """Return what it says of the rows that it is about; None where it does not mind."""
        inside = self._inside(occasion)
        full = {
            key: self._frees(seen, occasion)
            for key, seen in inside.items()
            if len(seen) >= self._most
        }
        if self._most == 0:
            full = dict.fromkeys(range(self.keys.size), np.nan)
        left = None
        if self.shares:
            left = np.full(self.keys.size, float(self._most))
            for key, seen in inside.items():
                left[key] -= len(seen)
        return self.keys.judge(self.id, occasion.action, rows, full, left)

    def _inside(self, occasion: Occasion) -> dict[int, list[Seen]]:
        """Return the contacts within the window by key."""
        inside: dict[int, list[Seen]] = defaultdict(list)
        length, begins = np.inf, -np.inf
        if self.policy.window == "rolling":
            length = self._days * DAY
        elif self.policy.window == "calendar":
            first = occasion.local.today - timedelta(days=self._days - 1)
            begins = occasion.local.midnight(first)
        for key, seen in self.counted(occasion):
            if seen.at >= begins and seen.at + length > occasion.now:
                inside[key].append(seen)
        return inside

    def _leaves(self, seen: Seen, occasion: Occasion) -> float:
        """Return when a contact leaves the window; infinity for never."""
        if self.policy.window == "ever":
            return seen.lapses
        if self.policy.window == "rolling":
            return min(seen.at + self._days * DAY, seen.lapses)
        day = occasion.local.day_of(seen.at) + timedelta(days=self._days)
        return min(occasion.local.midnight(day), seen.lapses)

    def _frees(self, inside: list[Seen], occasion: Occasion) -> float:
        """Return when so many have left that there is room for one; NaN for never."""
        if self._most == 0:
            return np.nan
        leaving = sorted(self._leaves(seen, occasion) for seen in inside)
        moment = leaving[len(inside) - self._most]
        return moment if np.isfinite(moment) else np.nan
