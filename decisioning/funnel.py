"""The candidates of one decision on their way through the stages: who is left, and why others went.

Every candidate is either alive or in `removed` exactly once, whatever order rules are asked in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from decisioning.decision import Removed, Stage
from decisioning.gone import Gone, Grounds

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


class Funnel:
    """Rows of candidate actions, and what became of those that are gone.

    Attributes
    ----------
    action : shape (rows,), positions in the catalog; the same throughout the decision.
    alive : shape (rows,), which are left.
    removed : those that are not, in the order in which they went.
    """

    def __init__(self, gone: Gone, action: Index, removed: list[Removed]) -> None:
        self.action = action
        self.alive: Verdicts = np.empty(len(action), dtype=bool)
        self.alive.fill(True)
        self.removed = removed
        self._gone = gone

    @property
    def rows(self) -> Index:
        """Return the rows that are left."""
        left: Index = self.alive.nonzero()[0]
        return left

    def name(self, row: int) -> str:
        """Return the action id of a row."""
        return self._gone.action_ids[int(self.action[row])]

    def turn_down(
        self, which: Verdicts, stage: Stage, policy_id: str, reason: str, tier: str = ""
    ) -> None:
        """Remove the rows of a mask that are still alive, all for one reason."""
        rows = (which & self.alive).nonzero()[0]
        if len(rows):
            self.turn_down_rows(rows, stage, policy_id, reason, tier)

    def turn_down_rows(
        self, rows: Index, stage: Stage, policy_id: str, reason: str, tier: str = ""
    ) -> None:
        """Remove rows that are alive, all for one reason."""
        self.alive[rows] = False
        entries = self._gone.of(stage, tier, policy_id, reason)
        self.removed += [entries[one] for one in self.action[rows].tolist()]

    def turn_down_each(self, failed: Index, grounds: Sequence[Grounds]) -> None:
        """Remove the rows that are still alive and fail, those of the first grounds first.

        Parameters
        ----------
        failed : shape (rows,), position in `grounds`, -1 where a row fails by none.
        """
        rows = ((failed >= 0) & self.alive).nonzero()[0]
        if not len(rows):
            return
        self.alive[rows] = False
        why = failed[rows]
        order = why.argsort(kind="stable")
        told = zip(why[order].tolist(), self.action[rows[order]].tolist(), strict=True)
        self.removed += [self._gone.of(*grounds[at])[one] for at, one in told]

    def turn_down_first(self, failed: Verdicts, entries: Sequence[Sequence[Removed]]) -> None:
        """Remove the rows that are still alive and fail, each for the first grounds it fails by.

        Parameters
        ----------
        failed : shape (grounds, rows).
        entries : by grounds, what is said of each action of the catalog.
        """
        at, row = (failed & self.alive).nonzero()
        if not len(row):
            return
        self.alive[row] = False
        gone: set[int] = set()
        action = self.action[row].tolist()
        for why, one, position in zip(at.tolist(), row.tolist(), action, strict=True):
            if one not in gone:
                gone.add(one)
                self.removed.append(entries[why][position])

    def turn_down_one(
        self,
        row: int,
        stage: Stage,
        policy_id: str,
        reason: str,
        tier: str = "",
        until: float = np.nan,
    ) -> None:
        """Remove one row that is alive; `until` in seconds since 1970, NaN where nobody knows."""
        ends = None if math.isnan(until) else datetime.fromtimestamp(until, UTC)
        self.alive[row] = False
        self.removed.append(Removed(self.name(row), stage, tier, policy_id, reason, ends))
