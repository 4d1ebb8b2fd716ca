"""Where decisions wait for the database: a file of this process, which survives its death.

Appending costs one system call and no sync: after `kill -9` everything is there, after a power cut
the last fraction of a second may be missing. A process holds a lock on its files as long as it
lives; a file that somebody else can lock has no owner any more and is drained.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from decisioning.ledger.framing import frame, frames
from decisioning.ledger.locking import try_lock
from decisioning.ledger.rows import DecisionRow
from features.errors import LedgerError, LedgerFull

SEGMENT_BYTES = 4 * 2**20
"""A file that is longer is not added to; it goes when all of it is in the database."""


@dataclass(eq=False)
class Segment:
    """One spool file; `waiting` frames of it are not in the database yet."""

    path: Path
    file: int
    size: int = 0
    waiting: int = 0


class Spool:
    """The spool of one process.

    Parameters
    ----------
    folder : shared by all processes of one ledger.
    writer : the name of this process's chain; names the files.
    """

    def __init__(self, folder: Path, writer: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._writer = writer
        self._lock = Lock()
        self._made = 0
        self._older: set[Segment] = set()
        self._current = self._new()

    def append(self, record: DecisionRow) -> Segment:
        """Add a decision; return the file it lies in.

        Raises
        ------
        LedgerFull : there is no room for it.
        """
        framed = frame(record)
        with self._lock:
            if self._current.size > SEGMENT_BYTES:
                self._older.add(self._current)
                self._current = self._new()
            segment = self._current
            try:
                written = os.write(segment.file, framed)
                if written != len(framed):
                    raise OSError(f"only {written} of {len(framed)} bytes written")
            except OSError as error:
                # Half a frame would hide every later one.
                os.ftruncate(segment.file, segment.size)
                raise LedgerFull(f"{segment.path}: {error}") from error
            segment.size += written
            segment.waiting += 1
        return segment

    def done(self, segment: Segment) -> None:
        """Note that one frame of a file is in the database; empty or remove files that are done."""
        with self._lock:
            segment.waiting -= 1
            if segment.waiting:
                return
            if segment is self._current:
                os.ftruncate(segment.file, 0)
                segment.size = 0
            else:
                self._older.discard(segment)
                _remove(segment)

    def close(self) -> None:
        """Give up the files; what is not in the database stays for whoever opens it next."""
        with self._lock:
            for segment in (*self._older, self._current):
                if segment.waiting:
                    os.close(segment.file)
                else:
                    _remove(segment)

    def _new(self) -> Segment:
        self._made += 1
        path = self._folder / f"{self._writer}.{self._made}.log"
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        while True:
            file = os.open(path, flags, 0o600)
            if try_lock(file) and _is_still(path, file):
                return Segment(path, file)
            # Somebody took the file for an orphan before it was locked.
            os.close(file)


@dataclass(frozen=True)
class Orphan:
    """A spool file without an owner, held by us now."""

    path: Path
    file: int

    def records(self) -> list[DecisionRow]:
        """Return its decisions; what was torn at the end was never acknowledged."""
        return list(frames(self.path.read_bytes()))

    def remove(self) -> None:
        """Remove it, once its decisions are in the database."""
        self.path.unlink(missing_ok=True)
        os.close(self.file)

    def set_aside(self) -> None:
        """Keep it out of the way: some of its decisions can never be stored."""
        self.path.rename(self.path.with_suffix(".rejected"))
        os.close(self.file)

    def leave(self) -> None:
        """Leave it for another time."""
        os.close(self.file)


def orphans(folder: Path) -> Iterator[Orphan]:
    """Return the spool files whose processes are gone."""
    for path in sorted(folder.glob("*.log")):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LedgerError(f"{path}: cannot be read ({error})") from error
        if try_lock(file) and _is_still(path, file):
            yield Orphan(path, file)
        else:
            os.close(file)


def in_use(folder: Path) -> bool:
    """Tell whether a process of this machine has a spool here."""
    for path in folder.glob("*.log"):
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            free = try_lock(file)
            os.close(file)
            if not free:
                return True
    return False


def _is_still(path: Path, file: int) -> bool:
    try:
        return os.stat(path).st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False


def _remove(segment: Segment) -> None:
    with suppress(FileNotFoundError):
        segment.path.unlink()
    os.close(segment.file)
