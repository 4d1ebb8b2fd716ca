"""The scored candidates in order, and which of them are returned where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from decisioning.arbitration import Explored, certain, explore, rank, seed_of
from decisioning.funnel import Funnel, Index
from decisioning.request import DecisionRequest
from decisioning.scoring import Scored
from decisioning.screening import Screened
from decisioning.selection import Chosen, Place, Quota, Selection
from decisioning.world import World


class Ranked(NamedTuple):
    """The order of the scored candidates, by their positions, and what was chosen of it."""

    explored: Explored
    chosen: Chosen


def rank_and_choose(
    funnel: Funnel,
    scored: Scored,
    screened: Screened,
    request: DecisionRequest,
    world: World,
    decision_id: str,
) -> Ranked:
    """Order candidates, explore where the channel does, and take what every limit allows."""
    selection = _selection(request, screened, scored, world)
    explored = _ordered(request, scored, selection, world, decision_id)
    chosen = selection.choose(explored.order)
    for refused, policy_id, reason in chosen.refusals:
        funnel.turn_down_rows(scored.row.take(refused), "arbitration", policy_id, reason)
    return Ranked(explored, chosen)


def _ordered(
    request: DecisionRequest,
    scored: Scored,
    selection: Selection,
    world: World,
    decision_id: str,
) -> Explored:
    """Return the order in which candidates go, drawn where the channel explores."""
    book, action, factors = world.arbitration, scored.action, scored.factors
    mandatory = world.catalog.arrays.mandatory.take(action)
    exploration = book.exploration_for(request.channel)
    if exploration.kind == "none":
        order = rank(None, scored.priority, factors.propensity, mandatory)
        return certain(order, selection.rows(order))
    ids = world.catalog.action_ids
    return explore(
        tuple(ids[one] for one in action.tolist()),
        factors,
        book.switches,
        scored.evidence,
        mandatory,
        exploration,
        seed_of(decision_id),
        selection.room,
        None if selection.plain else selection.rows,
        np.isnan(scored.model_propensity),
    )


def _selection(
    request: DecisionRequest, screened: Screened, scored: Scored, world: World
) -> Selection:
    actions, row, action = world.catalog.arrays, scored.row, scored.action
    if not (screened.limits or request.placements or world.arbitration.diverse):
        return Selection(request.max_results)
    limits = [
        Quota(limit.policy_id, "limit_used_up", limit.remaining, limit.rows[row])
        for limit in screened.limits
        if limit.rows[row].any()
    ]
    places = [
        Place(name, actions.slots(name), actions.fits(name)[action])
        for name in dict.fromkeys(request.placements)
    ]
    quotas = (*limits, *_diversity(action, world))
    return Selection(request.max_results, quotas, tuple(places))


def _diversity(action: Index, world: World) -> list[Quota]:
    """Return at most so many of each group and issue, as far as there are more."""
    wanted, actions = world.arbitration.diversity, world.catalog.arrays
    quotas = []
    for most, kind_of, key in (
        (wanted.per_group, actions.group_of, "per_group"),
        (wanted.per_issue, actions.issue_of, "per_issue"),
    ):
        if most is None:
            continue
        belongs = kind_of[action]
        names, counts = np.unique(belongs, return_counts=True)
        quotas += [
            Quota(f"diversity.{key}", "group_full", most, belongs == name)
            for name in names[counts > most]
        ]
    return quotas
