"""The answer of a decision: what was chosen, with texts, factors and reasons."""

from __future__ import annotations

from decisioning.catalog import Catalog
from decisioning.decision import RankedAction, Reason, Treatment
from decisioning.explain import Told, conditions_met, top_reasons
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
    reasons = _reasons(request, scored, ranked.chosen.rows, screened, world)
    return tuple(
        [
            _ranked_action(request, scored, ranked, screened, world, number, told)
            for number, told in enumerate(reasons)
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


def _reasons(
    request: DecisionRequest,
    scored: Scored,
    chosen: tuple[int, ...],
    screened: Screened,
    world: World,
) -> list[tuple[Reason, ...]]:
    """Return the reasons of the chosen, in their order; none of one that a prior speaks for."""
    if request.explain == "none":
        return [()] * len(chosen)
    most = None if request.explain == "all" else TOP_REASONS
    of_place = _of_model(request, scored, chosen, screened, world, most)
    for place in chosen:
        if not scored.predicted.item(place):
            action = world.catalog.ordered[scored.action.item(place)]
            told = _told(request, scored, place, screened, world)
            of_place[place] = conditions_met(action.eligibility, told)[:most]
    return [of_place.get(place, ()) for place in chosen]


def _of_model(
    request: DecisionRequest,
    scored: Scored,
    chosen: tuple[int, ...],
    screened: Screened,
    world: World,
    most: int | None,
) -> dict[int, tuple[Reason, ...]]:
    """Return the reasons of those of the chosen that the model was asked about."""
    model, scores = world.model, scored.scores
    if model is None or scores is None:
        return {}
    propensity = scored.model_propensity.take(chosen).tolist()
    # What has a fixed propensity was scored as well, but nothing was made of it.
    asked = [place for place, said in zip(chosen, propensity, strict=True) if said == said]
    if not asked:
        return {}
    rows = scored.asked[asked]
    if most is None:
        added = model.exact_contributions(scored.matrix[rows])
    else:
        added = scores.path_contributions(rows)
    told = [_told(request, scored, place, screened, world) for place in asked]
    return dict(zip(asked, top_reasons(model.features, added, told, most), strict=True))


def _told(
    request: DecisionRequest, scored: Scored, place: int, screened: Screened, world: World
) -> Told:
    action = world.catalog.ordered[scored.action.item(place)]
    name = action.name.in_language(request.language)
    return Told(screened.columns, scored.row.item(place), name, request.language)


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
    action, factors = world.catalog.ordered[scored.action.item(entry)], scored.factors
    said = scored.model_propensity.item(entry)
    row, explored = scored.row.item(entry), ranked.explored
    # By position, in the order of the fields: with names it takes three times as long.
    return RankedAction(
        number + 1,
        action.id,
        action.name.in_language(request.language),
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
        said if said == said else None,
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
