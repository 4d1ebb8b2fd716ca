"""The answer of a decision: what was chosen, with texts, factors and reasons."""

from __future__ import annotations

import numpy as np

from decisioning.catalog import Catalog
from decisioning.decision import RankedAction, Reason, Treatment
from decisioning.explain import Told, top_reasons
from decisioning.funnel import Index
from decisioning.ranking import Ranked
from decisioning.request import DecisionRequest
from decisioning.scoring import Scored
from decisioning.screening import Screened
from decisioning.world import World
from features.errors import CatalogError

TOP_REASONS = 3


def ranked_answers(
    request: DecisionRequest, scored: Scored, ranked: Ranked, screened: Screened, world: World
) -> tuple[RankedAction, ...]:
    """Return the chosen actions, best first."""
    chosen = ranked.place[list(ranked.chosen.rows)]
    reasons = _reasons(request, scored, chosen, screened, world)
    return tuple(
        _ranked_action(request, scored, ranked, screened, world, number, reasons[number])
        for number in range(len(chosen))
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


def _reasons(
    request: DecisionRequest, scored: Scored, chosen: Index, screened: Screened, world: World
) -> list[tuple[Reason, ...]]:
    """Return the reasons of the chosen, in their order; none where the model was not asked."""
    model, scores = world.model, scored.scores
    if request.explain == "none" or model is None or scores is None:
        return [()] * len(chosen)
    everything = request.explain == "all"
    if everything:
        added = model.exact_contributions(scored.matrix[chosen])
    else:
        added = scores.path_contributions(chosen)
    reasons: list[tuple[Reason, ...]] = []
    for place, contributions in zip(chosen, added, strict=True):
        if np.isnan(scored.model_propensity[place]):
            reasons.append(())
            continue
        name = world.catalog.ordered[scored.action[place]].name.in_language(request.language)
        told = Told(screened.columns, int(scored.row[place]), name, request.language)
        limit = None if everything else TOP_REASONS
        reasons.append(top_reasons(model.features, contributions, told, limit))
    return reasons


def _ranked_action(
    request: DecisionRequest,
    scored: Scored,
    ranked: Ranked,
    screened: Screened,
    world: World,
    number: int,
    reasons: tuple[Reason, ...],
) -> RankedAction:
    entry = ranked.chosen.rows[number]
    place = ranked.place[entry]
    action, factors = world.catalog.ordered[scored.action[place]], scored.factors
    said = float(scored.model_propensity[place])
    asked = not np.isnan(said)
    return RankedAction(
        rank=number + 1,
        action_id=action.id,
        name=action.name.in_language(request.language),
        issue=action.issue,
        group=action.group,
        treatment=_treatment(request, world.catalog, action.id),
        propensity=float(factors.propensity[place]),
        label_model=_label(scored, int(place), world),
        evidence=float(scored.evidence[place]) if scored.predicted[place] else 0.0,
        value=float(factors.value[place]),
        context_weight=float(factors.context_weight[place]),
        lever=float(factors.lever[place]),
        priority=float(scored.priority[place]),
        probability=float(ranked.explored.probability[entry]),
        explored=bool(ranked.explored.explored[entry]),
        reasons=reasons,
        placement=ranked.chosen.places[number],
        model_propensity=said if asked else None,
        probability_error=float(ranked.explored.error[entry]),
        mandatory=action.mandatory,
        capped=bool(screened.capped[scored.row[place]]),
        confirm=action.impact == "significant",
    )


def _label(scored: Scored, place: int, world: World) -> str:
    """Return what the propensity is the probability of, or where else it comes from."""
    if not scored.predicted[place]:
        return "fixed"
    return (
        "prior"
        if scored.scores is None or world.model is None
        else (world.model.manifest.label_model)
    )


def _treatment(request: DecisionRequest, catalog: Catalog, action_id: str) -> Treatment:
    treatment = catalog.treatment(action_id, request.channel, request.language)
    if treatment is None:
        raise CatalogError(f"{action_id}: no treatment on the channel {request.channel!r}")
    return treatment
