"""Customers to whom only weak actions are left: every propensity is below a threshold."""

from __future__ import annotations

import numpy as np

from decisioning.simulation.answered import NO_ACTION, Answered, Verdicts

QUANTILE = 0.05
"""How many of the customers have only weak actions under the current configuration, about."""


def weak_threshold(current: Answered) -> float | None:
    """Return the lowest 5 % quantile of the customers' best propensities; None for no customer.

    Customers without an action have no best propensity.
    """
    best = current.best_propensity
    best = best[~np.isnan(best)]
    return float(np.quantile(best, QUANTILE)) if len(best) else None


def only_weak(answered: Answered, threshold: float | None) -> Verdicts:
    """Tell who has an action but only weak ones, shape (customers,)."""
    if threshold is None:
        return np.zeros(answered.customers, dtype=bool)
    weak: Verdicts = (answered.best_propensity < threshold) & (answered.first != NO_ACTION)
    return weak
