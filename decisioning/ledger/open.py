"""Opens the ledger: whole, up to date, and with what dead processes left in their spools."""

from __future__ import annotations

import uuid
from pathlib import Path

from decisioning.ledger.backup import restore_into
from decisioning.ledger.committing import Committer, Failed
from decisioning.ledger.disk import Disk
from decisioning.ledger.jobs import Job, LogDecision, Run
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.migrate import migrate
from decisioning.ledger.placing import link_overlooked
from decisioning.ledger.spool import Orphan, Spool, in_use, orphans
from decisioning.ledger.store import Store
from decisioning.ledger.writer import Writer
from features.errors import LedgerError

QUEUE_LIMIT = 2_000
"""Most writes that wait; more are refused at once."""
MIN_FREE_BYTES = 64 * 2**20
"""Free bytes below which nothing is written."""
WARN_FREE_BYTES = 256 * 2**20
"""Free bytes below which the ledger says that it is low on disk."""
_POSTGRES = ("postgresql://", "postgres://")


def open_ledger(
    place: str | Path,
    *,
    spool: Path | None = None,
    queue_limit: int = QUEUE_LIMIT,
    min_free_bytes: int = MIN_FREE_BYTES,
    warn_free_bytes: int = WARN_FREE_BYTES,
    allow_unsafe_server: bool = False,
) -> Ledger:
    """Open the ledger, create or migrate its tables, and drain the spools of dead processes.

    Parameters
    ----------
    place : path of a SQLite file, or `postgresql://...`.
    spool : folder on this machine where decisions wait for the database; by default `spool` beside
        the SQLite file. PostgreSQL needs one.
    queue_limit : most writes that wait; more are refused with LedgerBusy.
    min_free_bytes, warn_free_bytes : of the file system of the spool (and the SQLite file).
    allow_unsafe_server : accept a PostgreSQL that may forget what it has committed.

    Raises
    ------
    LedgerError : it is damaged, not a ledger, of a newer version, or cannot be reached.
    """
    store, folder = store_of(place, spool, allow_unsafe_server)
    try:
        migrate(store)
        name = uuid.uuid4().hex
        _drain(store, folder)
        own = Spool(folder, name)
    except BaseException:
        store.close()
        raise
    disk = Disk(folder, min_free_bytes, warn_free_bytes)
    return Ledger(store, own, disk, Writer(store, own, disk, name, queue_limit), name)


def restore(
    path: Path, place: str | Path, *, spool: Path | None = None, force: bool = False
) -> int:
    """Put a backup into the ledger at `place`; return how many rows it has.

    Raises
    ------
    LedgerError : the backup cannot be used, a process on this machine has the ledger open, or the
        ledger is not empty and `force` is not set.
    """
    store, folder = store_of(place, spool, allow_unsafe=True)
    try:
        if in_use(folder):
            raise LedgerError(f"{place}: a process has this ledger open; stop the service first")
        migrate(store)
        return restore_into(store, path, force=force)
    finally:
        store.close()


def store_of(place: str | Path, spool: Path | None, allow_unsafe: bool) -> tuple[Store, Path]:
    """Return the database at a place and the folder of its spools; no table is looked at."""
    if str(place).startswith(_POSTGRES):
        from decisioning.ledger.postgres import PostgresStore

        if spool is None:
            raise LedgerError("a ledger on PostgreSQL needs a folder for its spool")
        return PostgresStore(str(place), allow_unsafe=allow_unsafe), spool
    if "://" in str(place):
        raise LedgerError(f"{place}: neither the path of a SQLite file nor postgresql://...")
    from decisioning.ledger.sqlite import SqliteStore

    path = Path(place)
    return SqliteStore(path), path.parent / "spool" if spool is None else spool


def _drain(store: Store, folder: Path) -> None:
    """Move what dead processes left in their spools into the database, each decision once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    committer = Committer(store, f"drain-{uuid.uuid4().hex}")
    committer.commit([Run(link_overlooked)])
    for orphan in orphans(folder):
        try:
            _drain_one(committer, orphan)
        except BaseException:
            orphan.leave()
            raise


def _drain_one(committer: Committer, orphan: Orphan) -> None:
    jobs: list[Job] = [LogDecision(record) for record in orphan.records()]
    failed = 0
    for start in range(0, len(jobs), 256):
        batch = jobs[start : start + 256]
        for job in batch:
            job.prepare()
        failed += sum(isinstance(result, Failed) for result in committer.commit(batch))
    if failed:
        orphan.set_aside()
    else:
        orphan.remove()
