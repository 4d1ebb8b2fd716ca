"""How long a request waits for the ledger: one that hangs must not make every answer hang."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from time import monotonic
from typing import TypeVar

from features.errors import LedgerBusy

READ_SHARE, WRITE_SHARE = 0.15, 0.35
"""How much of a request's time one read, and one write, may take."""
REST_SECONDS = 1.0
"""How long nothing is read after a read that took too long: others would hang just so."""

Result = TypeVar("Result")


class Patience:
    """Waits for the ledger, and gives up early enough for an answer without it.

    What is given up goes on: whether a write was done is not known then, and doing the same again
    is safe.

    Parameters
    ----------
    seconds : how long a request may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rest_until = 0.0

    async def read(
        self, do: Callable[..., Result], *given: object, within: float = math.inf
    ) -> Result:
        """Read in another thread.

        Parameters
        ----------
        within : how many seconds are left for it, if that is less than its share.

        Raises
        ------
        LedgerError : it cannot be read, or did not answer in time just now.
        """
        if monotonic() < self._rest_until:
            raise LedgerBusy("the ledger did not answer in time a moment ago")
        try:
            async with asyncio.timeout(min(READ_SHARE * self._seconds, within)):
                return await asyncio.to_thread(do, *given)
        except TimeoutError as error:
            self._rest_until = monotonic() + REST_SECONDS
            raise LedgerBusy("the ledger was not read in time") from error

    async def write(self, do: Callable[..., Result], *given: object) -> Result:
        """Write in another thread.

        Raises
        ------
        LedgerError : it was not written, or not in time.
        """
        try:
            return await self._within(WRITE_SHARE, asyncio.to_thread(do, *given))
        except TimeoutError as error:
            raise LedgerBusy("the ledger did not write in time") from error

    async def written(self, future: Future[Result]) -> Result:
        """Return what became of a write that was asked for.

        Raises
        ------
        LedgerError : it was not written, or not in time.
        """
        try:
            return await self._within(WRITE_SHARE, asyncio.wrap_future(future))
        except TimeoutError as error:
            raise LedgerBusy("the ledger did not write in time") from error

    async def _within(self, share: float, waited_for: Awaitable[Result]) -> Result:
        async with asyncio.timeout(share * self._seconds):
            return await waited_for
