from datetime import date

import numpy as np
import pytest

from features.calendar import Calendar
from features.errors import ConfigError
from training.problem import Problem, Schedule, Slices
from training.slices import cut


def problem(**cuts: str) -> Problem:
    dates = {
        "validate_from": "2017-08-14",
        "calibrate_from": "2017-09-11",
        "test_from": "2017-10-09",
    }
    return Problem(
        name="p",
        label_model="adoption",
        catalog="actions.yaml",
        decisions=Schedule(kind="schedule", first=date(2017, 4, 24), last=date(2017, 12, 4)),
        slices=Slices(**{name: date.fromisoformat(day) for name, day in (dates | cuts).items()}),
    )


def moments(*days: str) -> np.ndarray:
    return np.array(days, dtype="datetime64[s]").astype(np.int64).astype(float)


EVERY_28_DAYS = moments(*(str(np.datetime64("2017-04-24") + 28 * beat) for beat in range(9)))


def test_each_row_learns_only_what_was_known_when_the_next_slice_begins() -> None:
    cuts = cut(EVERY_28_DAYS, problem(), Calendar())
    window = 28 * 86_400
    assert (EVERY_28_DAYS[cuts.tune] + window <= EVERY_28_DAYS[cuts.validate].min()).all()
    assert (
        EVERY_28_DAYS[cuts.before_calibration] + window <= EVERY_28_DAYS[cuts.calibrate].min()
    ).all()
    assert (EVERY_28_DAYS[cuts.learn] + window <= EVERY_28_DAYS[cuts.test].min()).all()


def test_the_slices_of_the_demo_are_those_of_its_reference_numbers() -> None:
    cuts = cut(EVERY_28_DAYS, problem(), Calendar())
    assert [int(mask.sum()) for mask in vars(cuts).values()] == [4, 1, 5, 1, 6, 3]


def test_a_row_whose_window_is_still_open_is_in_no_earlier_slice() -> None:
    overlapping = moments("2017-04-24", "2017-08-14", "2017-09-11", "2017-09-12", "2017-10-09")
    cuts = cut(overlapping, problem(), Calendar())
    assert not (cuts.learn | cuts.test | cuts.calibrate)[3]


def test_days_are_those_of_the_business_time_zone() -> None:
    # 23:00 UTC on the 8th is the 9th in Berlin, where the test slice has begun.
    late = moments("2017-10-08T23:00", "2017-04-24", "2017-08-14", "2017-09-11")
    assert cut(late, problem(), Calendar("Europe/Berlin")).test.tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_an_empty_slice_is_named_with_its_dates() -> None:
    with pytest.raises(ConfigError, match="'validate' is empty.*2017-08-14.*2017-09-11"):
        cut(moments("2017-04-24", "2017-09-11", "2017-10-09"), problem(), Calendar())


def test_slices_in_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="validate_from < calibrate_from < test_from"):
        problem(test_from="2017-09-01")
