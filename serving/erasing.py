"""Erases a person from every store of the product, and looks whether anything was left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from decisioning.ledger.rights import Rights
from features.erasure import erase_from_folder
from features.fresh_rows import forget as forget_fresh
from features.fresh_rows import writing_online
from serving.remains import named

SPOOLS_ARE_DRAINED_S = 0.3
"""After how long what other processes had in their spools is in the database."""

KEPT_S = 300.0
"""How long after its beginning what an erasure did is told to whoever asks again."""

_TABLES = ("data", "features", "outbound", "outbox", "datasets", "reports")
"""Folders below the home folder whose tables name customers."""

Forget = Callable[[Sequence[str]], int]
"""Takes customers out of the online store; returns how many rows went."""


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes
    ----------
    customer_ids : every id of the person.
    rows : how many rows went, by store: a table of the ledger, a file, `online`.
    left : files that still name the person.
    """

    customer_ids: tuple[str, ...]
    rows: dict[str, int] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def erase(
    customer_ids: Sequence[str],
    subjects: Sequence[str],
    now: float,
    rights: Rights,
    home: Path,
    forget_online: Forget,
) -> Erased:
    """Erase a person; it can be repeated, and has to be where it failed.

    The tombstone comes first, so that nothing comes back behind the erasure, and the ledger last:
    it alone knows which ids are one person, and whoever has to repeat this needs that again. What
    came while it ran is erased by a second look.

    Parameters
    ----------
    customer_ids : every id of the person.
    subjects : their keyed hashes, for the tombstones.
    now : seconds since 1970.

    Raises
    ------
    LedgerError, FeatureError, DataError : a store could not be written; what came before is done.
    """
    rows: dict[str, int] = {}
    rights.forget((), subjects, now)
    with writing_online(home):
        for folder in _TABLES:
            for name, count in erase_from_folder(home / folder, customer_ids).items():
                rows[f"{folder}/{name}"] = count
        rows["features/fresh"] = forget_fresh(home / "features", customer_ids)
    rows["online"] = forget_online(customer_ids)
    first = rights.forget(customer_ids, subjects, now)
    sleep(SPOOLS_ARE_DRAINED_S)
    both = first.plus(rights.forget(customer_ids, subjects, now))
    # A refresh that was under way may have put a profile back.
    rows["online"] += forget_online(customer_ids)
    rows |= {f"ledger.{name}": count for name, count in both._asdict().items()}
    left = tuple(str(path.relative_to(home)) for path in named(home, customer_ids))
    return Erased(tuple(customer_ids), {name: count for name, count in rows.items() if count}, left)


class Erasures:
    """The erasures of this process that somebody has asked for: they may outlast a request.

    Who asks again for the same person meets the one that is under way, or soon after what became of
    it; later a new one begins, since the person may have come back.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[asyncio.Task[Erased], float]] = {}

    async def of(
        self, customer_id: str, run: Callable[[], Erased], seconds: float
    ) -> Erased | None:
        """Return what an erasure did; None where it goes on after `seconds`.

        Parameters
        ----------
        customer_id : as it was asked for; which others the person has is not known afterwards.
        run : erases; it is called in another thread.

        Raises
        ------
        NbaError : what `run` raises.
        """
        task, begun = self._tasks.get(customer_id, (None, 0.0))
        if task is None or (task.done() and monotonic() - begun > KEPT_S):
            task = asyncio.create_task(asyncio.to_thread(run))
            self._tasks[customer_id] = task, monotonic()
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            return None
        self._tasks.pop(customer_id, None)
        return task.result()
