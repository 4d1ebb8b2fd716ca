"""Runs triggers: beside the service in whichever worker leads, or from the command line."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from decisioning.ledger.leader import Leader
from features.errors import ConfigError
from serving.desk import Desk
from serving.logs import log
from serving.settings import Settings
from serving.triggering import Triggering
from serving.webhooks import check_address

ROUND_S = 2.0
"""How long after a round the next one begins."""

PATIENCE_S = 30.0


def check_webhooks(settings: Settings) -> None:
    """Refuse addresses that may never be called.

    Raises
    ------
    ConfigError : the message names the address.
    """
    for _, url in settings.webhooks:
        check_address(url)


async def keep_triggering(triggering: Triggering, ledger_place: str) -> None:
    """Run rounds for ever, in one process of all that share the ledger; the others follow edits."""
    leader = Leader(ledger_place)
    told = ""
    try:
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                if await asyncio.to_thread(leader.leads):
                    await triggering.round()
                else:
                    triggering.file.look()
                told = ""
            except Exception as error:
                # It must go on: what failed is due in the next round again. Told once.
                if (kind := type(error).__name__) != told:
                    log().error("triggers_failed", error=kind)
                told = kind
    finally:
        leader.close()


def run_triggers(settings: Settings, once: bool, say: Callable[[str], object]) -> None:
    """Run one round, or rounds until it is stopped.

    Raises
    ------
    ConfigError : another process leads, or triggers or addresses cannot be used.
    """
    from serving.logs import set_up_logs
    from serving.start import open_desk_ledger, open_engine

    set_up_logs("critical" if once else settings.log_level)
    check_webhooks(settings)
    desk = Desk(
        open_engine(settings), open_desk_ledger(settings), settings.ledger_is_remote, PATIENCE_S
    )
    triggering = Triggering(desk, settings)
    try:
        if not once:
            asyncio.run(keep_triggering(triggering, settings.ledger_place))
            return
        leader = Leader(settings.ledger_place)
        if not leader.leads():
            raise ConfigError("another process runs the triggers of this ledger, such as a service")
        try:
            _tell(asyncio.run(triggering.round()), say)
        finally:
            leader.close()
        if triggering.file.trouble is not None:
            raise ConfigError(str(triggering.file.trouble))
    finally:
        desk.close()


def _tell(done: Counter[str], say: Callable[[str], object]) -> None:
    found = done.pop("found", 0)
    told = [f"{n:,} {what}" for what, n in sorted(done.items())]
    say(", ".join([f"{found:,} events looked at", *told]))
