"""The figures of one configuration."""

from __future__ import annotations

import numpy as np

from decisioning.request import Direction
from decisioning.simulation.answered import LEFT, NO_ACTION, SCREENING, Answered, Array
from decisioning.simulation.health import no_action_health, optionality_health
from decisioning.simulation.report import (
    ActionFigures,
    Estimate,
    Optionality,
    Side,
    StageMean,
    Turned,
)
from decisioning.simulation.run import Variant
from decisioning.simulation.weak import only_weak
from decisioning.simulation.wins import win_shares

_MOST_REASONS = 3


def side_of(
    variant: Variant, answered: Answered, direction: Direction, weak_below: float | None
) -> Side:
    """Return everything about one configuration."""
    customers = answered.customers
    no_action = float((answered.first == NO_ACTION).mean())
    return Side(
        catalog_version=variant.configuration.catalog.version,
        rules_version=variant.configuration.rules_version,
        funnel=_funnel(answered),
        optionality=_optionality(answered),
        no_action=no_action,
        no_action_health=no_action_health(no_action, direction),
        weak=float(only_weak(answered, weak_below).mean()),
        worth=estimate(answered.worth),
        actions=_actions(answered),
        degraded={code: count / customers for code, count in sorted(answered.degraded.items())},
        control_group=answered.control_group / customers,
        consent_assumed=answered.consent_assumed / customers,
    )


def estimate(values: Array) -> Estimate:
    """Return the mean of one value per customer and its standard error; 0 for one customer.

    >>> estimate(np.array([1.0, 3.0]))
    Estimate(mean=2.0, error=1.0)
    """
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return Estimate(float(values.mean()), spread / float(np.sqrt(len(values))))


def _funnel(answered: Answered) -> tuple[StageMean, ...]:
    entered = float(len(answered.catalog.action_ids))
    means = []
    for stage in SCREENING:
        removed = float(answered.removed_at(stage).mean())
        means.append(StageMean(stage, entered, removed, entered - removed))
        entered -= removed
    return tuple(means)


def _optionality(answered: Answered) -> Optionality:
    left = answered.left
    mean = float(left.mean())
    shares = {
        "0": (left == 0).mean(),
        "1": (left == 1).mean(),
        "2-6": ((left >= 2) & (left <= 6)).mean(),
        "7+": (left >= 7).mean(),
    }
    return Optionality(
        mean=mean,
        median=float(np.median(left)),
        shares={name: float(share) for name, share in shares.items()},
        health=optionality_health(mean),
    )


def _actions(answered: Answered) -> tuple[ActionFigures, ...]:
    wins = win_shares(answered)
    left = (answered.verdict == LEFT).mean(axis=0)
    return tuple(
        ActionFigures(
            action_id=action.id,
            name=action.name.en,
            left=float(left[place]),
            wins={formula: float(share[place]) for formula, share in wins.items()},
            turned_down=_turned_down(answered, place),
        )
        for place, action in enumerate(answered.catalog.ordered)
    )


def _turned_down(answered: Answered, place: int) -> tuple[Turned, ...]:
    counts = np.bincount(answered.verdict[:, place], minlength=len(answered.verdicts))
    counts[LEFT] = 0
    reasons = []
    for code in np.argsort(-counts, kind="stable")[:_MOST_REASONS]:
        verdict = answered.verdicts[code]
        if verdict is not None and counts[code]:
            share = float(counts[code] / answered.customers)
            reasons.append(Turned(verdict.stage, verdict.policy_id, verdict.reason, share))
    return tuple(reasons)
