"""A circuit breaker: after too many failures nothing is asked for a while, then one tries again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

BreakerState = Literal["closed", "half_open", "open"]

FAILURES, WINDOW, SHARE = 3, 20, 0.5
REST_SECONDS = 10.0


class Breaker:
    """Says whether something may be asked, and learns from what became of it.

    It opens after `FAILURES` failures in a row, or when `SHARE` of the last `WINDOW` answers were
    failures. After `REST_SECONDS` it lets one through: if that succeeds all are let through again,
    if not it rests once more. What was asked before it opened or closed has no say any more.

    Parameters
    ----------
    monotonic : seconds of a clock that never goes back.
    changed : told of every change of the state.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        changed: Callable[[BreakerState], None] = lambda state: None,
    ) -> None:
        self.state: BreakerState = "closed"
        self._monotonic, self._changed = monotonic, changed
        self._ticket = 0
        self._until = 0.0
        self._in_a_row = 0
        self._last: deque[bool] = deque(maxlen=WINDOW)

    def ask(self) -> int | None:
        """Return a ticket to ask with, which has to be handed back; None where nothing is asked."""
        if self.state == "closed":
            return self._ticket
        if self._monotonic() < self._until:
            return None
        # A trial that never comes back does not keep the next one from being made.
        self._turn("half_open")
        return self._ticket

    def tell(self, ticket: int, ok: bool) -> None:
        """Learn what became of what was asked with a ticket."""
        if ticket != self._ticket:
            return
        if self.state == "half_open":
            self._turn("closed" if ok else "open")
            return
        self._in_a_row = 0 if ok else self._in_a_row + 1
        self._last.append(ok)
        full = len(self._last) == WINDOW
        if self._in_a_row >= FAILURES or (full and self._last.count(False) >= SHARE * WINDOW):
            self._turn("open")

    def forget(self, ticket: int) -> None:
        """Take a ticket back of something that was given up for another reason."""
        if ticket == self._ticket and self.state == "half_open":
            self._turn("open")
            self._until = self._monotonic()

    def _turn(self, state: BreakerState) -> None:
        self._ticket += 1
        self._until = self._monotonic() + REST_SECONDS
        self._in_a_row = 0
        self._last.clear()
        if state != self.state:
            self.state = state
            self._changed(state)
