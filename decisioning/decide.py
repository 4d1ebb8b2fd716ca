"""One decision, from a customer's profile to a ranked and explained answer.

The same arguments always give the same answer: no clock, no store and no chance in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from decisioning.action import Action
from decisioning.arbitration import Factors, priorities, rank
from decisioning.candidates import open_candidates
from decisioning.catalog import Catalog
from decisioning.decision import Decision, RankedAction, Reason, Removed, Treatment
from decisioning.explain import Told, top_reasons
from decisioning.moment import Moment, id_of
from decisioning.request import DecisionRequest
from decisioning.rules import Index
from decisioning.value import amounts
from decisioning.world import Array, ModelScores, PropensityModel, World
from features.errors import CatalogError, FeatureError
from features.matrix import stale
from features.profiles import Profiles

TOP_REASONS = 3


def decide(
    request: DecisionRequest,
    profiles: Profiles,
    popularity: Array,
    world: World,
    now: datetime,
    decision_id: str | None = None,
) -> Decision:
    """Return the best actions for one customer; at worst the catalog's default action.

    Parameters
    ----------
    profiles : one row.
    popularity : shape (1, actions, popularity features), in the order of `Catalog.action_ids`.
    now : aware; read from the clock after the profile was read, since a profile from after it is
        a leak.
    decision_id : the caller's random id, for a request without a `decision_request_id`. Otherwise
        the id is a hash of the request, the profile, the business day, the versions and what was
        removed: the same state has the same id and the same results.

    Raises
    ------
    LeakError : the profile knows something from at or after `now`.
    FeatureError : `profiles` or `popularity` are not of the shape above.
    """
    _check_shapes(profiles, popularity, world)
    moment = Moment(profiles, popularity, now)
    action, removed = open_candidates(request, world.catalog, now)
    degraded = _degraded(moment, world)
    results: tuple[RankedAction, ...] = ()
    if degraded:
        removed += [
            Removed(world.catalog.action_ids[one], "arbitration", "", "scoring", degraded[0])
            for one in action
        ]
    elif world.model is not None and len(action):
        action, unbuilt = _with_features(world, action)
        results, late = _rank(request, moment, world, world.model, action)
        removed += unbuilt + late
    if not results:
        results = (_default(request, world.catalog),)
    elif request.candidates and world.catalog.default_action.id in request.candidates:
        removed.append(_outranked(world.catalog.default_action.id))
    return Decision(
        decision_id=id_of(request, moment, world, removed, decision_id),
        decided_at=now,
        results=results,
        removed=tuple(removed),
        versions=world.versions,
        degraded=degraded,
        feature_age_s=moment.age_s,
    )


def _check_shapes(profiles: Profiles, popularity: Array, world: World) -> None:
    if len(profiles) != 1:
        raise FeatureError(f"a decision takes one profile, not {len(profiles)}")
    actions = len(world.catalog.actions)
    if popularity.shape[:2] != (1, actions):
        raise FeatureError(
            f"popularity has the shape {popularity.shape}; the catalog needs (1, {actions}, ...)"
        )


def _degraded(moment: Moment, world: World) -> tuple[str, ...]:
    """Return the codes of what keeps this customer's candidates from being scored."""
    codes: list[str] = []
    if not moment.profiles.known[0]:
        codes.append("unknown_customer")
    elif moment.profiles.layout.hash != world.layout.hash:
        codes.append("profile_layout_mismatch")
    elif stale(moment.profiles, moment.seconds)[0]:
        codes.append("stale_features")
    return (*codes, *world.degraded)


def _with_features(world: World, action: Index) -> tuple[Index, list[Removed]]:
    """Leave out actions about a category that no profile knows yet: all would seem never bought."""
    known = world.layout.category_position
    unbuilt = [
        one
        for one in action
        if (about := world.catalog.ordered[one].category) and about not in known
    ]
    removed = [
        Removed(world.catalog.action_ids[one], "catalog", "", "category", "features_not_built")
        for one in unbuilt
    ]
    return action[~np.isin(action, unbuilt)], removed


@dataclass(frozen=True)
class _Scored:
    """The eligible candidates, one entry each, in the order of the catalog.

    Attributes
    ----------
    row : where each stands in `columns`.
    """

    actions: tuple[Action, ...]
    columns: Mapping[str, Array]
    row: Index
    matrix: Array
    scores: ModelScores
    factors: Factors
    priority: Array


