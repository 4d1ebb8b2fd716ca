"""Keeps a worker current beside its requests: each part looks again and again for changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from serving.logs import log

ROUND_S = 1.0
"""How long after a round the next one begins."""


async def keep_current(steps: Sequence[Callable[[], object]], seconds: float = ROUND_S) -> None:
    """Run steps for ever, each in another thread; one that fails does not keep the others back."""
    while True:
        await asyncio.sleep(seconds)
        for step in steps:
            try:
                await asyncio.to_thread(step)
            except Exception as error:
                # Following must go on: the next change may be the repair.
                log().error("refresh_failed", error=f"{type(error).__name__}: {error}")
