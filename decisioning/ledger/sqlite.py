"""The ledger in a file: SQLite with a write-ahead log and one writer at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event

from decisioning.ledger.locking import FileLock
from decisioning.ledger.statements import Compiler, Connection, Session
from decisioning.ledger.store import Readers, transaction
from features.errors import LedgerBusy, LedgerError, LedgerFull

BUSY_SECONDS = 0.25
"""How long a statement waits for a program that does not know our lock."""
WRITE_SECONDS = 2.0
"""How long a transaction waits for the other processes of ours."""
MOST_READERS = 64

_SAFE = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {64 * 2**20}",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA secure_delete = ON",
)
_WRITER = ("PRAGMA wal_autocheckpoint = 1000",)
_READER = ("PRAGMA wal_autocheckpoint = 0", "PRAGMA query_only = ON")
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}


class SqliteStore:
    """One SQLite file.

    The SQLite of Python 3.11 (3.40.1) has a fault: when one connection resets the write-ahead log
    while another one writes or checkpoints, the file can be damaged. So nothing writes, checkpoints
    or closes without holding `FILE.lock`, in whichever process: two never meet
    (docs/decisions/0011-one-writer-at-a-time.md).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.place = str(path)
        self.compiler = Compiler("sqlite")
        self._lock = FileLock(path.with_name(path.name + ".lock"), WRITE_SECONDS)
        self._writer: Session | None = None
        self.readers = Readers(
            lambda: _as_ours(_connect(path, _READER)), self.compiler, self.told, MOST_READERS
        )
        try:
            self._check()
        except BaseException:
            self._lock.close()
            raise

    def _check(self) -> None:
        """Create the file for its owner alone, and refuse a damaged one."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.chmod(self.path, 0o600)
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be opened ({error.strerror})") from error
        try:
            with self._lock.held():
                writer = self._open_writer().connection
            damage = [str(row[0]) for row in writer.execute("PRAGMA quick_check(5)").fetchall()]
        except sqlite3.Error as error:
            self.reopen()
            raise LedgerError(f"{self.path}: not a ledger, or damaged ({error})") from error
        if damage != ["ok"]:
            self.reopen()
            raise LedgerError(
                f"{self.path}: damaged ({'; '.join(damage)}); restore it from a backup"
            )

    def _open_writer(self) -> Session:
        if self._writer is None:
            connection = _connect(self.path, _WRITER)
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                connection.close()
                raise LedgerError(f"{self.path}: this file system has no write-ahead log ({mode})")
            self._writer = Session(_as_ours(connection), self.compiler)
        return self._writer

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Return a transaction that no other process of ours writes beside."""
        with self._lock.held():
            session = self._open_writer()
            session.connection.execute("BEGIN IMMEDIATE")
            with transaction(session.connection):
                yield session

    def lock(self, session: Session, keys: Iterable[str], shared: bool = False) -> None:
        """Do nothing: whoever writes is alone."""

    def told(self, error: Exception) -> LedgerError | None:
        """Return what is wrong with the file."""
        if isinstance(error, LedgerError):
            return error
        if not isinstance(error, sqlite3.Error):
            return None
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        message = f"{self.path}: {error}"
        if primary in _BUSY:
            return LedgerBusy(message)
        if primary == sqlite3.SQLITE_FULL:
            return LedgerFull(message)
        if primary in _BROKEN or "closed database" in str(error):
            return LedgerError(message)
        return None

    def reopen(self) -> None:
        """Close the writing connection, so that the next transaction opens a new one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(sqlite3.Error, LedgerBusy), self._lock.held():
                writer.connection.close()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Return an engine whose transactions are alone; the lock is held throughout."""
        engine = create_engine(
            "sqlite://", creator=lambda: _connect(self.path, _WRITER), poolclass=NullPool
        )
        # The driver is in autocommit mode, so nobody else begins a transaction.
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
        with self._lock.held():
            yield engine
            engine.dispose()

    def tidy(self) -> None:
        """Move the write-ahead log into the file and empty it; deleted content is zeroed there.

        Raises
        ------
        LedgerError : it cannot be done now.
        """
        try:
            with self._lock.held(), closing(_connect(self.path, _WRITER)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: its log cannot be emptied ({error})") from error

    def close(self) -> None:
        """Close every connection; the last one to close moves the log into the file."""
        with suppress(LedgerBusy), self._lock.held():
            self.readers.close()
            if self._writer is not None:
                self._writer.connection.close()
                self._writer = None
        self._lock.close()


def _connect(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for pragma in (*_SAFE, *pragmas):
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _as_ours(connection: Any) -> Connection:
    return cast(Connection, connection)