def _rank(
    request: DecisionRequest, moment: Moment, world: World, model: PropensityModel, action: Index
) -> tuple[tuple[RankedAction, ...], list[Removed]]:
    """Return the best of the open candidates in order, and why the others are not among them."""
    scored, removed = _score(moment, world, model, action)
    if scored is None:
        return (), removed
    names = tuple(eligible.id for eligible in scored.actions)
    order = rank(names, scored.priority, scored.factors.propensity)
    best, rest = order[: request.max_results], order[request.max_results :]
    removed += [_outranked(names[place]) for place in rest]
    reasons = _reasons(request, model, scored, best)
    results = tuple(
        _result(request, world.catalog, model, scored, int(place), number, why)
        for number, (place, why) in enumerate(zip(best, reasons, strict=True), start=1)
    )
    return results, removed


def _score(
    moment: Moment, world: World, model: PropensityModel, action: Index
) -> tuple[_Scored | None, list[Removed]]:
    catalog, builder = world.catalog, world.builder
    if builder is None:
        raise FeatureError("a world with a model needs the builder of its matrix")
    columns = builder.columns(moment.candidates(action))
    failed = catalog.rule_book.first_failed(columns, action)
    removed = [
        Removed(catalog.action_ids[action[row]], rule.tier, rule.tier, rule.id, rule.reason)
        for row in np.flatnonzero(failed >= 0)
        for rule in (catalog.rule_book.rules[failed[row]],)
    ]
    row = np.flatnonzero(failed < 0)
    if not len(row):
        return None, removed
    matrix = columns.matrix()[row]
    ones = np.ones(len(row))
    value = amounts(*catalog.values, columns, action)[row]
    scores = model.score(matrix)
    factors = Factors(scores.propensity, ones, value, ones)
    eligible = tuple(catalog.ordered[position] for position in action[row])
    priority = priorities(factors, world.switches)
    return _Scored(eligible, columns, row, matrix, scores, factors, priority), removed


def _reasons(
    request: DecisionRequest, model: PropensityModel, scored: _Scored, best: Index
) -> list[tuple[Reason, ...]]:
    """Return the reasons of the best candidates, in their order."""
    if request.explain == "none":
        return [()] * len(best)
    everything = request.explain == "all"
    limit = None if everything else TOP_REASONS
    names = [scored.actions[place].name.in_language(request.language) for place in best]
    told = [
        Told(scored.columns, int(scored.row[place]), name, request.language)
        for place, name in zip(best, names, strict=True)
    ]
    if everything:
        added = model.exact_contributions(scored.matrix[best])
    else:
        added = scored.scores.path_contributions(best)
    return [
        top_reasons(model.features, row, one, limit) for row, one in zip(added, told, strict=True)
    ]


def _result(
    request: DecisionRequest,
    catalog: Catalog,
    model: PropensityModel,
    scored: _Scored,
    place: int,
    number: int,
    reasons: tuple[Reason, ...],
) -> RankedAction:
    action, factors = scored.actions[place], scored.factors
    return RankedAction(
        rank=number,
        action_id=action.id,
        name=action.name.in_language(request.language),
        issue=action.issue,
        group=action.group,
        treatment=_treatment(request, catalog, action.id),
        propensity=float(factors.propensity[place]),
        label_model=model.manifest.label_model,
        evidence=float(model.manifest.evidence.get(action.id, 0.0)),
        value=float(factors.value[place]),
        context_weight=float(factors.context_weight[place]),
        lever=float(factors.lever[place]),
        priority=float(scored.priority[place]),
        reasons=reasons,
    )


def _default(request: DecisionRequest, catalog: Catalog) -> RankedAction:
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


def _treatment(request: DecisionRequest, catalog: Catalog, action_id: str) -> Treatment:
    treatment = catalog.treatment(action_id, request.channel, request.language)
    if treatment is None:
        raise CatalogError(f"{action_id}: no treatment on the channel {request.channel!r}")
    return treatment


def _outranked(action_id: str) -> Removed:
    return Removed(action_id, "arbitration", "", "max_results", "outranked")
