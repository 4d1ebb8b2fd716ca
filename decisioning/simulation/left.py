"""Everything that was left to choose from, also what the limits of one answer keep out of it."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from decisioning.arbitration import Factors
from decisioning.decision import Decision
from decisioning.history import History
from decisioning.moment import Moment
from decisioning.request import DecisionRequest
from decisioning.scoring import score, worth_trying
from decisioning.screening import screen
from decisioning.simulation.answered import Array, Index
from decisioning.world import World
from features.profiles import Profiles

Left = tuple[Index, Factors]


def left_to_choose(
    decision: Decision,
    request: DecisionRequest,
    profiles: Profiles,
    popularity: Array,
    world: World,
    now: datetime,
    history: History | None,
) -> Left:
    """Return positions and factors of all that came to arbitration in a decision.

    They are read from its results where arbitration turned nothing down, else from the same stages
    of the same code once more.
    """
    ranked = [one for one in decision.results if one.action_id in world.catalog.position]
    if not any(one.stage == "arbitration" for one in decision.removed):
        position = world.catalog.position
        return (
            np.array([position[one.action_id] for one in ranked], dtype=np.int64),
            Factors(
                propensity=np.array([one.propensity for one in ranked], dtype=np.float64),
                context_weight=np.array([one.context_weight for one in ranked], dtype=np.float64),
                value=np.array([one.value for one in ranked], dtype=np.float64),
                lever=np.array([one.lever for one in ranked], dtype=np.float64),
            ),
        )
    line_up = world.line_ups.of(request, now)
    funnel = world.line_ups.begin(line_up)
    moment = Moment(profiles, popularity, history, now)
    screened = screen(line_up, funnel, request, moment, world)
    scored = score(line_up, funnel, screened, world, decision.degraded)
    if scored is None:
        nothing = np.zeros(0)
        return np.zeros(0, dtype=np.int64), Factors(nothing, nothing, nothing, nothing)
    left = worth_trying(funnel, scored, request, world)
    return left.action, left.factors
