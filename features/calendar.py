"""Business days: when a day begins for the company, and which day a moment belongs to.

Windows are whole calendar days of the business time zone plus today so far, so a profile changes
only at midnight or when an event arrives.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError

Array = npt.NDArray[np.float64]
Moments = npt.NDArray[np.datetime64]

_FIRST_YEAR, _LAST_YEAR = 1990, 2060


@dataclass(frozen=True)
class Calendar:
    """The calendar of one time zone.

    >>> berlin = Calendar("Europe/Berlin")
    >>> berlin.day(np.array([np.datetime64("2017-06-30T22:30").astype("M8[s]").astype(float)]))
    array([17348.])
    >>> str(np.datetime64(17348, "D"))
    '2017-07-01'
    """

    zone: str = "UTC"
    _changes: Array = field(init=False, repr=False, compare=False)
    _offsets: Array = field(init=False, repr=False, compare=False)
    _shifted: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        changes, offsets = _transitions(self.zone)
        object.__setattr__(self, "_changes", changes)
        object.__setattr__(self, "_offsets", offsets)
        object.__setattr__(self, "_shifted", bool(offsets.any()))

    def day(self, epoch_seconds: Array, out: Array | None = None) -> Array:
        """Return the business day number (days since 1970-01-01) of moments in UTC seconds.

        Parameters
        ----------
        out : where to write them, may be the moments themselves; else they are in a new array.
        """
        local = epoch_seconds
        if self._shifted:
            several = len(self._changes) > 1
            offset = self._offset_at(epoch_seconds) if several else self._offsets[0]
            local = np.add(epoch_seconds, offset, out=out)
        day: Array = np.floor(np.divide(local, 86_400.0, out=out), out=out)
        return day

    def day_of(self, epoch_seconds: float) -> float:
        """Return the business day number of one moment; the same as `day`, a tenth of the time."""
        at = max(bisect_right(self._changes, epoch_seconds) - 1, 0)
        return float(math.floor((epoch_seconds + self._offsets.item(at)) / 86_400.0))

    def midnight(self, day: Array) -> Moments:
        """Return when business days begin, as naive UTC microseconds."""
        local = np.asarray(day, dtype=np.float64) * 86_400.0
        guess = local - self._offset_at(local)
        start = local - self._offset_at(guess)
        return (start * 1e6).astype("int64").astype("datetime64[us]")

    def window_start(self, as_of: Moments, days: int) -> Moments:
        """Return the midnight that begins a window of `days` whole days plus today so far."""
        seconds = as_of.astype("datetime64[us]").astype("int64") / 1e6
        return self.midnight(self.day(seconds) - days)

    def _offset_at(self, epoch_seconds: Array) -> Array:
        at = np.searchsorted(self._changes, epoch_seconds, side="right") - 1
        offset: Array = self._offsets[np.maximum(at, 0)]
        return offset


def _transitions(zone: str) -> tuple[Array, Array]:
    """Return when the offset from UTC changes, and to what, in seconds."""
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"time_zone: unknown time zone {zone!r}") from error
    at = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    changes, offsets = [-np.inf], [_offset(info, at)]
    while at.year < _LAST_YEAR:
        later = at + timedelta(days=1)
        if _offset(info, later) != offsets[-1]:
            changes.append(_exact_change(info, at, later))
            offsets.append(_offset(info, later))
        at = later
    return np.array(changes), np.array(offsets)


def _exact_change(info: ZoneInfo, low: datetime, high: datetime) -> float:
    """Find the minute at which the offset changes between two moments."""
    before = _offset(info, low)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(info, middle) == before else (low, middle)
    return float(round(high.timestamp() / 60) * 60)


def _offset(info: ZoneInfo, moment: datetime) -> float:
    offset = moment.astimezone(info).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
