"""Has profiles put back into an online store that has lost them, such as a Redis that was emptied.

One process of a machine has it done, by a child: a materialisation is minutes of pure Python, which
would hold requests up. What the child does is `nba features materialize`, no more and no less.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Protocol

from decisioning.ledger.locking import try_lock
from features.errors import NbaError
from features.fresh_rows import written_by_another
from features.kept_online import KeptOnline
from serving.engine import Engine
from serving.logs import log
from serving.settings import ROOT

LOOK_S = 2.0
"""How often is looked whether profiles are lost."""
PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
"""No child begins sooner after another; after one that did not help, twice as long each time."""
_NICE = 10


class Child(Protocol):
    """What is needed of a process that was started."""

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...


Fill = Callable[[IO[bytes]], Child]
"""Starts a process that puts profiles back, and holds the lock on the open file until it ends."""


def by_child(lock: IO[bytes]) -> Child:
    """Run `nba features materialize` with the settings of this process, behind everything else."""
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "nba.py"), "features", "materialize"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(lock.fileno(),),
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
    return child


class Refilling:
    """Looks after the online store; `look` is called again and again, by one thread.

    Parameters
    ----------
    home : has the build in `features`; the locks of this machine are there too.
    now : seconds on a clock that all processes of this machine share.
    """

    def __init__(
        self,
        engine: Engine,
        home: Path,
        fill: Fill = by_child,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._engine, self._home, self._fill, self._now = engine, home, fill, now
        self._kept = KeptOnline(home / "features")
        self._child: Child | None = None
        self._closed = False
        self._next_look = self._next_fill = 0.0
        self._pause = PAUSE_S

    def look(self) -> None:
        """Look whether profiles are lost; if they are, have them put back.

        A store that cannot be read just now is left to the breaker.
        """
        self._reap()
        store, reader = self._engine.state.store, self._engine.reader
        if self._closed or self._now() < self._next_look or store is None:
            return
        self._next_look = self._now() + LOOK_S
        if reader.breaker.state != "closed":
            return
        with suppress(NbaError):
            reader.lost = self._kept.lost(store)
            if self._child is not None:
                return
            if not reader.lost:
                self._pause, self._next_fill = PAUSE_S, 0.0
            elif self._now() >= self._next_fill:
                self._begin()

    def close(self) -> None:
        """Let the child end, and begin no other; what it has written is written."""
        self._closed = True
        if self._child is not None:
            self._child.terminate()

    def _begin(self) -> None:
        if written_by_another(self._home):
            # A materialisation, as likely as not; or a refresh, and then the next look is soon.
            return
        with (self._home / "refill.lock").open("a+b") as lock:
            if not try_lock(lock.fileno()) or self._begun_lately(lock):
                return
            lock.truncate(0)
            lock.write(repr(self._now()).encode())
            lock.flush()
            log().error("profiles_lost", fill="nba features materialize")
            self._child = self._fill(lock)

    def _begun_lately(self, lock: IO[bytes]) -> bool:
        """Tell whether any process of this machine has begun a child less than a pause ago."""
        lock.seek(0)
        with suppress(ValueError):
            return 0.0 <= self._now() - float(lock.read()) < PAUSE_S
        return False

    def _reap(self) -> None:
        ended = None if self._child is None else self._child.poll()
        if ended is None:
            return
        if ended == 0:
            log().info("profiles_put_back")
        else:
            log().error("profiles_not_put_back", status=ended)
        self._child = None
        self._next_look, self._next_fill = 0.0, self._now() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
