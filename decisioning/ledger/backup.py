"""Copies a whole ledger into one file, and such a file back into a ledger.

A backup is a SQLite file whichever database the ledger is on: the same tables, so that it can be
opened, verified and restored anywhere.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select

from decisioning.ledger.migrate import migrate, revision_of
from decisioning.ledger.schema import METADATA
from decisioning.ledger.sqlite import SqliteStore
from decisioning.ledger.store import Store
from features.errors import LedgerError

_ROWS = 500


def back_up(store: Store, path: Path) -> None:
    """Write a consistent copy of the ledger to `path`, while others go on writing.

    The file appears under its name only when it is whole.

    Raises
    ------
    LedgerError : there is a file of that name already, or the copy is not sound.
    """
    if path.exists():
        raise LedgerError(f"{path}: is there already; a backup overwrites nothing")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
        draft = Path(folder) / "ledger.db"
        if isinstance(store, SqliteStore):
            _copy_file(store, draft)
        else:
            _copy_rows(store, draft)
        _make_one_file(draft)
        os.replace(draft, path)


def restore_into(store: Store, path: Path, *, force: bool) -> int:
    """Put the rows of a backup into a ledger in one transaction; return how many.

    Raises
    ------
    LedgerError : the backup is damaged or of a newer version, or the ledger is not empty and
        `force` does not say that what is in it may go.
    """
    if not path.is_file():
        raise LedgerError(f"{path}: no such backup")
    with (
        _opened_copy(path) as backup,
        backup.engine() as source_engine,
        store.engine() as target_engine,
        source_engine.connect() as source,
        target_engine.begin() as target,
    ):
        _empty(target, store.place, force)
        return _copy(source, target)


def _copy_file(store: SqliteStore, draft: Path) -> None:
    """Copy page by page in one go: a copy in steps begins anew whenever somebody writes."""
    with store.readers.lend() as session, closing(_created(draft)) as target:
        source = session.connection
        if isinstance(source, sqlite3.Connection):
            source.backup(target, pages=-1)


def _copy_rows(store: Store, draft: Path) -> None:
    target_store = SqliteStore(draft)
    try:
        migrate(target_store)
        with store.engine() as source_engine, target_store.engine() as target_engine:
            # All tables as of one moment.
            frozen = source_engine.execution_options(isolation_level="REPEATABLE READ")
            with frozen.connect() as source, target_engine.begin() as target:
                _copy(source, target)
    finally:
        target_store.close()


def _copy(source: Connection, target: Connection) -> int:
    copied = 0
    for table in METADATA.sorted_tables:
        rows = source.execution_options(yield_per=_ROWS).execute(select(table))
        for page in rows.mappings().partitions(_ROWS):
            target.execute(insert(table), [dict(row) for row in page])
            copied += len(page)
    return copied


def _empty(target: Connection, place: str, force: bool) -> None:
    for table in METADATA.sorted_tables:
        count = target.execute(select(func.count()).select_from(table)).scalar() or 0
        if count and not force:
            raise LedgerError(
                f"{place}: has {count:,} rows in {table.name} already; "
                "restoring would replace them: use --force"
            )
        if count:
            target.execute(delete(table))


@contextmanager
def _opened_copy(path: Path) -> Iterator[SqliteStore]:
    """Open a copy, checked and brought up to date: the backup itself is not touched."""
    with tempfile.TemporaryDirectory(prefix="restore-") as folder:
        copy = Path(folder) / "ledger.db"
        shutil.copyfile(path, copy)
        try:
            store = SqliteStore(copy)
        except LedgerError as error:
            raise LedgerError(str(error).replace(str(copy), str(path))) from error
        try:
            _refuse_what_is_none(store, path)
            migrate(store)
            yield store
        finally:
            store.close()


def _refuse_what_is_none(store: SqliteStore, path: Path) -> None:
    """Refuse any other database: restoring from one would leave an empty ledger."""
    with store.engine() as engine, engine.connect() as connection:
        if revision_of(connection) is None:
            raise LedgerError(f"{path}: not the backup of a ledger")


def _make_one_file(draft: Path) -> None:
    """Check the copy, and leave it without a write-ahead log beside it."""
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != ("ok",):
            raise LedgerError(f"{draft}: the copy is damaged ({found})")
    with draft.open("rb") as file:
        os.fsync(file.fileno())


def _created(draft: Path) -> sqlite3.Connection:
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return sqlite3.connect(draft)
