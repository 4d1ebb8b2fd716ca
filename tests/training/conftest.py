"""A small world whose truth is known: 8 actions, a signal per customer and one per action."""

from __future__ import annotations

from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pytest

from training.fit import DEFAULTS, fit
from training.training_set import TrainingSet

DAY = 86_400.0
ACTIONS = tuple(f"action_{code}" for code in range(8))
FEATURES = ("affinity", "recency_days", "action_rate", "noise_a", "noise_b")


def make_set(decisions: int, seed: int, first_day: int) -> TrainingSet:
    """Return decisions of one a day and customer, 8 candidates each, about 15 % positive."""
    rng = np.random.default_rng(seed)
    rows = decisions * len(ACTIONS)
    decision = np.repeat(np.arange(decisions), len(ACTIONS))
    action = np.tile(np.arange(len(ACTIONS)), decisions)
    affinity, recency = rng.exponential(2.0, rows), rng.exponential(30.0, rows)
    log_odds = -3.2 + 0.6 * affinity - 0.02 * recency + 0.2 * action
    y = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)
    value = np.exp(rng.normal(1.0, 0.6, rows))
    x = np.column_stack([affinity, recency, action / 8, *rng.normal(size=(2, rows))])
    x[rng.random(rows) < 0.05, 1] = np.nan
    return TrainingSet(
        features=FEATURES,
        actions=ACTIONS,
        x=x,
        y=y,
        grade=y,
        weight=np.ones(rows),
        revenue=y * value * rng.uniform(0.5, 1.5, rows),
        value=value,
        decision=decision,
        customer=np.repeat(rng.integers(0, max(2, decisions // 3), decisions), len(ACTIONS)),
        action=action,
        group=action % 2,
        decided_at=(first_day + decision // 10) * DAY,
        closes_on=first_day + decision // 10 + 28,
        segment=action % 5,
        rfm=affinity / (1 + recency / 28),
        logged=np.zeros(rows, dtype=bool),
    )


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., TrainingSet]:
    return make_set


@pytest.fixture(scope="session")
def booster(train: TrainingSet) -> lgb.Booster:
    return fit(train, {**DEFAULTS, "min_data_in_leaf": 20}, rounds=40, seed=1, threads=1)


@pytest.fixture(scope="session")
def train() -> TrainingSet:
    return make_set(decisions=375, seed=1, first_day=100)


@pytest.fixture(scope="session")
def valid() -> TrainingSet:
    return make_set(decisions=150, seed=2, first_day=200)


@pytest.fixture(scope="session")
def test() -> TrainingSet:
    return make_set(decisions=250, seed=3, first_day=300)
