"""What a decision starts from: all that is known of the customer and the actions at its time."""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.history import History
from features.matrix import Candidates
from features.profiles import Profiles

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


class Moment(NamedTuple):
    """What is known of one customer and of all actions at the time of the decision.

    Attributes
    ----------
    profiles : one row.
    popularity : shape (1, actions, popularity features), in the order of `Catalog.action_ids`.
    history : what the ledger knows; None when it could not be read, and then whatever needs it
        fails closed.
    now : aware; read from the clock after the profile was read, since a profile from after it is
        a leak.
    """

    profiles: Profiles
    popularity: Array
    history: History | None
    now: datetime

    @property
    def age_s(self) -> float | None:
        """How old the profile is, in seconds; None without one."""
        at = self.profiles.vectors.item(0)
        return None if math.isnan(at) else self.now.timestamp() - at

    @property
    def seconds(self) -> Array:
        """Now as seconds since 1970 in UTC, shape (1,)."""
        return np.array([self.now.timestamp()])

    def candidates(self, action: Index) -> Candidates:
        """Return the rows of these actions, by position."""
        decision = np.zeros(len(action), dtype=np.int64)
        return Candidates(self.profiles, self.seconds, decision, action, self.popularity)
