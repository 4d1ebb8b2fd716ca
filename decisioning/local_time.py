"""Time on the customer's own clock, also on the days when clocks are changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class LocalTime:
    """A moment as the clock of one time zone shows it.

    >>> winter = datetime(2018, 1, 1, 23, 30, tzinfo=UTC)
    >>> LocalTime.at(winter, "Europe/Berlin", "UTC").hour
    0
    """

    shown: datetime

    @classmethod
    def at(cls, now: datetime, zone: str | None, otherwise: str) -> LocalTime:
        """Return a moment in a time zone; in another one where that is None or unknown."""
        info = (zone and _zone(zone)) or _zone(otherwise) or UTC
        return cls(now.astimezone(info))

    @property
    def hour(self) -> int:
        """The hour, 0 to 23."""
        return self.shown.hour

    @property
    def weekday(self) -> int:
        """The day of the week; 1 is Monday."""
        return self.shown.isoweekday()

    @property
    def today(self) -> date:
        """The date."""
        return self.shown.date()

    @property
    def seconds(self) -> float:
        """The moment itself, in seconds since 1970, UTC."""
        return self.shown.timestamp()

    def day_of(self, seconds: float) -> date:
        """Return the date of another moment on the same clock."""
        return datetime.fromtimestamp(seconds, self.shown.tzinfo).date()

    def midnight(self, day: date) -> float:
        """Return when a day begins, in seconds since 1970, UTC."""
        return self.moment(day, time())

    def moment(self, day: date, shows: time, last: bool = False) -> float:
        """Return when the clock shows a time on a day, in seconds since 1970, UTC.

        Where the clock is put forward over the time, it is the moment of the change.

        Parameters
        ----------
        last : which of the two moments is meant where the clock is put back.

        >>> spring = LocalTime.at(datetime(2024, 3, 31, tzinfo=UTC), "Europe/Berlin", "UTC")
        >>> change = spring.moment(date(2024, 3, 31), time(2, 30))
        >>> datetime.fromtimestamp(change, UTC).isoformat()
        '2024-03-31T01:00:00+00:00'
        """
        wall = datetime.combine(day, shows, self.shown.tzinfo)
        early, late = wall.timestamp(), wall.replace(fold=1).timestamp()
        if late < early:
            return self._change(int(late), int(early))
        return late if last else early

    def _change(self, low: int, high: int) -> float:
        """Return the second at which the offset from UTC changes between two moments."""
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return float(high)

    def _offset(self, seconds: int) -> timedelta | None:
        return datetime.fromtimestamp(seconds, self.shown.tzinfo).utcoffset()


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
