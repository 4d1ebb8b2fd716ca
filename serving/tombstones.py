"""Keeps out of the tables who was erased: an ingest may bring them again from its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from decisioning.ledger.rights import Rights
from features.erasure import erase_from_folder, ids_in_folder

Subject = Callable[[str], str]
"""Returns the keyed hash of a customer id, as tombstones have it."""


def apply_tombstones(rights: Rights, folders: Iterable[Path], subject: Subject) -> int:
    """Take everybody who was erased out of the tables of some folders; return how many rows went.

    Raises
    ------
    LedgerError : the tombstones cannot be read.
    DataError : a table cannot be read or written.
    """
    buried = rights.erased()
    if not buried:
        return 0
    gone = 0
    for folder in folders:
        known = ids_in_folder(folder) if folder.is_dir() else set()
        erased = {one for one in known if subject(one) in buried}
        gone += sum(erase_from_folder(folder, erased).values()) if erased else 0
    return gone
