"""What a decision starts from."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from decisioning.history import NO_HISTORY
from decisioning.moment import Moment
from features.layout import Layout
from features.profiles import Profiles, no_profile


def test_a_profile_is_as_old_as_the_time_since_it_was_computed(
    make_profile, popularity: np.ndarray, now: datetime
) -> None:
    profile: Profiles = make_profile({"TEA": (1, 3)}, hours_ago=7.5)
    assert Moment(profile, popularity, NO_HISTORY, now).age_s == 7.5 * 3_600


def test_without_a_profile_there_is_no_age(
    layout: Layout, popularity: np.ndarray, now: datetime
) -> None:
    assert Moment(no_profile(layout, "1"), popularity, None, now).age_s is None


def test_candidates_are_rows_of_one_decision(
    profile: Profiles, popularity: np.ndarray, now: datetime
) -> None:
    moment = Moment(profile, popularity, NO_HISTORY, now)
    rows = moment.candidates(np.array([2, 0]))
    assert rows.action.tolist() == [2, 0]
    assert rows.decision.tolist() == [0, 0]
    assert moment.seconds.tolist() == [now.timestamp()]
