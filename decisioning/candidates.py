"""Which actions a request may be answered with at all, before anything is known of the customer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from decisioning.catalog import Catalog
from decisioning.decision import Removed
from decisioning.funnel import Funnel, Index, Verdicts
from decisioning.request import Channel, Context, Language


class Kind(NamedTuple):
    """What of a request says which actions may be considered, by the names of the request."""

    candidates: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    channel: Channel = "web"
    language: Language = "en"
    context: Context = "web"


def open_candidates(request: Kind, catalog: Catalog, built: Verdicts, at: float) -> Funnel:
    """Return the actions that may be considered, and why the others may not.

    The default action is never a candidate: it is there anyway.

    Parameters
    ----------
    built : shape (actions,), which actions profiles have features for.
    at : when, in seconds since 1970.
    """
    wanted, removed = _wanted(request, catalog)
    funnel = Funnel(catalog.gone, wanted, removed)
    if request.excluded:
        funnel.turn_down(_named(request, catalog)[wanted], "request", "excluded", "excluded")
    actions = catalog.arrays
    usual = actions.offered_at(at, request.channel, request.language) & built
    # Nearly always nothing of this turns anything down, and one look at all of it is enough.
    if not usual[wanted].all():
        said = actions.said_on(request.channel, request.language)
        _turn_down_the_rest(funnel, catalog, built, said, at)
    if request.placements:
        fits = np.any([actions.fits(place) for place in request.placements], axis=0)
        funnel.turn_down(~fits[wanted], "catalog", "placements", "wrong_placement")
    if request.context != "advisor":
        funnel.turn_down(actions.significant[wanted], "catalog", "impact", "needs_advisor")
    return funnel


def _turn_down_the_rest(
    funnel: Funnel, catalog: Catalog, built: Verdicts, said: Verdicts, at: float
) -> None:
    """Turn down what is not in force, not said on the channel, or about an unknown category."""
    actions, wanted = catalog.arrays, funnel.action
    funnel.turn_down(~actions.enabled[wanted], "catalog", "enabled", "disabled")
    funnel.turn_down((at >= actions.ends)[wanted], "catalog", "valid_to", "expired")
    for row in np.flatnonzero((at < actions.starts)[wanted] & funnel.alive).tolist():
        begins = float(actions.starts[wanted[row]])
        funnel.turn_down_one(row, "catalog", "valid_from", "not_yet_valid", until=begins)
    funnel.turn_down(~said[wanted], "catalog", "treatments", "no_treatment")
    funnel.turn_down(~built[wanted], "catalog", "category", "features_not_built")


def _wanted(request: Kind, catalog: Catalog) -> tuple[Index, list[Removed]]:
    """Return the positions of the candidates in the order of the catalog, and the unknown ones."""
    if request.candidates is None:
        return np.arange(len(catalog.action_ids)), []
    position = catalog.position
    found = {one: position.get(one) for one in request.candidates}
    known = [at for at in found.values() if at is not None]
    unknown = [] if len(known) == len(found) else [one for one, at in found.items() if at is None]
    removed = [
        Removed(action_id, "request", "", "candidates", "unknown_action")
        for action_id in unknown
        if action_id != catalog.default_action.id
    ]
    return np.array(sorted(known), dtype=np.int64), removed


def _named(request: Kind, catalog: Catalog) -> Verdicts:
    """Tell for every action of the catalog whether the request excludes it."""
    named: Verdicts = np.zeros(len(catalog.action_ids), dtype=bool)
    named[[catalog.position[one] for one in request.excluded if one in catalog.position]] = True
    return named
