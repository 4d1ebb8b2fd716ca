"""A pause after so many outcomes within a window, such as two refusals in thirty days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from decisioning.catalog import Catalog
from decisioning.policies.contact_rules import ContactPolicy
from decisioning.policies.counted import Personal
from decisioning.policies.limits import DAY, Array, Checked, Occasion, Seen, Verdicts


class Pause(Personal):
    """A contact policy with `at_least` and `pause_days`.

    Every counted outcome that is the so-many-th within the window before it begins the pause anew.
    """

    def __init__(self, policy: ContactPolicy, catalog: Catalog) -> None:
        self._least = policy.at_least or 1
        super().__init__(policy, catalog, self._least)
        self._window = (policy.days or 0) * DAY
        self._pause = (policy.pause_days or 0) * DAY

    @property
    def contact_seconds(self) -> float:
        """How far back it has to know the customer's contacts, in seconds."""
        return self._window + self._pause

    def check(self, occasion: Occasion, rows: Verdicts) -> Checked | None:
        """Return what it says of the rows that it is about; None where it does not mind."""
        counted: dict[int, list[Seen]] = defaultdict(list)
        for key, seen in self.counted(occasion):
            counted[key].append(seen)
        full: dict[int, float] = {}
        for key, contacts in counted.items():
            ends = self._ends(contacts, occasion.now) if len(contacts) >= self._least else None
            if ends is not None:
                full[key] = ends
        left = self._left(counted, occasion.now) if self.shares else None
        return self.keys.judge(self.id, occasion.action, rows, full, left)

    def _left(self, counted: Mapping[int, Sequence[Seen]], now: float) -> Array:
        """Return how many more there may be until a pause begins, shape (keys,)."""
        left = np.full(self.keys.size, float(self._least))
        for key, contacts in counted.items():
            recent = sum(seen.at + self._window > now for seen in contacts)
            left[key] = max(1.0, self._least - recent)
        return left

    def _ends(self, contacts: Sequence[Seen], now: float) -> float | None:
        """Return when the pause is over; None where there is none now.

        A reservation that lapses before may end it sooner.
        """
        at, live = now, list(contacts)
        while True:
            over = self._over([seen.at for seen in live])
            if not over > at:
                return at if at > now else None
            lapse = min(seen.lapses for seen in live)
            if lapse >= over:
                return over
            at = lapse
            live = [seen for seen in live if seen.lapses > at]

    def _over(self, moments: list[float]) -> float:
        """Return when the latest pause is over; minus infinity without one."""
        moments = sorted(moments)
        begun = [
            last
            for first, last in zip(moments, moments[self._least - 1 :], strict=False)
            if first + self._window > last
        ]
        return begun[-1] + self._pause if begun else -np.inf
