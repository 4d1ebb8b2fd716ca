"""What an answer says of actions that are turned down: entries that are made once and kept.

A decision turns down nearly every candidate, and says of most of them what others have said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from decisioning.decision import Removed, Stage

_KEPT = 1_024


class Grounds(NamedTuple):
    """Why an action is turned down: what `Removed` says besides its name."""

    stage: Stage
    tier: str
    policy_id: str
    reason: str


class Gone:
    """The entries of the actions of one catalog, by why they are turned down.

    >>> Gone(("coffee", "tea")).of("catalog", "", "enabled", "disabled")[1].action_id
    'tea'
    """

    def __init__(self, action_ids: Sequence[str]) -> None:
        self.action_ids = action_ids
        self.of = lru_cache(maxsize=_KEPT)(partial(_entries, action_ids))
        """Returns the entry of each action, for the values of `Grounds`."""


def _entries(
    action_ids: Sequence[str], stage: Stage, tier: str, policy_id: str, reason: str
) -> tuple[Removed, ...]:
    return tuple([Removed(one, stage, tier, policy_id, reason) for one in action_ids])
