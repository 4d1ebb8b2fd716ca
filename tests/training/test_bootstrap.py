from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from training.bootstrap import (
    Measured,
    resample_customers,
    weighted_areas,
    weighted_ece,
    weighted_mean,
)
from training.metrics import ece, equal_mass_bins, row_log_loss

ROWS, CUSTOMERS = 2000, 60


def world(decimals: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    score = rng.random(ROWS)
    y = (rng.random(ROWS) < 0.2 * score).astype(float)
    score = score if decimals is None else score.round(decimals)
    return y, score, rng.integers(0, CUSTOMERS, ROWS)


@pytest.mark.parametrize("decimals", [None, 2, 1, 0])
def test_weighted_areas_are_those_of_scikit_learn_with_and_without_ties(
    decimals: int | None,
) -> None:
    y, score, customer = world(decimals)
    resamples = resample_customers(customer, samples=20, seed=1)
    auc, precision = weighted_areas(y, score, resamples)
    for sample, weight in enumerate(resamples.weight[:, resamples.customer]):
        assert auc[sample] == pytest.approx(roc_auc_score(y, score, sample_weight=weight))
        assert precision[sample] == pytest.approx(
            average_precision_score(y, score, sample_weight=weight)
        )


def test_weighted_mean_and_calibration_error_are_those_of_the_repeated_rows() -> None:
    y, score, customer = world()
    probability = 0.3 * score
    resamples = resample_customers(customer, samples=5, seed=1)
    losses = weighted_mean(row_log_loss(y, probability), resamples.customer, resamples)
    errors = weighted_ece(y, probability, resamples)
    bin_of = equal_mass_bins(probability)
    for sample, weight in enumerate(resamples.weight[:, resamples.customer]):
        again = np.repeat(np.arange(ROWS), weight.astype(int))
        assert losses[sample] == pytest.approx(row_log_loss(y, probability)[again].mean())
        gap = np.bincount(bin_of[again], weights=(probability - y)[again])
        assert errors[sample] == pytest.approx(np.abs(gap).sum() / len(again))


def test_weights_of_one_give_the_metrics_of_the_rows_themselves() -> None:
    y, score, customer = world(2)
    drawn = resample_customers(customer, samples=1, seed=1)
    once = type(drawn)(np.ones_like(drawn.weight), drawn.customer)
    auc, _ = weighted_areas(y, score, once)
    assert auc[0] == pytest.approx(roc_auc_score(y, score))
    assert weighted_ece(y, score, once)[0] == pytest.approx(ece(y, score))


def test_a_resample_draws_as_many_customers_as_there_are_and_repeats_with_its_seed() -> None:
    customer = np.array([7, 7, 900, 12, 12, 12])
    drawn, again = (resample_customers(customer, samples=50, seed=2) for _ in range(2))
    np.testing.assert_array_equal(drawn.weight.sum(axis=1), 3)
    np.testing.assert_array_equal(drawn.weight, again.weight)
    assert len(np.unique(drawn.weight, axis=0)) > 1
    assert drawn.customer.tolist() == [0, 0, 2, 1, 1, 1]


def test_undefined_values_are_left_out_of_a_mean() -> None:
    resamples = resample_customers(np.arange(4), samples=1, seed=0)
    once = type(resamples)(np.ones((1, 4)), resamples.customer)
    assert weighted_mean(np.array([1.0, np.nan, 3.0, np.nan]), np.arange(4), once)[0] == 2.0


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for world_seed in range(200):
        rng = np.random.default_rng(world_seed)
        values, customer = rng.normal(size=150), np.arange(150)
        resamples = resample_customers(customer, samples=200, seed=world_seed)
        samples = weighted_mean(values, customer, resamples)
        found = Measured(float(values.mean()), samples).interval()
        assert found is not None
        covered += found.low <= 0 <= found.high
    # 95 % of 200 within four standard errors of a binomial share.
    assert abs(covered / 200 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 200)


def test_rows_of_one_customer_do_not_count_as_independent() -> None:
    values = np.random.default_rng(1).normal(size=100)
    copies, owner = np.repeat(values, 20), np.repeat(np.arange(100), 20)

    def width(customer: np.ndarray) -> float:
        resamples = resample_customers(customer, samples=300, seed=1)
        samples = weighted_mean(copies, resamples.customer, resamples)
        found = Measured(float(copies.mean()), samples).interval()
        assert found is not None
        return found.high - found.low

    assert width(owner) > 3 * width(np.arange(2000))


def test_a_paired_difference_is_narrower_than_the_figures_it_compares() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(size=500)
    one = Measured(0.1, shared + 0.1 + 0.01 * rng.normal(size=500))
    other = Measured(0.0, shared)
    difference = one.minus(other)
    assert difference is not None
    assert 0 < difference.low < difference.value < difference.high < 0.2


def test_an_undefined_metric_has_no_interval() -> None:
    assert Measured(float("nan"), np.zeros(3)).interval() is None
    assert Measured(0.5, np.full(3, np.nan)).interval() is None


def test_no_positive_row_gives_undefined_areas() -> None:
    resamples = resample_customers(np.arange(5), samples=2, seed=0)
    auc, precision = weighted_areas(np.zeros(5), np.arange(5.0), resamples)
    assert np.isnan(auc).all()
    assert np.isnan(precision).all()
