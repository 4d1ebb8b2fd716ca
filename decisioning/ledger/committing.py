"""Commits jobs together, and one by one when one of them spoils it for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.chain import Head
from decisioning.ledger.contention import contested, on_people
from decisioning.ledger.jobs import Job, answer, in_order
from decisioning.ledger.statements import Session, Sql
from decisioning.ledger.store import Store, savepoint
from decisioning.ledger.work import Work
from features.errors import LedgerBusy, LedgerError

_D = schema.DECISIONS.c
_PEOPLE = "people"
_HEAD = Sql(
    lambda *_: (
        select(_D.seq, _D.link)
        .where(_D.writer == bindparam("writer"))
        .order_by(_D.seq.desc())
        .limit(written("1"))
        .offset(written("0"))
    )
)


@dataclass(frozen=True)
class Failed:
    """The error of one job; the others of its transaction are not touched by it."""

    error: Exception


class Committer:
    """Runs jobs in transactions of one database and keeps the end of the writer's chain."""

    def __init__(self, store: Store, writer: str) -> None:
        self._store = store
        self._writer = writer
        self._head: Head | None = Head.of(writer)

    def commit(self, jobs: Sequence[Job]) -> list[Any]:
        """Return what each job gives, or its `Failed`; everything else is durable then.

        Raises
        ------
        LedgerError : the database cannot be written; whether this transaction was is not known.
        """
        try:
            return self._try(jobs, self._together)
        except LedgerError:
            raise
        except Exception:
            # Whatever one job did wrong must not fail the others.
            return self._try(jobs, self._one_by_one)

    def _try(self, jobs: Sequence[Job], run: Any) -> list[Any]:
        try:
            with self._store.writing() as session:
                work = Work(session, self._store, self._head or self._read_head(session))
                self._lock(work, jobs)
                results: list[Any] = run(work, jobs)
        except Exception as error:
            # What was committed is known again only from the database.
            self._head = None
            told = self._store.told(error)
            if told is None:
                raise
            if not isinstance(told, LedgerBusy):
                self._store.reopen()
            raise told from error
        self._head = work.head
        return results

    def _lock(self, work: Work, jobs: Sequence[Job]) -> None:
        """Keep others from what the jobs decide about; first of all, who is one person stays so."""
        session = work.session
        doing = on_people(jobs)
        if doing is not None:
            self._store.lock(session, (_PEOPLE,), shared=doing == "decide")
        self._store.lock(session, contested(work, jobs))

    def _together(self, work: Work, jobs: Sequence[Job]) -> list[Any]:
        return answer(work, jobs)

    def _one_by_one(self, work: Work, jobs: Sequence[Job]) -> list[Any]:
        results: dict[int, Any] = {}
        for job in in_order(jobs):
            head = work.head
            try:
                with savepoint(work.session.connection):
                    (results[id(job)],) = answer(work, [job])
            except Exception as error:
                if self._store.told(error) is not None:
                    raise
                work.head = head
                results[id(job)] = Failed(error)
        return [results[id(job)] for job in jobs]

    def _read_head(self, session: Session) -> Head:
        row = session.run(_HEAD, {"writer": self._writer}).fetchone()
        return Head.of(self._writer) if row is None else Head(self._writer, row[0], row[1])
