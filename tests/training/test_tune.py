from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.errors import ConfigError
from training.fit import DEFAULTS
from training.training_set import TrainingSet
from training.tune import Range, SearchSpace, Tuning, tune

SPACE = SearchSpace(max_rounds=80, early_stopping=10)


def search(
    train: TrainingSet, valid: TrainingSet, storage: Path, trials: int, seconds: float = 60.0
) -> Tuning:
    return tune(train, valid, SPACE, trials, seconds, seed=3, storage=storage, threads=1)


def test_the_first_trial_is_the_defaults_and_none_is_better_than_the_best(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    found = search(train, valid, tmp_path / "tuning.log", trials=4)
    assert found.trials[0].parameters == pytest.approx(DEFAULTS)
    complete = [t for t in found.trials if t.state == "complete"]
    assert found.log_loss == min(t.log_loss for t in complete if t.log_loss is not None)
    best = next(t for t in complete if t.log_loss == found.log_loss)
    assert (best.parameters, best.rounds) == (found.parameters, found.rounds)
    assert 0 < found.rounds <= SPACE.max_rounds


def test_the_same_seed_finds_the_same_parameters(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    one, two = (search(train, valid, tmp_path / name, trials=3) for name in ("one", "two"))
    assert one == two


def test_a_search_goes_on_where_it_stopped_and_draws_new_numbers(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    first = search(train, valid, tmp_path / "tuning.log", trials=2)
    whole = search(train, valid, tmp_path / "tuning.log", trials=4)
    assert whole.trials[:2] == first.trials
    assert len({tuple(t.parameters.values()) for t in whole.trials}) == 4
    assert search(train, valid, tmp_path / "tuning.log", trials=4) == whole


def test_an_exhausted_time_budget_ends_the_search_with_at_least_one_trial(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    found = search(train, valid, tmp_path / "tuning.log", trials=1000, seconds=0.2)
    assert 1 <= len(found.trials) < 1000
    assert found.trials[0].state == "complete"


def test_a_random_split_is_refused(train: TrainingSet, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).random(len(train)) < 0.8
    with pytest.raises(ConfigError, match="split by time"):
        search(train.take(drawn), train.take(~drawn), tmp_path / "tuning.log", trials=1)


def test_rows_decided_at_the_same_moment_as_the_first_validation_row_are_refused(
    train: TrainingSet, tmp_path: Path
) -> None:
    last = train.decided_at == train.decided_at.max()
    with pytest.raises(ConfigError, match="split by time"):
        search(train, train.take(last), tmp_path / "tuning.log", trials=1)


def test_a_study_of_other_rows_is_not_continued(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    search(train, valid, tmp_path / "tuning.log", trials=1)
    fewer = train.take(np.arange(len(train)) < 2000)
    with pytest.raises(ConfigError, match=r"tuning\.log.*other rows"):
        search(fewer, valid, tmp_path / "tuning.log", trials=1)


def test_progress_is_shown_when_asked_for(
    train: TrainingSet, valid: TrainingSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune(train, valid, SPACE, 1, 60.0, seed=3, storage=tmp_path / "tuning.log", progress=True)
    assert "1/1" in capsys.readouterr().out


def test_a_range_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="low=2.0, high=1.0"):
        Range(low=2.0, high=1.0)


@pytest.mark.parametrize("random", [True, False])
def test_random_thresholds_are_part_of_what_was_found(
    random: bool, train: TrainingSet, valid: TrainingSet, tmp_path: Path
) -> None:
    space = SearchSpace(extra_trees=random, max_rounds=10, early_stopping=5)
    found = tune(train, valid, space, 1, 60.0, 3, tmp_path / "j")
    assert found.parameters["extra_trees"] is random
