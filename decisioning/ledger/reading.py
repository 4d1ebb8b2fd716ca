"""The ledger for whoever only reads: no writer, no spool of its own, and nothing is created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, func, select

from decisioning.ledger import consents, reads, schema
from decisioning.ledger.event_reads import EventReads
from decisioning.ledger.event_sql import is_outcome
from decisioning.ledger.identities import read_persons
from decisioning.ledger.migrate import quick_look
from decisioning.ledger.migrations import HEAD
from decisioning.ledger.open import store_of
from decisioning.ledger.rows import DecisionRow, StoredOutcome
from decisioning.ledger.statements import Sql, listed
from decisioning.ledger.store import Store
from features.errors import LedgerError

_D, _E, _Q = schema.DECISIONS.c, schema.EVENTS.c, schema.QUARANTINE.c

_HOW_MANY = Sql(
    lambda *_: select(func.count()).where(
        _D.decided_at >= bindparam("start"), _D.decided_at < bindparam("before")
    )
)
_OUTCOMES = Sql(
    lambda _, size: (
        select(*reads.OUTCOME_COLUMNS)
        .where(_E.decision_id.in_(listed(size)), is_outcome(_E))
        .order_by(_E.occurred_at, _E.event_id)
    )
)
_QUARANTINE = Sql(
    lambda *_: (
        select(_Q.reason, func.count())
        .where(_Q.occurred_at >= bindparam("start"), _Q.occurred_at < bindparam("before"))
        .group_by(_Q.reason)
    )
)


@dataclass(frozen=True)
class LedgerReader:
    """What a ledger holds; decisions that still lie in a spool are not there yet."""

    store: Store

    @property
    def events(self) -> EventReads:
        """What happened."""
        return EventReads(self.store.readers.lend)

    def persons(self) -> Mapping[str, tuple[str, ...]]:
        """Return everybody who has several customer ids: all of them by root, the root first."""
        with self.store.readers.lend() as session:
            return read_persons(session)

    def count(self, start: float, before: float) -> int:
        """Return how many decisions were taken from `start` on and before `before`."""
        with self.store.readers.lend() as session:
            row = session.run(_HOW_MANY, {"start": start, "before": before}).fetchone()
        return int(row[0]) if row else 0

    def pages(self, start: float, before: float) -> Iterator[list[DecisionRow]]:
        """Yield the decisions of a period by time and id, a page at a time."""
        since, last = start, ""
        while True:
            with self.store.readers.lend() as session:
                page = reads.read_page(session, since, last, before)
            if not page:
                return
            yield page
            since, last = page[-1].decided_at, page[-1].decision_id

    def outcomes(self, decision_ids: Sequence[str]) -> dict[str, list[StoredOutcome]]:
        """Return the events of decisions by decision id, oldest first."""
        found: dict[str, list[StoredOutcome]] = {}
        with self.store.readers.lend() as session:
            rows = session.about(_OUTCOMES, sorted(set(decision_ids)))
        for row in rows:
            outcome = reads.outcome_of(row)
            found.setdefault(outcome.decision_id, []).append(outcome)
        return found

    def quarantine(self, start: float, before: float) -> dict[str, int]:
        """Return how many events of a period wait for their decision, by reason."""
        with self.store.readers.lend() as session:
            rows = session.all(_QUARANTINE, {"start": start, "before": before})
        return {str(reason): int(count) for reason, count in rows}

    def snapshot(self, digest: str) -> bytes:
        """Return the content with that digest.

        Raises
        ------
        LedgerError : there is none.
        """
        with self.store.readers.lend() as session:
            row = session.run(consents.SNAPSHOT, {"digest": digest}).fetchone()
        if row is None:
            raise LedgerError(f"{self.store.place}: no snapshot {digest!r}")
        return bytes(row[0])

    def close(self) -> None:
        """Close every connection."""
        self.store.close()

    def __enter__(self) -> LedgerReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_reader(place: str | Path) -> LedgerReader | None:
    """Open a ledger for reading; None where there is no ledger yet.

    Parameters
    ----------
    place : path of a SQLite file, or `postgresql://...`.

    Raises
    ------
    LedgerError : it is damaged, its tables are of another version, or it cannot be reached.
    """
    if "://" not in str(place) and not Path(place).is_file():
        return None
    store, _ = store_of(place, Path(), allow_unsafe=True)
    try:
        with store.readers.lend() as session:
            revision = quick_look(session)
        if revision is not None and revision != HEAD:
            raise LedgerError(
                f"{store.place}: has revision {revision}, this version reads {HEAD}; `nba ledger "
                "counts` brings an older one up to date"
            )
    except BaseException:
        store.close()
        raise
    if revision is None:
        store.close()
        return None
    return LedgerReader(store)
