"""The answer of a decision: what was chosen, with texts, factors and reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from decisioning.action import Action
from decisioning.catalog import Catalog
from decisioning.decision import RankedAction, Reason, Treatment
from decisioning.explain import conditions_met
from decisioning.ranking import Ranked
from decisioning.request import DecisionRequest
from decisioning.scoring import Scored
from decisioning.screening import Screened
from decisioning.sentences import Told
from decisioning.world import World
from features.errors import CatalogError

TOP_REASONS = 3


class _Picked(NamedTuple):
    """One of the chosen: its entry among the scored, what it is, what the model said of it.

    Attributes
    ----------
    name : the action's, in the language of the request.
    said : the model's propensity; None where it was not asked.
    """

    entry: int
    action: Action
    name: str
    said: float | None


def ranked_answers(
    request: DecisionRequest, scored: Scored, ranked: Ranked, screened: Screened, world: World
) -> tuple[RankedAction, ...]:
    """Return the chosen actions, best first."""
    picked = [_picked(entry, request, scored, world) for entry in ranked.chosen.rows]
    reasons = _reasons(request, scored, picked, screened, world)
    return tuple(
        [
            _ranked_action(request, scored, ranked, screened, world, number, one, reasons[number])
            for number, one in enumerate(picked)
        ]
    )


def default_answer(request: DecisionRequest, catalog: Catalog) -> RankedAction:
    """Return the answer that is always there."""
    action = catalog.default_action
    return RankedAction(
        rank=1,
        action_id=action.id,
        name=action.name.in_language(request.language),
        issue=action.issue,
        group=action.group,
        treatment=_treatment(request, catalog, action.id),
        propensity=None,
        label_model=None,
        evidence=0.0,
        value=0.0,
        context_weight=1.0,
        lever=1.0,
        priority=0.0,
    )


def _picked(entry: int, request: DecisionRequest, scored: Scored, world: World) -> _Picked:
    action = world.catalog.ordered[scored.action.item(entry)]
    said = scored.model_propensity.item(entry)
    name = action.name.in_language(request.language)
    # What has a fixed propensity was scored as well, but nothing was made of it.
    return _Picked(entry, action, name, None if math.isnan(said) else said)


def _reasons(
    request: DecisionRequest,
    scored: Scored,
    picked: Sequence[_Picked],
    screened: Screened,
    world: World,
) -> list[tuple[Reason, ...]]:
    """Return the reasons of the chosen, in their order; none of one that a prior speaks for."""
    if request.explain == "none":
        return [()] * len(picked)
    most = None if request.explain == "all" else TOP_REASONS
    reasons = _of_model(request, scored, picked, screened, world, most)
    for one in picked:
        if not scored.predicted.item(one.entry):
            told = _told(request, scored, one, screened)
            reasons[one.entry] = conditions_met(one.action.eligibility, told)[:most]
    return [reasons.get(one.entry, ()) for one in picked]


def _of_model(
    request: DecisionRequest,
    scored: Scored,
    picked: Sequence[_Picked],
    screened: Screened,
    world: World,
    most: int | None,
) -> dict[int, tuple[Reason, ...]]:
    """Return the reasons of those of the chosen that the model was asked about, by entry."""
    model, scores = world.model, scored.scores
    asked = [one for one in picked if one.said is not None]
    if model is None or scores is None or not asked:
        return {}
    entries = [one.entry for one in asked]
    rows = scored.asked.take(entries)
    if most is None:
        added = model.exact_contributions(scored.matrix[rows])
    else:
        added = scores.path_contributions(rows)
    told = [_told(request, scored, one, screened) for one in asked]
    return dict(zip(entries, world.reasons.top(added, told, most), strict=True))


def _told(request: DecisionRequest, scored: Scored, one: _Picked, screened: Screened) -> Told:
    row = screened.columns.row(scored.row.item(one.entry))
    return Told(row, one.name, request.language)


def _ranked_action(
    request: DecisionRequest,
    scored: Scored,
    ranked: Ranked,
    screened: Screened,
    world: World,
    number: int,
    picked: _Picked,
    reasons: tuple[Reason, ...],
) -> RankedAction:
    entry, action, name, said = picked
    row, factors, explored = scored.row.item(entry), scored.factors, ranked.explored
    # By position, in the order of the fields: with names it takes three times as long.
    return RankedAction(
        number + 1,
        action.id,
        name,
        action.issue,
        action.group,
        _treatment(request, world.catalog, action.id),
        factors.propensity.item(entry),
        _label(scored, entry, world),
        scored.evidence.item(entry) if scored.predicted.item(entry) else 0.0,
        factors.value.item(entry),
        factors.context_weight.item(entry),
        factors.lever.item(entry),
        scored.priority.item(entry),
        explored.probability.item(entry),
        explored.explored.item(entry),
        reasons,
        ranked.chosen.places[number],
        said,
        explored.error.item(entry),
        action.mandatory,
        screened.capped.item(row),
        action.impact == "significant",
    )


def _label(scored: Scored, place: int, world: World) -> str:
    """Return what the propensity is the probability of, or where else it comes from."""
    if not scored.predicted.item(place):
        return "fixed"
    if scored.scores is None or world.model is None:
        return "prior"
    return world.model.manifest.label_model


def _treatment(request: DecisionRequest, catalog: Catalog, action_id: str) -> Treatment:
    treatment = catalog.treatment(action_id, request.channel, request.language)
    if treatment is None:
        raise CatalogError(f"{action_id}: no treatment on the channel {request.channel!r}")
    return treatment
