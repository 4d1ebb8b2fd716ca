"""One process at a time: a lock on a file, which the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from features.errors import LedgerBusy

_FIRST_NAP, _LONGEST_NAP = 0.000_2, 0.002


class FileLock:
    """A lock that one thread of one process holds; others wait for at most `seconds`.

    Parameters
    ----------
    path : the lock file; it is created and stays, because removing it would let two in.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Threads of one process share the open file, and with it the lock on it.
        self._mine = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises
        ------
        LedgerBusy : another process did not let go in time.
        """
        until = monotonic() + self._seconds
        if not self._mine.acquire(timeout=self._seconds):
            raise LedgerBusy(f"{self._path}: still held after {self._seconds:g} s")
        try:
            self._wait(until)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._mine.release()

    def _wait(self, until: float) -> None:
        nap = _FIRST_NAP
        while not try_lock(self._file):
            if monotonic() >= until:
                raise LedgerBusy(f"{self._path}: another process holds it")
            sleep(nap)
            nap = min(2 * nap, _LONGEST_NAP)

    def close(self) -> None:
        """Give up the file."""
        os.close(self._file)


def try_lock(file: int) -> bool:
    """Lock an open file if nobody else has; the lock is held until the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
