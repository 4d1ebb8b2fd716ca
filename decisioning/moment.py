"""What a decision starts from: the state of the customer and the actions, and that state's id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from decisioning.decision import Removed
from decisioning.request import DecisionRequest
from decisioning.rules import Index
from decisioning.world import Array, World
from features.matrix import Candidates
from features.profiles import Profiles


@dataclass(frozen=True)
class Moment:
    """What is known of the customer and of all actions at the time of the decision.

    Attributes
    ----------
    popularity : shape (1, actions, popularity features), in the order of `Catalog.action_ids`.
    """

    profiles: Profiles
    popularity: Array
    now: datetime

    @property
    def age_s(self) -> float | None:
        """How old the profile is, in seconds; None without one."""
        known = bool(self.profiles.known[0])
        return float(self.seconds[0] - self.profiles.profile_at[0]) if known else None

    @property
    def seconds(self) -> Array:
        """Now as seconds since 1970 in UTC, shape (1,)."""
        return np.array([self.now.timestamp()])

    def candidates(self, action: Index) -> Candidates:
        """Return the rows of these actions, by position."""
        decision = np.zeros(len(action), dtype=np.int64)
        return Candidates(self.profiles, self.seconds, decision, action, self.popularity)


def id_of(
    request: DecisionRequest,
    moment: Moment,
    world: World,
    removed: Iterable[Removed],
    given: str | None,
) -> str:
    """Return the given id, or 32 hexadecimal digits of the state where a request has its own id.

    What was removed is part of the state: validity and maximum ages change within a day.
    """
    if given is not None and request.decision_request_id is None:
        return given
    state = [
        asdict(request),
        asdict(world.versions),
        asdict(world.switches),
        float(world.calendar.day(moment.seconds)[0]),
        [[one.action_id, one.reason] for one in removed],
    ]
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode())
    for numbers in (moment.profiles.vectors, moment.popularity):
        # Missing has many bit patterns; a profile read back from a log has to hash the same.
        digest.update(np.where(np.isnan(numbers), np.nan, numbers).tobytes())
    return digest.hexdigest()[:32]
