"""Keeps out of the tables who was erased: an ingest may bring them again from its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from decisioning.ledger.rights import Rights
from features.erasure import erase_from_folder, ids_in_folder
from serving.settings import Settings

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


def respect_tombstones(settings: Settings) -> int:
    """Take everybody who was erased out of the tables and profiles; return how many rows went.

    Raises
    ------
    LedgerError, DataError, ConfigError : as `apply_tombstones`, and the key cannot be used.
    """
    from serving.people import subject_of
    from serving.start import identity_key, open_desk_ledger

    if not settings.ledger_is_remote and not Path(settings.ledger_place).is_file():
        return 0
    # Opened as the service does, which brings its tables up to date: an ingest is often the first
    # thing that a new version does.
    with open_desk_ledger(settings) as ledger:
        key, home = identity_key(settings), settings.home
        folders = (home / "data", home / "features")
        return apply_tombstones(ledger.rights, folders, lambda one: subject_of(key, one))
