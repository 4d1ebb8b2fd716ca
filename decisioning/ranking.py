"""The scored candidates in order, and which of them are returned where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.arbitration import Explored, certain, explore, rank, seed_of
from decisioning.funnel import Funnel, Index
from decisioning.request import DecisionRequest
from decisioning.scoring import Scored
from decisioning.screening import Screened
from decisioning.selection import Chosen, Place, Quota, Selection
from decisioning.world import World


@dataclass(frozen=True)
class Ranked:
    """What was ranked and what was chosen of it.

    Attributes
    ----------
    place : shape (ranked,), positions in the scored candidates, in which the others count.
    """

    place: Index
    explored: Explored
    chosen: Chosen


def rank_and_choose(
    funnel: Funnel,
    place: Index,
    scored: Scored,
    screened: Screened,
    request: DecisionRequest,
    world: World,
    decision_id: str,
) -> Ranked:
    """Order candidates, explore where the channel does, and take what every limit allows.

    Parameters
    ----------
    place : positions in `scored`; the others are gone.
    """
    action = scored.action[place]
    selection = _selection(request, screened, scored.row[place], action, world)
    explored = _ordered(request, place, scored, selection, world, decision_id)
    chosen = selection.choose(explored.order)
    rows = scored.row[place]
    refused: dict[tuple[str, str], list[int]] = {}
    for row, policy_id, reason in chosen.refusals:
        refused.setdefault((policy_id, reason), []).append(row)
    for (policy_id, reason), mine in refused.items():
        funnel.turn_down_rows(rows[mine], "arbitration", policy_id, reason)
    return Ranked(place, explored, chosen)


def _ordered(
    request: DecisionRequest,
    place: Index,
    scored: Scored,
    selection: Selection,
    world: World,
    decision_id: str,
) -> Explored:
    """Return the order in which candidates go, drawn where the channel explores."""
    book, action = world.arbitration, scored.action[place]
    mandatory = world.catalog.arrays.mandatory[action]
    factors, exploration = scored.factors.of(place), book.exploration_for(request.channel)
    if exploration.kind == "none":
        # Actions are in the order of their ids, so that positions break ties as ids do.
        order = rank(action, scored.priority[place], factors.propensity, mandatory)
        return certain(order, selection.rows(order))
    ids = world.catalog.action_ids
    return explore(
        tuple(ids[one] for one in action.tolist()),
        factors,
        book.switches,
        scored.evidence[place],
        mandatory,
        exploration,
        seed_of(decision_id),
        selection.room,
        None if selection.plain else selection.rows,
        np.isnan(scored.model_propensity[place]),
    )


def _selection(
    request: DecisionRequest, screened: Screened, row: Index, action: Index, world: World
) -> Selection:
    actions = world.catalog.arrays
    limits = [
        Quota(limit.policy_id, "limit_used_up", limit.remaining, limit.rows[row])
        for limit in screened.limits
        if limit.rows[row].any()
    ]
    places = tuple(
        Place(name, actions.slots(name), actions.fits(name)[action])
        for name in dict.fromkeys(request.placements)
    )
    return Selection(request.max_results, (*limits, *_diversity(action, world)), places)


def _diversity(action: Index, world: World) -> list[Quota]:
    """Return at most so many of each group and issue, as far as there are more."""
    wanted, actions = world.arbitration.diversity, world.catalog.arrays
    quotas = []
    for most, belongs, key in (
        (wanted.per_group, actions.group_of[action], "per_group"),
        (wanted.per_issue, actions.issue_of[action], "per_issue"),
    ):
        if most is None:
            continue
        names, counts = np.unique(belongs, return_counts=True)
        quotas += [
            Quota(f"diversity.{key}", "group_full", most, belongs == name)
            for name in names[counts > most]
        ]
    return quotas
