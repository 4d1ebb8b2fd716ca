"""Quiet hours on the customer's own clock, also on the days when clocks are changed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache, partial

import numpy as np

from decisioning.catalog import Catalog
from decisioning.local_time import LocalTime
from decisioning.policies.contact_rules import WEEKDAYS, QuietHours
from decisioning.policies.limits import Checked, Occasion, Verdicts, transactional

_DAYS_AHEAD = 7
_LOOKED_AHEAD_S = (_DAYS_AHEAD - 1) * 86_400.0


class Quiet:
    """One entry of the quiet hours."""

    reason = "quiet_hours"
    needs_history = False
    takes_places = False
    counts = ()
    contact_seconds = 0.0
    narrowest = np.inf

    def __init__(self, hours: QuietHours, catalog: Catalog) -> None:
        self.id = hours.id
        self.words = hours.words
        self.hours = self.entry = hours
        self.applies: Verdicts = ~transactional(catalog)
        self.blocked: Verdicts = np.zeros_like(self.applies)
        self._times = lru_cache(maxsize=256)(partial(quiet_times, hours))

    def minds(self, occasion: Occasion) -> bool:
        """Tell that it has to be asked at every moment."""
        return True

    def check(self, occasion: Occasion, rows: Verdicts) -> Checked | None:
        """Return what it says of the rows that it is about; None where it is not quiet."""
        times = self._times(occasion.local.shown.tzinfo, occasion.local.today)
        ends = next((over for begins, over in times if begins <= occasion.now < over), None)
        if ends is None:
            return None
        # Quiet for longer than was looked ahead is quiet for ever, as far as anybody knows.
        known = ends - occasion.now < _LOOKED_AHEAD_S
        return Checked(rows, np.full(len(rows), ends if known else np.nan))


def quiet_times(hours: QuietHours, zone: tzinfo, today: date) -> tuple[tuple[float, float], ...]:
    """Return the quiet times around a day, in seconds since 1970: from, and until.

    Those that follow one another without a break are one.
    """
    local = LocalTime(datetime.combine(today, time(12), zone))
    days_later, stops_at = hours.stops_at
    times: list[tuple[float, float]] = []
    for days in range(-1, _DAYS_AHEAD + 1):
        day = today + timedelta(days=days)
        if hours.weekdays and WEEKDAYS[day.weekday()] not in hours.weekdays:
            continue
        begins = local.moment(day, hours.starts_at)
        over = local.moment(day + timedelta(days=days_later), stops_at, last=True)
        if times and begins <= times[-1][1]:
            begins, _ = times.pop()
        times.append((begins, over))
    return tuple(times)
