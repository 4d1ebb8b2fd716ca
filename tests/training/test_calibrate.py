from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from features.errors import ModelError
from training.calibrate import MAX_KNOTS, fit_calibration
from training.metrics import ece, log_loss

ROWS = 12_000


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def world(truth: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return raw log-odds, outcomes and the true probability that belongs to them."""
    rng = np.random.default_rng(8)
    raw = rng.normal(-1.5, 1.2, ROWS)
    probability = {
        "right": logistic(raw),
        "too sure": logistic(0.5 * raw - 0.6),
        "stepped": np.where(raw > -1.5, 0.45, np.where(raw > -3.0, 0.20, 0.02)),
    }[truth]
    return raw, (rng.random(ROWS) < probability).astype(float), probability


@pytest.mark.parametrize(
    ("truth", "kind"), [("right", "identity"), ("too sure", "sigmoid"), ("stepped", "isotonic")]
)
def test_the_simplest_kind_that_fits_the_truth_is_chosen(truth: str, kind: str) -> None:
    raw, y, _ = world(truth)
    block = np.random.default_rng(1).integers(0, 800, ROWS)
    found = fit_calibration(raw, y, block=block)
    assert found.calibration.kind == kind
    assert set(found.compared) == {"identity", "sigmoid", "isotonic"}
    assert found.compared[kind] <= found.compared["identity"]


def test_a_sigmoid_finds_the_slope_and_the_shift_of_the_truth() -> None:
    raw, y, _ = world("too sure")
    found = fit_calibration(raw, y, "sigmoid").calibration
    assert found.a == pytest.approx(0.5, abs=0.08)
    assert found.b == pytest.approx(-0.6, abs=0.12)


@pytest.mark.parametrize("truth", ["too sure", "stepped"])
def test_calibration_lowers_log_loss_and_calibration_error(truth: str) -> None:
    raw, y, _ = world(truth)
    half = ROWS // 2
    apply = fit_calibration(raw[:half], y[:half]).calibration.apply
    before, after = logistic(raw[half:]), apply(raw[half:])
    assert log_loss(y[half:], after) < log_loss(y[half:], before)
    assert ece(y[half:], after) < ece(y[half:], before) / 2


def test_isotonic_knots_rise_are_few_and_never_certain() -> None:
    raw, y, _ = world("right")
    found = fit_calibration(raw, y, "isotonic").calibration
    assert len(found.x) == len(found.y) <= MAX_KNOTS
    assert all(a < b for a, b in pairwise(found.x))
    assert all(a <= b for a, b in pairwise(found.y))
    assert 0 < found.y[0] < found.y[-1] < 1


def test_isotonic_keeps_the_order_of_scores_apart_from_the_very_ends() -> None:
    raw, y, _ = world("stepped")
    ordered = np.sort(raw)
    calibrated = fit_calibration(raw, y, "isotonic").calibration.apply(ordered)
    assert (np.diff(calibrated) >= 0).all()
    assert len(np.unique(calibrated)) > 0.9 * ROWS


def test_scores_that_rank_backwards_are_refused() -> None:
    raw, y, _ = world("right")
    with pytest.raises(ModelError, match="backwards"):
        fit_calibration(-raw, y, "sigmoid")


def test_a_slice_of_one_class_is_left_as_it_is() -> None:
    assert fit_calibration(np.zeros(10), np.zeros(10)).calibration.kind == "identity"
    assert fit_calibration(np.zeros(10), np.ones(10), "isotonic").calibration.kind == "identity"


def test_a_slice_of_one_customer_is_left_as_it_is() -> None:
    raw, y, _ = world("too sure")
    found = fit_calibration(raw, y, block=np.zeros(ROWS, int))
    assert found.calibration.kind == "identity"
