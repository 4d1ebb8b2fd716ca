"""What each candidate is worth trying: propensity, context weight, value, lever, priority."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.arbitration import Factors, priorities
from decisioning.funnel import Array, Funnel, Index, Verdicts
from decisioning.request import DecisionRequest
from decisioning.screening import Screened
from decisioning.value import amounts
from decisioning.world import ModelScores, World


@dataclass(frozen=True)
class Scored:
    """The candidates that could be scored, one entry each, in the order of the catalog.

    Attributes
    ----------
    row : shape (scored,), where each stands in the funnel and in its columns.
    action : shape (scored,), positions in the catalog.
    matrix : shape (scored, inputs of the model).
    scores : what the model says; None where there was none to ask.
    predicted : shape (scored,), which propensities are the model's or a prior, not fixed ones.
    model_propensity : shape (scored,), NaN where the model was not asked.
    evidence : shape (scored,), positive outcomes that the model has seen.
    """

    row: Index
    action: Index
    matrix: Array
    scores: ModelScores | None
    predicted: Verdicts
    model_propensity: Array
    evidence: Array
    factors: Factors
    priority: Array


def score(
    funnel: Funnel, screened: Screened, world: World, unscored: tuple[str, ...]
) -> Scored | None:
    """Return the scores of what is left of the funnel; None where nothing is left.

    Parameters
    ----------
    unscored : why the model cannot score this customer, as codes; only actions with a fixed
        propensity or a prior go on then.
    """
    fixed = world.catalog.arrays.fixed_propensity[funnel.action]
    if unscored:
        unknown = np.isnan(fixed) & np.isnan(world.priors[funnel.action])
        funnel.turn_down(unknown, "scoring", "model", unscored[0])
    worth = amounts(*world.catalog.values, screened.columns, funnel.action)
    usable = np.isfinite(worth) & (worth >= 0.0)
    if not usable.all():
        funnel.turn_down(~usable, "scoring", "value", "value_not_usable")
    row = funnel.rows
    if not len(row):
        return None
    action, fixed = funnel.action[row], fixed[row]
    matrix = screened.columns.matrix(row)
    model = None if unscored else world.model
    scores = None if model is None else model.score(matrix)
    said = world.priors[action] if scores is None else scores.propensity
    book, evidence = world.arbitration, world.evidence[action]
    asked = np.isnan(fixed)
    factors = Factors(
        propensity=np.where(asked, book.smoothed(said, evidence, action), fixed),
        context_weight=book.context_weights(screened.contexts)[action],
        value=worth[row],
        lever=book.lever[action],
    )
    return Scored(
        row=row,
        action=action,
        matrix=matrix,
        scores=scores,
        predicted=asked,
        model_propensity=np.where(asked & (scores is not None), said, np.nan),
        evidence=evidence,
        factors=factors,
        priority=priorities(factors, book.switches),
    )


def worth_trying(funnel: Funnel, scored: Scored, request: DecisionRequest, world: World) -> Index:
    """Turn down what is below a threshold or too young for this customer; return what is left.

    What is mandatory has no threshold.

    Returns
    -------
    places : positions in `scored`.
    """
    book, action, row = world.arbitration, scored.action, scored.row
    left = np.ones(len(row), dtype=bool)
    optional = ~world.catalog.arrays.mandatory[action]
    if world.configuration.arbitration.ramp is not None:
        reached = book.reach(scored.evidence, action, request.customer_id, request.direction)
        _turn_down(funnel, row, left, scored.predicted & ~reached, "ramp", "young_action")
    low = optional & (scored.factors.propensity < book.minimum_propensity[action])
    _turn_down(funnel, row, left, low, "thresholds.propensity", "below_propensity")
    low = optional & (scored.priority < book.minimum_priority[action])
    _turn_down(funnel, row, left, low, "thresholds.priority", "below_priority")
    places: Index = np.flatnonzero(left)
    return places


def _turn_down(
    funnel: Funnel, row: Index, left: Verdicts, which: Verdicts, policy_id: str, reason: str
) -> None:
    """Turn down the entries of a mask that are left, and note that they are not any more."""
    which = which & left
    if np.count_nonzero(which):
        left &= ~which
        funnel.turn_down_rows(row[which], "scoring", policy_id, reason)
