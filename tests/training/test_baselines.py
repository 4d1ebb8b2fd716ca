from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from training.baselines import (
    baseline_scores,
    logistic_regression,
    popularity,
    prior,
    random_scores,
    rfm,
    sample_decisions,
)
from training.metrics import log_loss, roc_auc
from training.training_set import TrainingSet


def test_popularity_is_the_training_rate_of_the_action_nearly(
    train: TrainingSet, test: TrainingSet
) -> None:
    found = popularity(train, test).probability
    assert found is not None
    for code in range(8):
        rate = train.y[train.action == code].mean()
        assert found[test.action == code] == pytest.approx(rate, abs=0.01)


def test_an_action_unseen_in_training_gets_the_rate_of_its_group(
    train: TrainingSet, test: TrainingSet
) -> None:
    known = train.take(train.action != 7)
    found = popularity(known, test).score
    like_it = known.y[known.group == 1].mean()
    assert found[test.action == 7] == pytest.approx(like_it, abs=1e-3)
    assert len(np.unique(found)) == 8


def test_an_action_of_an_unseen_group_gets_the_overall_rate(
    train: TrainingSet, test: TrainingSet
) -> None:
    known = train.take(train.group == 0)
    found = popularity(known, test).score
    assert found[test.group == 1] == pytest.approx(known.y.mean(), abs=1e-3)


def test_no_rate_is_exactly_zero_where_no_positive_was_seen(
    train: TrainingSet, test: TrainingSet
) -> None:
    y = np.where(train.action == 0, 0.0, train.y)
    never = replace(train, y=y, grade=y)
    found = popularity(never, test).score
    assert 0 < found[test.action == 0].max() < 0.02


def test_popularity_by_segment_tells_segments_of_an_action_apart(
    train: TrainingSet, test: TrainingSet
) -> None:
    segment = np.random.default_rng(0).integers(0, 2, len(train))
    y = np.where(segment == 1, 1.0, 0.0)
    by_segment = popularity(
        replace(train, segment=segment, y=y, grade=y), test, by_segment=True
    ).score
    plain = popularity(replace(train, segment=segment, y=y, grade=y), test).score
    assert by_segment[test.segment == 1].min() > 0.9
    assert by_segment[test.segment == 0].max() < 0.1
    assert 0.4 < plain.min() < plain.max() < 0.6


def test_the_prior_is_constant_and_has_the_lowest_log_loss_of_all_constants(
    train: TrainingSet,
) -> None:
    found = prior(train, train).probability
    assert found is not None
    assert len(np.unique(found)) == 1
    for other in (found * 0.9, found * 1.1):
        assert log_loss(train.y, found) < log_loss(train.y, other)


def test_heuristics_without_a_probability_say_so(test: TrainingSet) -> None:
    assert rfm(test).probability is None
    assert random_scores(test, seed=0).probability is None


def test_a_missing_recency_frequency_score_ranks_last(test: TrainingSet) -> None:
    holed = test.rfm.copy()
    holed[:10] = np.nan
    assert (rfm(replace(test, rfm=holed)).score[:10] == 0).all()


def test_logistic_regression_beats_every_other_baseline_in_log_loss(
    train: TrainingSet, test: TrainingSet
) -> None:
    losses = {
        name: log_loss(test.y, scores.probability)
        for name, scores in baseline_scores(train, test, seed=0).items()
        if scores.probability is not None
    }
    assert set(losses) == {"prior", "popularity", "logistic_regression"}
    assert min(losses, key=losses.__getitem__) == "logistic_regression"


def test_a_column_without_any_value_is_no_reason_to_stop(
    train: TrainingSet, test: TrainingSet
) -> None:
    empty, x = train.x.copy(), test.x.copy()
    empty[:, 3] = np.nan
    x[:, 3] = np.nan
    found = logistic_regression(replace(train, x=empty), replace(test, x=x), seed=0)
    assert roc_auc(test.y, found.score) > 0.7


def test_logistic_regression_without_a_positive_row_is_the_prior(
    train: TrainingSet, test: TrainingSet
) -> None:
    nothing = replace(train, y=np.zeros(len(train)), grade=np.zeros(len(train)))
    assert logistic_regression(nothing, test, seed=0).score.max() < 0.001


def test_a_sample_consists_of_whole_decisions_in_their_order(
    make_rows: Callable[..., TrainingSet],
) -> None:
    rows = make_rows(decisions=100, seed=1, first_day=0)
    drawn = sample_decisions(rows, max_rows=200, seed=1)
    assert len(drawn) == 200
    assert (np.bincount(drawn.decision)[np.unique(drawn.decision)] == 8).all()
    assert (np.diff(drawn.decision) >= 0).all()
    assert sample_decisions(rows, max_rows=800, seed=1) is rows
