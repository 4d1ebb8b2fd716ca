"""Erases a person from every store of the product, and looks whether anything was left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from decisioning.ledger.rights import Rights
from features.erasure import erase_from_folder
from features.fresh_rows import forget as forget_fresh
from features.fresh_rows import writing_online
from serving.remains import named

SPOOLS_ARE_DRAINED_S = 0.3
"""After how long what other processes had in their spools is in the database."""

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

    def after(self, earlier: Erased) -> Erased:
        """Return what both erasures of a person did together; what is left is known by this one."""
        rows = Counter(earlier.rows) + Counter(self.rows)
        ids = dict.fromkeys((*self.customer_ids, *earlier.customer_ids))
        return Erased(tuple(ids), dict(rows), self.left)


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
    # A refresh that had read the events before they went may have put a profile back.
    with writing_online(home):
        rows["features/fresh"] += forget_fresh(home / "features", customer_ids)
    rows["online"] += forget_online(customer_ids)
    rows |= {f"ledger.{name}": count for name, count in both._asdict().items()}
    left = tuple(str(path.relative_to(home)) for path in named(home, customer_ids))
    return Erased(tuple(customer_ids), {name: count for name, count in rows.items() if count}, left)
