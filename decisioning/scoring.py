"""What each candidate is worth trying: propensity, context weight, value, lever, priority."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from decisioning.arbitration import Factors, priorities
from decisioning.funnel import Array, Funnel, Index, Verdicts
from decisioning.line_up import LineUp
from decisioning.request import DecisionRequest
from decisioning.screening import Screened
from decisioning.world import ModelScores, World


class Scored(NamedTuple):
    """The candidates that could be scored, one entry each, in the order of the catalog.

    Attributes
    ----------
    row : shape (scored,), where each stands in the funnel and in its columns.
    action : shape (scored,), positions in the catalog.
    matrix : shape (asked, inputs of the model).
    scores : what the model says of those; None where there was none to ask.
    asked : shape (scored,), where each stands in both.
    predicted : shape (scored,), which propensities are the model's or a prior, not fixed ones.
    model_propensity : shape (scored,), NaN where the model was not asked.
    evidence : shape (scored,), positive outcomes that the model has seen.
    """

    row: Index
    action: Index
    matrix: Array
    scores: ModelScores | None
    asked: Index
    predicted: Verdicts
    model_propensity: Array
    evidence: Array
    factors: Factors
    priority: Array

    def of(self, places: Index) -> Scored:
        """Return some of the candidates, in their order."""
        return self._replace(
            row=self.row[places],
            action=self.action[places],
            asked=self.asked[places],
            predicted=self.predicted[places],
            model_propensity=self.model_propensity[places],
            evidence=self.evidence[places],
            factors=self.factors.of(places),
            priority=self.priority[places],
        )


def score(
    line_up: LineUp, funnel: Funnel, screened: Screened, world: World, unscored: tuple[str, ...]
) -> Scored | None:
    """Return the scores of what is left of the funnel; None where nothing is left.

    Parameters
    ----------
    unscored : why the model cannot score this customer, as codes; only actions with a fixed
        propensity or a prior go on then.
    """
    actions = world.catalog.arrays
    if unscored:
        unknown = actions.predicted & np.isnan(world.priors)
        funnel.turn_down(unknown[funnel.action], "scoring", "model", unscored[0])
    row, worth = _valued(line_up, funnel, screened, world)
    if not len(row):
        return None
    action, model = funnel.action.take(row), None if unscored else world.model
    matrix = screened.columns.matrix(row)
    scores = None if model is None else model.score(matrix)
    said = world.priors[action] if scores is None else scores.propensity
    book, evidence = world.arbitration, world.evidence.take(action)
    predicted = actions.predicted.take(action)
    believed = book.smoothed(said, evidence, action)
    if np.count_nonzero(predicted) < len(row):
        believed = np.where(predicted, believed, actions.fixed_propensity[action])
        said = np.where(predicted, said, np.nan)
    factors = Factors(
        propensity=believed,
        context_weight=book.context_weights(screened.contexts).take(action),
        value=worth,
        lever=book.lever.take(action),
    )
    return Scored(
        row=row,
        action=action,
        matrix=matrix,
        scores=scores,
        asked=np.arange(len(row)),
        predicted=predicted,
        model_propensity=np.full(len(row), np.nan) if scores is None else said,
        evidence=evidence,
        factors=factors,
        priority=priorities(factors, book.switches),
    )


def _valued(
    line_up: LineUp, funnel: Funnel, screened: Screened, world: World
) -> tuple[Index, Array]:
    """Return the rows that are left and what they are worth; turn down what has no value."""
    row = funnel.rows
    worth = line_up.values.amounts(screened.columns).take(row)
    if world.catalog.values.always_usable:
        return row, worth
    usable = (worth >= 0.0) & (worth < np.inf)
    if np.count_nonzero(usable) < len(row):
        funnel.turn_down_rows(row[~usable], "scoring", "value", "value_not_usable")
        row, worth = row[usable], worth[usable]
    return row, worth


def worth_trying(funnel: Funnel, scored: Scored, request: DecisionRequest, world: World) -> Scored:
    """Turn down what is below a threshold or too young for this customer; return what is left.

    What is mandatory has no threshold.
    """
    book, action, row = world.arbitration, scored.action, scored.row
    ramp = world.configuration.arbitration.ramp
    if ramp is None and not book.has_thresholds:
        return scored
    left = np.ones(len(row), dtype=bool)
    optional = ~world.catalog.arrays.mandatory[action]
    if ramp is not None:
        reached = book.reach(scored.evidence, action, request.customer_id, request.direction)
        _turn_down(funnel, row, left, scored.predicted & ~reached, "ramp", "young_action")
    low = optional & (scored.factors.propensity < book.minimum_propensity[action])
    _turn_down(funnel, row, left, low, "thresholds.propensity", "below_propensity")
    low = optional & (scored.priority < book.minimum_priority[action])
    _turn_down(funnel, row, left, low, "thresholds.priority", "below_priority")
    return scored if left.all() else scored.of(left.nonzero()[0])


def _turn_down(
    funnel: Funnel, row: Index, left: Verdicts, which: Verdicts, policy_id: str, reason: str
) -> None:
    """Turn down the entries of a mask that are left, and note that they are not any more."""
    which = which & left
    if np.count_nonzero(which):
        left &= ~which
        funnel.turn_down_rows(row[which], "scoring", policy_id, reason)
