"""How long a decision waits for a profile: a store that hangs must cost little, and then nothing.

A store that is a file is read at once, in the thread that answers requests: that costs less than
going to another thread, and a lock on it is not waited for long. A store on a server is read in one
of a few threads of its own and given up after its time. The client gives up after the same time, so
a thread that was given up comes free again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from math import isnan
from time import monotonic
from typing import Literal

from features.errors import FeatureError, LayoutError
from features.profiles import Profiles
from serving.breaker import Breaker
from serving.state import Store

ReadResult = Literal["read", "failed", "late", "not_asked"]
"""What became of a read; `not_asked` : the breaker is open."""

CLOCKS_DIFFER_S = 5.0
"""How far the clocks of machines may differ that compute and read profiles."""
THREADS = 8
"""How many reads of a server run at once, in one worker; more of them wait, within their time."""


class ProfileReader:
    """Reads one profile in time, or raises.

    Parameters
    ----------
    seconds : how long one read of a server may take.
    count : told what became of every read.

    Attributes
    ----------
    lost : whether the store has lost profiles, so that one that is missing means nothing.
    """

    def __init__(
        self,
        seconds: float = 0.05,
        breaker: Breaker | None = None,
        count: Callable[[ReadResult], None] = lambda result: None,
    ) -> None:
        self.breaker = breaker or Breaker(monotonic)
        self.lost = False
        self._seconds, self._count = seconds, count
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="profiles")

    async def read(self, store: Store, customer_id: str) -> Profiles:
        """Return the newest profile of one customer; a row of NaN when there is none.

        Raises
        ------
        FeatureError : it cannot be read, was not read in time, or the store is left alone because
            it could not be read before.
        """
        ticket = self.breaker.ask()
        if ticket is None:
            self._count("not_asked")
            raise FeatureError("the online store is not asked: it failed a moment ago")
        result: ReadResult = "failed"
        try:
            found = await self._found(store, customer_id)
            result = "read"
            return found
        except LayoutError:
            # The store itself has answered.
            result = "read"
            raise
        except TimeoutError as error:
            result = "late"
            raise FeatureError("the online store was not read in time") from error
        except asyncio.CancelledError:
            self.breaker.forget(ticket)
            raise
        finally:
            self._count(result)
            self.breaker.tell(ticket, result == "read")

    def doubts(self, found: Profiles) -> tuple[str, ...]:
        """Return as codes what is wrong with an answer of the store."""
        return ("features_unavailable",) if self.lost and isnan(found.profile_at[0]) else ()

    async def _found(self, store: Store, customer_id: str) -> Profiles:
        if not store.remote:
            return store.online(customer_id)
        reading: Future[Profiles] = self._threads.submit(store.online, customer_id)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(reading)
        except TimeoutError:
            # It was this thread that was late, not the store.
            if reading.done() and not reading.cancelled():
                return reading.result()
            raise


def not_before(profiles: Profiles, now: datetime) -> datetime:
    """Return the time of a decision on a profile that a machine with a faster clock may have made.

    What is further ahead than clocks differ is left to be refused.
    """
    ahead = float(profiles.profile_at[0]) - now.timestamp()
    return now + timedelta(seconds=ahead, microseconds=1) if 0 < ahead < CLOCKS_DIFFER_S else now
