"""A time limit that costs nothing where there is nothing to wait for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serving.within import within


def test_what_need_not_wait_is_returned_without_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_timer(_seconds: float) -> Any:
        raise AssertionError("a timer was set")

    async def here() -> str:
        return "here"

    monkeypatch.setattr(asyncio, "timeout", no_timer)
    assert asyncio.run(within(1.0, here())) == "here"


def test_what_waits_several_times_is_returned_in_the_end() -> None:
    async def slow() -> str:
        said = []
        for word in ("one", "two"):
            await asyncio.sleep(0)
            said.append(await _later(word))
        return " ".join(said)

    assert asyncio.run(within(5.0, slow())) == "one two"


@pytest.mark.parametrize("waits", [0, 1, 3])
def test_an_error_reaches_whoever_waits(waits: int) -> None:
    async def failing() -> None:
        for _ in range(waits):
            await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(within(5.0, failing()))


def test_what_takes_too_long_is_cancelled_and_may_tidy_up() -> None:
    seen: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("tidied")
            raise

    with pytest.raises(TimeoutError):
        asyncio.run(within(0.01, endless()))
    assert seen == ["cancelled", "tidied"]


def test_an_error_of_what_it_waits_for_can_be_caught_inside() -> None:
    async def careful() -> str:
        try:
            await _later(ValueError("lost"))
        except ValueError as error:
            return f"caught {error}"
        return "nothing"

    assert asyncio.run(within(5.0, careful())) == "caught lost"


def test_whoever_is_cancelled_cancels_what_they_wait_for() -> None:
    seen: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("left")

    async def cancelled() -> None:
        task = asyncio.create_task(within(5.0, endless()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert seen == ["left"]


async def _later(what: Any) -> Any:
    """Return or raise something after one turn of the loop."""
    future = asyncio.get_running_loop().create_future()
    if isinstance(what, Exception):
        asyncio.get_running_loop().call_soon(future.set_exception, what)
    else:
        asyncio.get_running_loop().call_soon(future.set_result, what)
    return await future
