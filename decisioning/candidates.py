"""Which actions a request may be answered with at all, before anything is known of the customer."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from decisioning.action import Action
from decisioning.catalog import Catalog
from decisioning.decision import Removed
from decisioning.request import DecisionRequest
from decisioning.rules import Index


def open_candidates(
    request: DecisionRequest, catalog: Catalog, now: datetime
) -> tuple[Index, list[Removed]]:
    """Return the positions of the actions that may be considered, and why the others may not.

    The default action is never a candidate: it is there anyway.
    """
    wanted = catalog.action_ids if request.candidates is None else request.candidates
    removed: list[Removed] = []
    positions: list[int] = []
    for action_id in dict.fromkeys(wanted):
        position = catalog.position.get(action_id)
        if position is None:
            if action_id != catalog.default_action.id:
                removed.append(Removed(action_id, "request", "", "candidates", "unknown_action"))
            continue
        refusal = _refusal(catalog.ordered[position], request, catalog, now)
        if refusal is None:
            positions.append(position)
        else:
            removed.append(refusal)
    return np.array(sorted(positions), dtype=np.int64), removed


def _refusal(
    action: Action, request: DecisionRequest, catalog: Catalog, now: datetime
) -> Removed | None:
    """Tell why an action may not be considered; None where it may."""
    if action.id in request.excluded:
        return Removed(action.id, "request", "", "excluded", "excluded")
    if not action.enabled:
        return Removed(action.id, "catalog", "", "enabled", "disabled")
    if action.valid_from is not None and now < action.valid_from:
        return Removed(
            action.id, "catalog", "", "valid_from", "not_yet_valid", until=action.valid_from
        )
    if action.valid_to is not None and now >= action.valid_to:
        return Removed(action.id, "catalog", "", "valid_to", "expired")
    if catalog.treatment(action.id, request.channel, request.language) is None:
        return Removed(action.id, "catalog", "", "treatments", "no_treatment")
    return None
