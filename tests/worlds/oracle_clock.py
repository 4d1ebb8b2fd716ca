"""Clocks on the wall, found by looking at every fifth minute: slow, and hard to get wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_STEP = 300
_AROUND = 3 * 3600
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache
def zone_or(name: str | None, otherwise: str) -> str:
    """Return a zone that exists: the first, or else the second."""
    try:
        return ZoneInfo(name).key if name else otherwise
    except (ZoneInfoNotFoundError, ValueError):
        return otherwise


def wall(at: float, zone: str) -> datetime:
    """Return what a clock in the zone shows, without its zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=200_000)
def first_and_last(zone: str, day: date, shows: time) -> tuple[float, float]:
    """Return the first and the last moment of a day at which a clock shows a time.

    Where it never does, because it is put forward over it, both are the first moment after.
    """
    wanted = datetime.combine(day, shows)
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).utcoffset() or timedelta()
    near = int((wanted - noon).replace(tzinfo=UTC).timestamp())
    moments = range(near - _AROUND, near + _AROUND, _STEP)
    hits = [float(at) for at in moments if wall(at, zone) == wanted]
    if not hits:
        hits = [next(float(at) for at in moments if wall(at, zone) > wanted)]
    return hits[0], hits[-1]


def day_begins(zone: str, day: date) -> float:
    """Return when a day begins."""
    return first_and_last(zone, day, time())[0]


def day_number(at: float, zone: str) -> int:
    """Return days since 1970-01-01 by the clock of a zone."""
    return (wall(at, zone).date() - date(1970, 1, 1)).days


def is_quiet(begins: str, ends: str, weekdays: list[str], at: float, zone: str) -> bool:
    """Tell whether it is quiet; it lasts until the later moment where clocks are put back."""
    today = wall(at, zone).date()
    for ago in (2, 1, 0):
        day = today - timedelta(days=ago)
        if weekdays and WEEKDAYS[day.weekday()] not in weekdays:
            continue
        last_day = day + timedelta(days=1) if ends <= begins or ends == "24:00" else day
        until = time() if ends == "24:00" else time.fromisoformat(ends)
        start = first_and_last(zone, day, time.fromisoformat(begins))[0]
        if start <= at < first_and_last(zone, last_day, until)[1]:
            return True
    return False
