"""The ledger on a server: PostgreSQL through psycopg."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg import errors
from sqlalchemy import Engine, NullPool, create_engine

from decisioning.ledger.schema import METADATA
from decisioning.ledger.statements import Compiler, Connection, Session
from decisioning.ledger.store import Readers, transaction
from features.errors import LedgerBusy, LedgerError, LedgerFull

CONNECT_SECONDS = 2
STATEMENT_MILLISECONDS = 1_000
MOST_READERS = 8
"""Connections for reading, for each process."""

_WITH_TIMEOUTS = (
    f"-c statement_timeout={STATEMENT_MILLISECONDS} -c idle_in_transaction_session_timeout=10000"
)
_PATIENT = "-c statement_timeout=0 -c lock_timeout=60000"
_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key"
_LOCK_SHARED = _LOCK.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")
_MIGRATION = "SELECT pg_advisory_xact_lock(%(key)s)"
_UNSAFE = ("fsync", "synchronous_commit", "full_page_writes")
_BUSY = (
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.TooManyConnections,
)


class PostgresStore:
    """One PostgreSQL database.

    Parameters
    ----------
    url : `postgresql://...`, as libpq takes it.
    allow_unsafe : accept a server that says a commit is durable when it is not.
    """

    def __init__(self, url: str, *, allow_unsafe: bool = False) -> None:
        self._url = url
        self.place = _without_password(url)
        self.compiler = Compiler("postgresql")
        self._writer: Session | None = None
        self.readers = Readers(
            lambda: _as_ours(self._connect(_WITH_TIMEOUTS)), self.compiler, self.told, MOST_READERS
        )
        try:
            self._check(allow_unsafe)
        except psycopg.Error as error:
            raise LedgerError(f"{self.place}: cannot be opened ({_line(error)})") from error

    def _check(self, allow_unsafe: bool) -> None:
        """Refuse a server that may forget what it has committed."""
        connection = self._open_writer().connection
        for setting in _UNSAFE:
            (value,) = connection.execute(f"SHOW {setting}").fetchone() or ("unknown",)
            if value == "off" and not allow_unsafe:
                self.close()
                raise LedgerError(
                    f"{self.place}: {setting} is off, so what the ledger says is stored may be "
                    "lost; switch it on, or allow it on purpose"
                )

    def _connect(self, options: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=options,
            application_name="nba-ledger",
            tcp_user_timeout=2_000 * CONNECT_SECONDS,
        )

    def _open_writer(self) -> Session:
        if self._writer is None:
            self._writer = Session(_as_ours(self._connect(_WITH_TIMEOUTS)), self.compiler)
        return self._writer

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Return a transaction; each of its statements sees what others have committed by then."""
        session = self._begin()
        with transaction(session.connection):
            yield session

    def _begin(self) -> Session:
        """Begin; a connection that was lost since the last transaction is replaced once."""
        session = self._open_writer()
        try:
            session.connection.execute("BEGIN")
        except psycopg.OperationalError:
            self.reopen()
            session = self._open_writer()
            session.connection.execute("BEGIN")
        return session

    def lock(self, session: Session, keys: Iterable[str], shared: bool = False) -> None:
        """Take the locks of all keys, sorted: whoever wants several takes them in one order."""
        numbers = sorted({_number(key) for key in keys})
        if numbers:
            # psycopg alone binds lists, and these statements run nowhere else.
            statement = _LOCK_SHARED if shared else _LOCK
            cast(Any, session.connection).execute(statement, {"keys": numbers})

    def told(self, error: Exception) -> LedgerError | None:
        """Return what is wrong with the server."""
        if isinstance(error, LedgerError):
            return error
        message = f"{self.place}: {_line(error)}"
        if isinstance(error, _BUSY):
            return LedgerBusy(message)
        if isinstance(error, errors.DiskFull):
            return LedgerFull(message)
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return LedgerError(message)
        return None

    def reopen(self) -> None:
        """Close the writing connection, so that the next transaction opens a new one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(psycopg.Error):
                writer.connection.close()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Return an engine; its users wait for each other at the database."""
        engine = create_engine(
            "postgresql+psycopg://", creator=self._connect_patiently, poolclass=NullPool
        )
        keeper = self._connect_patiently()
        try:
            keeper.execute(_MIGRATION, {"key": _number("ledger:schema")})
            yield engine
        finally:
            keeper.close()
            engine.dispose()

    def _connect_patiently(self) -> psycopg.Connection[Any]:
        connection = self._connect(_PATIENT)
        connection.autocommit = False
        return connection

    def tidy(self) -> None:
        """Vacuum, or else old versions of rows stay in the files until the server does it."""
        with closing(self._connect(_PATIENT)) as connection:
            for name in METADATA.tables:
                connection.execute(f"VACUUM {name}".encode())

    def close(self) -> None:
        """Close every connection."""
        self.readers.close()
        self.reopen()


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _without_password(url: str) -> str:
    """Return the address without what must not be in a message.

    >>> _without_password("postgresql://ann:secret@db/ledger?host=/tmp&password=x")
    'postgresql://db/ledger'
    """
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def _as_ours(connection: Any) -> Connection:
    return cast(Connection, connection)
