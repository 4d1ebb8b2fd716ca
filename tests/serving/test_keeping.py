"""One part that fails does not keep the others from being looked after."""

from __future__ import annotations

import asyncio
import contextlib

from features.errors import LedgerError
from serving.keeping import keep_current

PATIENCE_S = 20.0


def test_a_step_that_fails_again_and_again_holds_up_none_behind_it() -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise LedgerError("the disk is full")

    async def run() -> None:
        task = asyncio.create_task(keep_current((fail, lambda: done.append("looked")), 0.0))
        async with asyncio.timeout(PATIENCE_S):
            while done.count("looked") < 2:
                await asyncio.sleep(0.001)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert done[:4] == ["failed", "looked", "failed", "looked"]
