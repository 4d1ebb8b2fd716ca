"""Which places a decision takes from contact limits, and whether they are still free."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from decisioning.decision import Decision, RankedAction
from decisioning.history import History
from decisioning.request import DecisionRequest
from decisioning.world import World


def capped(decision: Decision) -> tuple[RankedAction, ...]:
    """Return the results that need a reservation before they may be shown."""
    return tuple(result for result in decision.results if result.capped)


def still_free(
    decision: Decision, request: DecisionRequest, history: History, world: World, now: datetime
) -> bool:
    """Tell whether what a decision returns may be shown now, and every limit has room for it.

    Asks consent and the contact policies about a history that may be newer than the one it was
    taken with. An action that is no longer in force, or not in the catalog of `world`, is not free;
    the default action always is.
    """
    position, actions = world.catalog.position, world.catalog.arrays
    # Only the default action has no propensity; the catalog may call another so by now.
    wanted = [one.action_id for one in decision.results if one.propensity is not None]
    if not all(one in position for one in wanted):
        return False
    action = np.array([position[one] for one in wanted], dtype=np.int64)
    at = now.timestamp()
    in_force = actions.enabled & (actions.starts <= at) & (at < actions.ends)
    judged = world.contact.judge(history, request, action, now)
    allowed = not any(world.consent.judge(history, request, action, now).reason)
    if not allowed or not in_force[action].all() or (judged.failed >= 0).any():
        return False
    return all(int(limit.rows.sum()) <= limit.remaining for limit in judged.limits)


def lapses_at(result: RankedAction, world: World, now: float) -> float:
    """Return when the place of a result lapses unless it is shown before, in seconds since 1970."""
    return now + world.catalog.arrays.time_to_live_s(result.placement)
