"""What the ledger needs of a database, whichever it is, and what both do alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Condition
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine

from decisioning.ledger.statements import Compiler, Connection, Session
from features.errors import LedgerBusy, LedgerError


class Store(Protocol):
    """One database, opened by one process."""

    compiler: Compiler
    readers: Readers
    place: str

    def writing(self) -> AbstractContextManager[Session]:
        """Return a transaction: it is committed when the block ends, and durable then."""
        ...

    def lock(self, session: Session, keys: Iterable[str], shared: bool = False) -> None:
        """Keep other processes from deciding about the same things until the transaction ends.

        Those who share a key keep off only whoever wants it alone.
        """
        ...

    def told(self, error: Exception) -> LedgerError | None:
        """Return what is wrong with the database; None where the statement itself is at fault."""
        ...

    def reopen(self) -> None:
        """Give up the writing connection; the next transaction opens another one."""
        ...

    def engine(self) -> AbstractContextManager[Engine]:
        """Return an engine for migrations and copies; nobody else of ours writes meanwhile."""
        ...

    def tidy(self) -> None:
        """Overwrite what was erased or deleted, as far as the database can."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run a block and COMMIT; roll back when it fails. Whoever calls has begun."""
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A database that failed may have rolled back, or gone away, by itself.
        with suppress(Exception):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Run a block whose changes are undone, alone, when it fails."""
    connection.execute("SAVEPOINT job")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK TO SAVEPOINT job")
        connection.execute("RELEASE SAVEPOINT job")
        raise
    connection.execute("RELEASE SAVEPOINT job")


class Lent:
    """A connection for as long as a block takes.

    A class, since every decision takes two: a generator takes longer to enter and to leave.
    """

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def __enter__(self) -> Session:
        """Take the connection."""
        self._session = self._readers.take()
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Give it back, or close it after an error and say what is wrong."""
        if error is None:
            self._readers.give(self._session)
            return
        told = self._readers.failed(self._session, error)
        if told is not error:
            raise told from error


class Readers:
    """Connections for reading, lent to one thread at a time; the last one used goes out first.

    Parameters
    ----------
    limit : most connections that are open at once.
    seconds : longest wait for one of them.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        compiler: Compiler,
        told: Callable[[Exception], LedgerError | None],
        limit: int,
        seconds: float = 2.0,
    ) -> None:
        self._connect = connect
        self._compiler = compiler
        self._told = told
        self._limit = limit
        self._seconds = seconds
        self._idle: deque[Session] = deque()
        self._open = 0
        self._waiting = 0
        self._changed = Condition()

    def lend(self) -> Lent:
        """Lend a connection for a block.

        Raises
        ------
        LedgerError : in the block; the database cannot be read, or every connection is in use for
            too long.
        """
        return Lent(self)

    def take(self) -> Session:
        """Take a connection; it must be given back, or told to have failed."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._take_new()

    def _take_new(self) -> Session:
        until = monotonic() + self._seconds
        with self._changed:
            while self._open >= self._limit:
                if self._idle:
                    return self._idle.pop()
                if monotonic() >= until:
                    raise LedgerBusy("every connection for reading is in use")
                self._waiting += 1
                # Not longer: who gave one back may just have missed that somebody waits.
                self._changed.wait(0.01)
                self._waiting -= 1
            self._open += 1
        try:
            return Session(self._connect(), self._compiler)
        except BaseException as error:
            self._closed_one()
            told = self._told(error) if isinstance(error, Exception) else None
            raise told or error from error

    def give(self, session: Session) -> None:
        """Give a connection back."""
        self._idle.append(session)
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def failed(self, session: Session, error: BaseException) -> BaseException:
        """Close a connection instead of giving it back; return what is wrong.

        Where it is the database, the idle connections are closed too: a server that was restarted
        should fail one reader and not one for each of them.
        """
        self._drop(session)
        told = self._told(error) if isinstance(error, Exception) else None
        if told is None:
            return error
        if not isinstance(told, LedgerBusy):
            self.close()
        return told

    def _drop(self, session: Session) -> None:
        with suppress(Exception):
            session.connection.close()
        self._closed_one()

    def _closed_one(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def close(self) -> None:
        """Close the connections that are not in use."""
        with suppress(IndexError):
            while True:
                self._drop(self._idle.pop())
