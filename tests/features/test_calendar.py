import numpy as np
import pandas as pd
import pytest

from features.calendar import Calendar
from features.errors import ConfigError


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
def test_days_and_midnights_agree_with_pandas_in_every_zone(zone: str) -> None:
    calendar = Calendar(zone)
    moments = pd.date_range("2016-01-01", "2018-06-01", freq="97min", tz="UTC")
    local = moments.tz_convert(zone)
    days = (local.tz_localize(None).normalize() - pd.Timestamp("1970-01-01")).days.to_numpy()
    seconds = moments.as_unit("s").asi8.astype(float)
    np.testing.assert_array_equal(calendar.day(seconds), days)
    assert [calendar.day_of(one) for one in seconds[::7].tolist()] == days[::7].tolist()
    midnights = local.normalize().tz_convert("UTC").tz_localize(None).as_unit("us").to_numpy()
    np.testing.assert_array_equal(calendar.midnight(days.astype(float)), midnights)


def test_an_unknown_time_zone_is_named() -> None:
    with pytest.raises(ConfigError, match="'Mars/Olympus'"):
        Calendar("Mars/Olympus")
