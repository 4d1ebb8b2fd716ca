"""The one source of "now".

Every window, age, validity date and `decided_at` comes from a `Clock` that is handed in, so that a
data set from the past can be served as if it were today and a test can stand still.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from features.errors import ConfigError

LOOK_EVERY_S = 0.05
"""How long at most a running process does not know that its clock was moved."""


class Clock(Protocol):
    """Anything that can tell the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


@dataclass(frozen=True)
class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still, for tests and replay.

    >>> FixedClock(datetime(2018, 1, 1, tzinfo=UTC)).now().isoformat()
    '2018-01-01T00:00:00+00:00'
    """

    moment: datetime

    def now(self) -> datetime:
        """Return the fixed moment."""
        return self.moment


@dataclass(frozen=True)
class ShiftedClock:
    """Wall time moved by a constant: it starts in the data set's past and advances in real time."""

    shift: timedelta

    def now(self) -> datetime:
        """Return wall time plus the shift, in UTC."""
        return datetime.now(UTC) + self.shift


class FollowedClock:
    """The clock of a data set, also when it is pinned anew or moved while a process runs.

    A file that has become unusable changes nothing: time goes on as it did.

    Parameters
    ----------
    path : where the clock is pinned; without a file time is the machine's own.
    look_every_s : how long the file is not looked at again; a decision asks for the time often.

    Raises
    ------
    ConfigError : the file is no pinned clock.
    """

    def __init__(self, path: Path, look_every_s: float = LOOK_EVERY_S) -> None:
        self._path, self._look_every_s = path, look_every_s
        self._looked = monotonic()
        self._stamp = _stamp(path)
        self._clock = _pinned(path)
        self._trouble: ConfigError | None = None

    def now(self) -> datetime:
        """Return the current time of the data set, in UTC."""
        if monotonic() - self._looked >= self._look_every_s:
            self._look()
        return self._clock.now()

    @property
    def pinned(self) -> bool:
        """Whether time is that of a data set, and not the machine's own."""
        self._look()
        return isinstance(self._clock, ShiftedClock)

    @property
    def trouble(self) -> ConfigError | None:
        """Why the newest file cannot be used; None when it can."""
        self._look()
        return self._trouble

    def _look(self) -> None:
        self._looked = monotonic()
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._clock, self._trouble = _pinned(self._path), None
        except ConfigError as error:
            # Time must not jump by what cannot be read.
            self._trouble = error


def pin_clock(path: Path, starts_at: datetime | None) -> Clock:
    """Make the clock of a data set start at `starts_at` now, and remember it in `path`.

    A clock that is already pinned to the same start is left alone, so that a second ingest does not
    turn time back. Without a start the clock is the machine's own again.
    """
    if starts_at is None:
        path.unlink(missing_ok=True)
        return WallClock()
    if path.exists() and _read(path)["starts_at"] == starts_at.isoformat():
        return open_clock(path)
    _write(path, starts_at, datetime.now(UTC))
    return open_clock(path)


def move_clock(path: Path, to: datetime) -> Clock:
    """Move a pinned clock forward; every process that has it open goes on from there.

    The start it was pinned to stays what it was, so that a second ingest still leaves it alone.

    Raises
    ------
    ConfigError : no clock is pinned, or it has passed that time: what was decided and stored since
        would lie in the future.
    """
    clock = open_clock(path)
    if not clock.pinned:
        raise ConfigError(f"{path}: no clock is pinned here; the machine's own is not moved")
    now = clock.now()
    if to < now:
        raise ConfigError(
            f"the clock reads {now.isoformat(timespec='seconds')} and is not turned back to "
            f"{to.isoformat(timespec='seconds')}"
        )
    starts_at = datetime.fromisoformat(_read(path)["starts_at"])
    _write(path, starts_at, datetime.now(UTC) - (to - starts_at))
    return open_clock(path)


def open_clock(path: Path, look_every_s: float = LOOK_EVERY_S) -> FollowedClock:
    """Return the clock of a data set: the pinned one, or the machine's own when none is pinned.

    Raises
    ------
    ConfigError : the file is no pinned clock.
    """
    return FollowedClock(path, look_every_s)


def parse_moment(text: str | None) -> datetime | None:
    """Return a time that a person wrote; UTC unless it has an offset.

    >>> parse_moment("2018-01-01T06:00").isoformat()
    '2018-01-01T06:00:00+00:00'
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a time such as 2018-01-01T06:00") from error
    if not 1970 <= moment.year <= 2100:
        raise ConfigError(f"{text!r} is not a year between 1970 and 2100")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pinned(path: Path) -> Clock:
    if not path.exists():
        return WallClock()
    pinned = _read(path)
    start = datetime.fromisoformat(pinned["starts_at"])
    return ShiftedClock(start - datetime.fromisoformat(pinned["pinned_at"]))


def _write(path: Path, starts_at: datetime, pinned_at: datetime) -> None:
    pinned = {"starts_at": starts_at.isoformat(), "pinned_at": pinned_at.isoformat()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(pinned, indent=2) + "\n")
    os.replace(draft, path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with every replacement of a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, str]:
    try:
        pinned: dict[str, str] = json.loads(path.read_text())
        for key in ("starts_at", "pinned_at"):
            if datetime.fromisoformat(pinned[key]).tzinfo is None:
                raise ValueError(f"{key} has no offset")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a pinned clock ({error})") from error
    return pinned
