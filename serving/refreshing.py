"""Keeps the profiles of customers whom something happened to current, beside the requests.

Customers are gathered for a moment and recomputed together, in one thread, one batch at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic, thread_time
from typing import Protocol

from features.errors import NbaError
from features.profiles import Profiles
from serving.logs import hashed, log

GATHER_S = 0.075
"""How long customers are gathered; half of the processor time of the last refresh where that is
longer, so that a third of a core is left to requests. Where others hold the processor, waiting for
it is pause enough."""
_LONGEST_GATHER_S = 0.25
_UNPLACED_S = 10.0
BEFORE_BUILD_S = 60.0
"""How long before a build events may have come that it did not find in the ledger."""
_RETRY_S, _LONGEST_RETRY_S = 1.0, 30.0
_BATCH = 100


class Refresher(Protocol):
    """What is needed of `features.fresh.Refresher`."""

    def now(self, customer_ids: Iterable[str]) -> Profiles:
        """Refresh the profiles of customers."""
        ...

    def behind(self, newest: Iterable[tuple[str, float]]) -> Iterator[str]:
        """Yield customers whose profile may lack their newest event."""
        ...

    def built_at(self) -> float | None:
        """Return what the newest build was computed for; None where there is no build."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Refreshing:
    """Refreshes whoever is touched; every method may be called from any thread and returns at once.

    Parameters
    ----------
    newest : returns each customer with events received after a moment, and when the last one was.
    customers_of : returns the customer of each event that is in the ledger.
    """

    def __init__(
        self,
        refresher: Refresher,
        newest: Callable[[float], Iterable[tuple[str, float]]],
        customers_of: Callable[[Iterable[str]], Iterable[tuple[str, str]]],
        gather_seconds: float = GATHER_S,
    ) -> None:
        self._refresher, self._newest, self._customers_of = refresher, newest, customers_of
        self._gather_s = gather_seconds
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._unplaced: dict[str, float] = {}
        self._refused: dict[str, float] = {}
        self._stopping = False
        self._retry_s = 0.0
        self._took_s = 0.0
        self._catching_up = True
        self._thread = threading.Thread(target=self._run, name="refresh", daemon=True)

    def start(self) -> None:
        """Begin, with whoever was touched since the last build and not refreshed."""
        self._thread.start()

    def touched(self, customer_ids: Iterable[str]) -> None:
        """Have the profiles of customers refreshed soon."""
        with self._changed:
            self._waiting.update(dict.fromkeys(customer_ids))
            self._changed.notify()

    def happened(self, event_ids: Iterable[str]) -> None:
        """Have the profiles of the customers of events refreshed soon.

        An event whose decision is not in the ledger yet is waited for; some seconds.
        """
        until = monotonic() + _UNPLACED_S
        with self._changed:
            self._unplaced.update(dict.fromkeys(event_ids, until))
            self._changed.notify()

    def now(self, customer_ids: Iterable[str]) -> Profiles:
        """Refresh customers and return their profiles; blocks, so not for the event loop.

        Raises
        ------
        FeatureError, DataError, LedgerError : it cannot be done at the moment.
        """
        return self._refresher.now(customer_ids)

    def degraded(self) -> list[str]:
        """Return what is wrong, as codes."""
        return ["refresh_failed"] if self._retry_s or self._refused else []

    def close(self, seconds: float = 5.0) -> None:
        """Refresh who waits, if that can be done in time, and stop."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if self._waiting:
            # The next start finds them by their events.
            log().warning("profiles_left_behind", customers=len(self._waiting))
        if not self._thread.is_alive():
            self._refresher.close()

    def _run(self) -> None:
        while self._gathered():
            started = thread_time()
            try:
                self._refresh()
            except Exception as error:
                # Whatever it is costs freshness, never an answer; its text may hold a customer id.
                self._tell(error)
                if self._stopping:
                    return
            else:
                self._retry_s = 0.0
            self._took_s = thread_time() - started

    def _gathered(self) -> bool:
        """Wait for somebody to refresh; False when there will be nobody any more."""
        with self._changed:
            # Whoever is refused is tried again, be it that nothing happens meanwhile.
            until = _LONGEST_RETRY_S if self._refused else None
            self._changed.wait_for(self._anything, until)
            pause = max(
                self._retry_s, min(max(self._gather_s, self._took_s / 2), _LONGEST_GATHER_S)
            )
            self._changed.wait_for(lambda: self._stopping, pause)
            return bool(self._waiting or self._unplaced) or not self._stopping

    def _anything(self) -> bool:
        return bool(
            self._waiting or self._unplaced or self._catching_up or self._stopping or self._due()
        )

    def _refresh(self) -> None:
        built_at = self._refresher.built_at()
        if built_at is None:
            # The first build will read every event there is.
            self._take(len(self._waiting))
            self._unplaced.clear()
            self._refused.clear()
            self._catching_up = False
            return
        if self._catching_up and not self._stopping:
            behind = list(self._refresher.behind(self._newest(built_at - BEFORE_BUILD_S)))
            self._catching_up = False
            if behind:
                log().info("catching_up", customers=len(behind))
            self.touched(behind)
        self._place()
        self.touched(self._due())
        some = self._take(_BATCH)
        if some:
            try:
                self._together(some)
            except BaseException:
                self.touched(some)
                raise

    def _together(self, some: list[str]) -> None:
        """Refresh customers; one of whom nothing can be computed does not hold the others up.

        Raises
        ------
        NbaError : a store does not work, for whomever.
        """
        try:
            self._refresher.now(some)
        except NbaError:
            raise
        except Exception as error:
            if len(some) > 1:
                middle = len(some) // 2
                self._together(some[:middle])
                self._together(some[middle:])
                return
            log().error("profile_not_computed", customer=hashed(*some), error=type(error).__name__)
            self._refused[some[0]] = monotonic() + _LONGEST_RETRY_S
        else:
            for customer_id in some:
                self._refused.pop(customer_id, None)

    def _due(self) -> list[str]:
        """Return who was refused so long ago that it may go well now."""
        return [one for one, again in self._refused.items() if monotonic() >= again]

    def _take(self, most: int) -> list[str]:
        with self._changed:
            some = list(self._waiting)[:most]
            for customer_id in some:
                del self._waiting[customer_id]
        return some

    def _place(self) -> None:
        """Find the customers of events; forget events that are waited for too long."""
        with self._changed:
            asked = dict(self._unplaced)
        if not asked:
            return
        placed = dict(self._customers_of(asked))
        with self._changed:
            for event_id, until in asked.items():
                if event_id in placed or monotonic() > until or self._stopping:
                    self._unplaced.pop(event_id, None)
            self._waiting.update(dict.fromkeys(filter(None, placed.values())))

    def _tell(self, error: Exception) -> None:
        if not self._retry_s:
            log().error("profiles_not_refreshed", error=type(error).__name__)
        self._retry_s = min(max(_RETRY_S, 2 * self._retry_s), _LONGEST_RETRY_S)
