"""The rights of a person in the ledger: to see everything, and to be erased for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from decisioning.ledger import schema
from decisioning.ledger.jobs import Run
from decisioning.ledger.person_reads import Person, read_person
from decisioning.ledger.retention import Forgotten, forget_customers
from decisioning.ledger.statements import Parameters, Sql, listed, named
from decisioning.ledger.store import Store
from decisioning.ledger.work import Work
from decisioning.ledger.writer import Writer

_T = schema.TOMBSTONES.c


def _bury(insert: Any, _size: int) -> Any:
    added = insert(schema.TOMBSTONES).values(named(schema.TOMBSTONES))
    return added.on_conflict_do_update(
        index_elements=[_T.subject], set_={"erased_at": added.excluded.erased_at}
    )


_BURY = Sql(_bury)
_BURIED = Sql(lambda _, size: select(_T.subject, _T.erased_at).where(_T.subject.in_(listed(size))))
_ALL_BURIED = Sql(lambda *_: select(_T.subject, _T.erased_at))


class Rights:
    """What a person may ask of one ledger.

    Who was erased is known by keyed hashes alone (*subjects*): they tell nothing without the key.
    """

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    def everything_of(self, customer_ids: Sequence[str]) -> Person:
        """Return all rows about customers, read at one moment for each table.

        What other processes have in their spools comes in a tenth of a second later.

        Raises
        ------
        LedgerError : it cannot be read.
        """
        with self._store.readers.lend() as session:
            return read_person(session, customer_ids)

    def forget(
        self, customer_ids: Sequence[str], subjects: Iterable[str] = (), now: float = 0.0
    ) -> Forgotten:
        """Erase customers: decisions keep digests only, everything else about them is deleted.

        In the same transaction their subjects are noted as erased at `now`. What other processes
        have in their spools at this moment comes in up to a tenth of a second later, and is not
        found: ask once more then.

        Raises
        ------
        LedgerError : it cannot be written.
        """
        buried: list[Parameters] = [
            {"subject": one, "erased_at": float(now)} for one in sorted(set(subjects))
        ]

        def forget(work: Work) -> Forgotten:
            work.session.many(_BURY, buried)
            return forget_customers(work, customer_ids)

        done: Forgotten = self._writer.submit(Run(forget)).result()
        if any(done):
            self._store.tidy()
        return done

    def erased(self, subjects: Sequence[str] | None = None) -> Mapping[str, float]:
        """Return when subjects were erased, in seconds since 1970; all of them where None."""
        with self._store.readers.lend() as session:
            if subjects is None:
                return dict(session.all(_ALL_BURIED, {}))
            return dict(session.about(_BURIED, sorted(set(subjects))))
