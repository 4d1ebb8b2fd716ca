"""An erasure may outlast the request that asked for it, and is told to whoever asks again."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from features.errors import DataError
from serving.erasing import Erased, Erasures

DONE = Erased(("7", "8"), {"online": 1})


def test_what_is_quick_is_told_at_once() -> None:
    assert asyncio.run(Erasures().of("7", lambda: DONE, 30.0)) == DONE


def test_what_is_slow_goes_on_and_is_told_to_whoever_asks_again() -> None:
    may_end, runs = threading.Event(), []

    def slow() -> Erased:
        runs.append(1)
        may_end.wait(30)
        return DONE

    async def ask_twice() -> tuple[Any, Any, Any]:
        erasures = Erasures()
        first = await erasures.of("7", slow, 0.01)
        second = await erasures.of("7", slow, 0.01)
        may_end.set()
        return first, second, await erasures.of("7", slow, 30.0)

    assert asyncio.run(ask_twice()) == (None, None, DONE)
    assert len(runs) == 1


def test_one_that_failed_is_begun_anew_by_the_next_who_asks() -> None:
    left = [DataError("a table")]

    def fail_once() -> Erased:
        if left:
            raise left.pop()
        return DONE

    async def ask_twice() -> Erased | None:
        erasures = Erasures()
        with pytest.raises(DataError):
            await erasures.of("7", fail_once, 30.0)
        return await erasures.of("7", fail_once, 30.0)

    assert asyncio.run(ask_twice()) == DONE
