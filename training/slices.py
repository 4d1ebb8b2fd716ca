"""Cuts in time: which rows may be learnt from, so that nothing learnt lies in what is judged by.

A row whose outcome window is still open when a slice begins is in no earlier slice: the embargo.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from features.calendar import Calendar
from features.errors import ConfigError
from training.problem import Problem

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cuts:
    """Masks over rows, shape (rows,).

    Attributes
    ----------
    tune, validate : what tuning learns from and stops on.
    before_calibration, calibrate : what the calibrated model learns from and is calibrated on.
    learn, test : what the final model learns from and is judged on.
    """

    tune: Mask
    validate: Mask
    before_calibration: Mask
    calibrate: Mask
    learn: Mask
    test: Mask


def cut(
    decided_at: Array, problem: Problem, calendar: Calendar, closes_on: Array | None = None
) -> Cuts:
    """Return the slices of rows decided at these moments (seconds since 1970, UTC).

    Parameters
    ----------
    closes_on : shape (rows,), the first business day that begins with a row's window closed; by
        default the problem's `window_days` after the day of the decision.

    Raises
    ------
    ConfigError : a slice is empty; the message names its key.
    """
    cuts = slices_of(decided_at, problem, calendar, closes_on)
    slices, day = problem.slices, calendar.day(decided_at)
    for name, mask in vars(cuts).items():
        if not mask.any():
            span = f"{_date(day.min())} to {_date(day.max())}" if len(day) else "none"
            raise ConfigError(
                f"slices: the slice {name!r} is empty (validate_from {slices.validate_from}, "
                f"calibrate_from {slices.calibrate_from}, test_from {slices.test_from}, "
                f"window_days {problem.window_days}; decisions: {span})"
            )
    return cuts


def slices_of(
    decided_at: Array, problem: Problem, calendar: Calendar, closes_on: Array | None = None
) -> Cuts:
    """Return what `cut` returns, whether or not a slice is empty."""
    day = calendar.day(decided_at)
    closes = day + problem.window_days if closes_on is None else closes_on
    slices = problem.slices
    validate, calibrate, test = (
        _day(slices.validate_from), _day(slices.calibrate_from), _day(slices.test_from)
    )  # fmt: skip
    return Cuts(
        tune=closes <= validate,
        validate=(day >= validate) & (closes <= calibrate),
        before_calibration=closes <= calibrate,
        calibrate=(day >= calibrate) & (closes <= test),
        learn=closes <= test,
        test=day >= test,
    )


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _date(day: float) -> str:
    return str(np.datetime64(int(day), "D"))
