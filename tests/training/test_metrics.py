from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import (
    ece,
    equal_mass_bins,
    hit_at_k,
    log_loss,
    ndcg_at_k,
    pr_auc,
    rank_candidates,
    reciprocal_rank,
    revenue_at_k,
    roc_auc,
)

DECISION = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
Y = np.array([0.0, 1, 1, 1, 0, 0, 0, 0, 0])
SCORE = np.array([3.0, 2, 1, 1, 2, 3, 1, 2, 3])
"""The first decision ranks its positives 2nd and 3rd, the second its only one 3rd."""


def test_ranking_metrics_of_a_worked_example() -> None:
    ranked = rank_candidates(DECISION, SCORE, seed=0)
    best_of_two = 1 + 1 / np.log2(3)
    first, second = (1 / np.log2(3) + 1 / 2) / best_of_two, 1 / 2
    np.testing.assert_allclose(ndcg_at_k(ranked, Y, 3), [first, second, np.nan])
    np.testing.assert_array_equal(hit_at_k(ranked, Y, 1), [0, 0, np.nan])
    np.testing.assert_array_equal(hit_at_k(ranked, Y, 2), [1, 0, np.nan])
    np.testing.assert_allclose(reciprocal_rank(ranked, Y), [1 / 2, 1 / 3, np.nan])


def test_revenue_counts_decisions_without_a_positive_too() -> None:
    ranked = rank_candidates(DECISION, SCORE, seed=0)
    revenue = np.arange(9.0)
    np.testing.assert_array_equal(revenue_at_k(ranked, revenue, 1), [0.0, 5.0, 8.0])
    np.testing.assert_array_equal(revenue_at_k(ranked, revenue, 2), [1.0, 9.0, 15.0])


def test_the_order_of_decisions_in_the_rows_does_not_matter() -> None:
    shuffled = np.random.default_rng(0).permutation(9)
    ranked = rank_candidates(DECISION[shuffled], SCORE[shuffled], seed=0)
    straight = rank_candidates(DECISION, SCORE, seed=0)
    np.testing.assert_array_equal(ndcg_at_k(ranked, Y[shuffled], 3), ndcg_at_k(straight, Y, 3))


def test_ties_are_broken_at_random_and_not_by_the_order_of_the_rows() -> None:
    decision = np.repeat(np.arange(4000), 4)
    y = np.tile([1.0, 0, 0, 0], 4000)
    hits = hit_at_k(rank_candidates(decision, np.zeros(16_000), seed=1), y, 1)
    # Four standard errors of a share of 1/4 among 4,000.
    assert abs(hits.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)


def test_the_same_seed_breaks_ties_the_same_way() -> None:
    orders = [rank_candidates(DECISION, np.zeros(9), seed=5).order for _ in range(2)]
    np.testing.assert_array_equal(*orders)


def test_a_perfect_ranking_has_ndcg_one_even_with_more_positives_than_places() -> None:
    ranked = rank_candidates(np.zeros(6, int), np.arange(6.0), seed=0)
    assert ndcg_at_k(ranked, np.array([0.0, 0, 1, 1, 1, 1]), 3) == pytest.approx([1.0])


def test_one_candidate_per_decision_shows_as_a_largest_of_one() -> None:
    assert rank_candidates(np.arange(5), np.zeros(5), seed=0).largest == 1
    assert rank_candidates(DECISION, SCORE, seed=0).largest == 3


def test_metrics_of_one_class_are_undefined_and_not_made_up() -> None:
    zeros, score = np.zeros(4), np.arange(4.0)
    assert np.isnan(roc_auc(zeros, score))
    assert np.isnan(roc_auc(1 - zeros, score))
    assert np.isnan(pr_auc(zeros, score))


def test_log_loss_of_a_worked_example_and_of_a_certain_mistake() -> None:
    y = np.array([1.0, 0.0])
    assert log_loss(y, np.array([0.8, 0.4])) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert np.isfinite(log_loss(y, np.array([0.0, 1.0])))


def test_calibration_error_is_zero_for_the_base_rate_and_the_gap_for_a_shifted_one() -> None:
    y = np.tile([1.0, 0, 0, 0], 100)
    assert ece(y, np.full(400, 0.25)) == pytest.approx(0.0)
    assert ece(y, np.full(400, 0.35)) == pytest.approx(0.1)


def test_calibration_error_does_not_let_opposite_errors_cancel_across_bins() -> None:
    y = np.tile([1.0, 0], 100)
    probability = np.repeat([0.4, 0.6], 100)
    assert ece(y, probability) == pytest.approx(0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_equal_values_share_a_bin_and_bins_follow_the_values(values: list[float]) -> None:
    probability = np.array(values)
    bins = equal_mass_bins(probability)
    order = np.argsort(probability)
    assert (np.diff(bins[order]) >= 0).all()
    for value in np.unique(probability):
        assert len(np.unique(bins[probability == value])) == 1


def test_bins_of_distinct_values_hold_about_equally_many_rows() -> None:
    rows = np.bincount(equal_mass_bins(np.random.default_rng(0).random(1500)))
    assert len(rows) == 15
    assert rows.min() >= 99
    assert rows.max() <= 101
