"""The priors of a bundle are drawn towards the overall rate where little is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from training.export import priors_of
from training.training_set import TrainingSet


def rows_of(action: np.ndarray, y: np.ndarray, segment: np.ndarray) -> TrainingSet:
    """Return what priors are made of, nothing else."""

    def take(chosen: np.ndarray) -> Any:
        return rows_of(action[chosen], y[chosen], segment[chosen])

    columns = {"actions": ("often", "rare", "never"), "action": action, "y": y, "grade": y}
    return cast(TrainingSet, SimpleNamespace(segment=segment, take=take, **columns))


def test_a_rate_is_drawn_towards_the_overall_one_the_more_the_less_is_behind_it() -> None:
    action = np.array([0] * 980 + [1] * 20)
    y = np.array([1.0] * 98 + [0.0] * 882 + [1.0] * 2 + [0.0] * 18)
    priors = priors_of(rows_of(action, y, action))
    assert priors.overall == pytest.approx(0.1)
    assert priors.per_action == pytest.approx({"often": 0.1, "rare": 0.1})
    lucky = priors_of(
        rows_of(np.array([0] * 99 + [1]), np.array([0.0] * 99 + [1.0]), np.zeros(100))
    )
    assert lucky.per_action["rare"] == pytest.approx((1 + 20 * 0.01) / 21)
    assert lucky.per_action["often"] == pytest.approx(20 * 0.01 / 119)


def test_an_action_without_rows_has_no_rate_of_its_own() -> None:
    priors = priors_of(rows_of(np.array([0, 1]), np.array([1.0, 0.0]), np.array([0, 3])))
    assert set(priors.per_action) == {"often", "rare"}
    assert {name: set(rates) for name, rates in priors.per_segment.items()} == {
        "0": {"often"},
        "3": {"rare"},
    }
