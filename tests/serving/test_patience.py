"""A request waits for the ledger, and not for ever."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from threading import Event

import pytest

from features.errors import LedgerBusy, LedgerError
from serving.patience import Patience

SHORT, LONG = 0.05, 60.0


def test_what_comes_in_time_is_returned() -> None:
    done: Future[str] = Future()
    done.set_result("stored")
    patience = Patience(LONG)
    assert asyncio.run(patience.written(done)) == "stored"
    assert asyncio.run(patience.read(str.upper, "found")) == "FOUND"
    assert asyncio.run(patience.write(str.upper, "kept")) == "KEPT"


def test_a_write_that_never_ends_is_given_up_and_taken_back_if_it_has_not_begun() -> None:
    never: Future[str] = Future()
    with pytest.raises(LedgerBusy, match="not write in time"):
        asyncio.run(Patience(SHORT).written(never))
    assert never.cancelled()


def test_after_a_read_that_hangs_nothing_is_read_for_a_moment() -> None:
    release, patience, asked = Event(), Patience(SHORT), []

    async def hang() -> None:
        try:
            with pytest.raises(LedgerBusy, match="not read in time"):
                await patience.read(release.wait, 30)
            with pytest.raises(LedgerBusy, match="a moment ago"):
                await patience.read(asked.append, 1)
        finally:
            release.set()

    asyncio.run(hang())
    assert asked == []


def test_a_read_that_fails_at_once_is_told_as_it_is_and_the_next_one_is_tried() -> None:
    def fail() -> None:
        raise LedgerError("gone")

    patience = Patience(LONG)
    with pytest.raises(LedgerError, match="gone"):
        asyncio.run(patience.read(fail))
    assert asyncio.run(patience.read(str.upper, "back")) == "BACK"
