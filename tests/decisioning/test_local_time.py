from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np
import pytest

from decisioning.local_time import LocalTime
from features.calendar import Calendar

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def test_the_customers_clock_goes_before_the_companys() -> None:
    assert LocalTime.at(NOW, "America/New_York", "Europe/Berlin").hour == 8
    assert LocalTime.at(NOW, None, "Europe/Berlin").hour == 14


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "", "a\0b"])
def test_a_time_zone_that_nobody_knows_is_the_companys(zone: str) -> None:
    assert LocalTime.at(NOW, zone, "Europe/Berlin").hour == 14


@pytest.mark.parametrize(
    ("zone", "day", "shows", "last", "moment"),
    [
        ("Europe/Berlin", date(2024, 3, 31), time(0, 0), False, "2024-03-30 23:00"),
        ("Europe/Berlin", date(2024, 4, 1), time(0, 0), False, "2024-03-31 22:00"),
        ("Europe/Berlin", date(2024, 3, 31), time(2, 30), False, "2024-03-31 01:00"),
        ("Europe/Berlin", date(2024, 3, 31), time(2, 30), True, "2024-03-31 01:00"),
        ("Europe/Berlin", date(2024, 10, 27), time(2, 30), False, "2024-10-27 00:30"),
        ("Europe/Berlin", date(2024, 10, 27), time(2, 30), True, "2024-10-27 01:30"),
        ("America/New_York", date(2024, 3, 10), time(2, 0), False, "2024-03-10 07:00"),
        ("America/New_York", date(2024, 11, 3), time(1, 30), True, "2024-11-03 06:30"),
        ("Africa/Cairo", date(2024, 4, 26), time(0, 0), False, "2024-04-25 22:00"),
        ("America/Havana", date(2024, 11, 3), time(0, 0), False, "2024-11-03 04:00"),
    ],
)
def test_a_time_of_the_day_is_a_moment(
    zone: str, day: date, shows: time, last: bool, moment: str
) -> None:
    assert utc(LocalTime.at(NOW, zone, "UTC").moment(day, shows, last)) == moment


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Africa/Cairo", "UTC"])
def test_days_begin_as_they_do_in_the_business_calendar(zone: str) -> None:
    calendar, local = Calendar(zone), LocalTime.at(NOW, zone, "UTC")
    for number in range(19_700, 20_100):
        begins = calendar.midnight(np.array([float(number)])).astype("datetime64[s]").astype(int)[0]
        day = date.fromordinal(date(1970, 1, 1).toordinal() + number)
        assert local.midnight(day) == begins
        assert (local.day_of(begins), local.day_of(begins - 1).toordinal()) == (
            day,
            day.toordinal() - 1,
        )
