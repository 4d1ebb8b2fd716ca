from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from features.errors import ConfigError
from training.fit import DEFAULTS, fit
from training.metrics import roc_auc
from training.training_set import TrainingSet


def test_the_booster_finds_the_signal_of_the_synthetic_world(
    train: TrainingSet, test: TrainingSet
) -> None:
    booster = fit(train, DEFAULTS, rounds=60, seed=1, threads=1)
    # The truth itself scores about 0.80 on such rows.
    assert roc_auc(test.y, booster.predict(test.x)) > 0.74
    assert booster.feature_name() == list(train.features)


def test_the_same_seed_gives_the_same_text_and_another_seed_does_not(train: TrainingSet) -> None:
    first, again, other = (
        fit(train, DEFAULTS, rounds=5, seed=seed, threads=1) for seed in (1, 1, 2)
    )
    assert first.model_to_string() == again.model_to_string()
    assert first.model_to_string() != other.model_to_string()


def test_early_stopping_keeps_the_round_that_was_best_on_later_rows(
    train: TrainingSet, valid: TrainingSet
) -> None:
    seen: dict[str, dict[str, list[float]]] = {}
    record = lgb.record_evaluation(seen)
    booster = fit(train, {"learning_rate": 0.3}, 400, 1, valid, 10, callbacks=[record], threads=1)
    losses = seen["valid_0"]["binary_logloss"]
    assert len(losses) == booster.best_iteration + 10 < 400
    assert booster.best_iteration == np.argmin(losses) + 1


def test_early_stopping_without_later_rows_is_refused(train: TrainingSet) -> None:
    with pytest.raises(ConfigError, match="early_stopping=10"):
        fit(train, DEFAULTS, 10, seed=1, early_stopping=10)


@pytest.mark.parametrize("name", ["is_unbalance", "scale_pos_weight"])
def test_class_weights_are_refused(train: TrainingSet, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        fit(train, {name: 5}, 10, seed=1)


def test_the_training_rows_are_left_as_they_were(train: TrainingSet) -> None:
    before = train.x.copy()
    fit(train, DEFAULTS, rounds=2, seed=1)
    np.testing.assert_array_equal(train.x, before)
