"""The ledger as the service uses it: writes answer by futures, reads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from decisioning.history import History, HistoryNeeds
from decisioning.ledger import consents, reads
from decisioning.ledger.anchors import append, note_ends, read_file, read_kept
from decisioning.ledger.backup import back_up
from decisioning.ledger.decisions import Check
from decisioning.ledger.deliveries import Deliveries
from decisioning.ledger.disk import Disk
from decisioning.ledger.event_reads import EventReads
from decisioning.ledger.history_reads import read_history
from decisioning.ledger.identities import read_people
from decisioning.ledger.jobs import Activate, Insert, Run, StoreEvents, TakeDecision
from decisioning.ledger.people_log import PeopleLog
from decisioning.ledger.retention import Forgotten, purge_page
from decisioning.ledger.rights import Rights
from decisioning.ledger.rows import (
    NO_NEEDS,
    Activated,
    ConsentRow,
    Counts,
    DecisionRow,
    EventRow,
    OutcomeRow,
    Slot,
    Statuses,
    Stored,
    StoredOutcome,
    Taken,
)
from decisioning.ledger.spool import Spool
from decisioning.ledger.statements import PAGE
from decisioning.ledger.store import Store
from decisioning.ledger.verify import ChainReport, verify
from decisioning.ledger.writer import Writer
from features.errors import LedgerError
from features.people import People


@dataclass(frozen=True)
class Health:
    """How the ledger is.

    Attributes
    ----------
    waiting : writes that are not taken up yet.
    free_bytes : of the file system it writes to.
    low_on_disk : whether somebody should make room.
    trouble : why the last transaction failed; None where it did not.
    kept_back : decisions that the database refuses, each alone; they stay in the spool.
    """

    waiting: int
    free_bytes: int
    low_on_disk: bool
    trouble: str | None
    kept_back: int


class Ledger:
    """One ledger, opened by one process; every method may be called from any thread.

    Methods that write return a future, or raise LedgerBusy (too much waits) or LedgerFull (the disk
    is nearly full) at once. A future fails with LedgerError when the database does: whether its job
    was written is then not known, and doing the same again is safe.
    """

    def __init__(self, store: Store, spool: Spool, disk: Disk, writer: Writer, name: str) -> None:
        self._store = store
        self._spool = spool
        self._disk = disk
        self._writer = writer
        self.rights = Rights(store, writer)
        self._anchors = disk.folder.parent / "anchors.jsonl"
        self.writer = name
        """The name of this process's chain."""
        self.events = EventReads(store.readers.lend)
        """Reads of what happened, whoever it was."""
        self.people = PeopleLog(store.readers, writer)
        """Which ids are whose, and which customers are one person."""
        self.deliveries = Deliveries(store, writer)

    def log_decision(self, record: DecisionRow) -> Future[Stored]:
        """Log a decision that nobody waits for.

        When this returns, it is in the spool: it survives the death of the process, and a power cut
        may lose the last tenth of a second. The future is done when it is durable.
        """
        return self._writer.log(record)

    def take_decision(
        self, record: DecisionRow, slots: tuple[Slot, ...] = (), check: Check | None = None
    ) -> Future[Taken]:
        """Log a decision durably and reserve its slots, unless its request was answered before.

        `check` is asked with the history that `record.needs` wants, at `record.decided_at`, which
        nobody changes before the slots are reserved. It runs in the writer: it must be short.
        Without slots it is not asked.
        """
        return self._writer.submit(TakeDecision(record, slots, check))

    def activate(
        self,
        decision_id: str,
        now: float,
        slots: tuple[Slot, ...] = (),
        check: Check | None = None,
        needs: HistoryNeeds = NO_NEEDS,
    ) -> Future[Activated]:
        """Turn a deferred decision into a live one and reserve its slots if the check agrees."""
        return self._writer.submit(Activate(decision_id, now, slots, check, needs))

    def store_outcomes(self, items: Sequence[OutcomeRow], now: float) -> Future[Statuses]:
        """Store outcomes durably; one status per item, in order. `now` is when they came."""
        return self._store_items(items, now)

    def store_events(self, items: Sequence[EventRow], now: float) -> Future[Statuses]:
        """Store other events durably; one status per item, in order. `now` is when they came.

        An undo flags what it refers to in the same transaction; where that is not known yet, it
        waits in quarantine, as what names a decision waits for that.
        """
        return self._store_items(items, now)

    def _store_items(self, items: Sequence[OutcomeRow | EventRow], now: float) -> Future[Statuses]:
        kept = tuple(items)
        return self._writer.submit(StoreEvents(kept, now, weight=max(len(kept), 1)))

    def record_consents(self, rows: Iterable[ConsentRow]) -> Future[None]:
        """Add to the consent log; entries that are there already change nothing."""
        columns = consents.consent_columns(rows)
        weight = max(len(columns), 1)
        return self._writer.submit(Insert(consents.INSERT_CONSENT, columns, weight=weight))

    def keep_snapshot(self, kind: str, content: bytes) -> str:
        """Store a content durably and return its SHA-256 in hexadecimal; again is no matter."""
        columns = consents.snapshot_columns(kind, content)
        self._writer.submit(Insert(consents.INSERT_SNAPSHOT, [columns])).result()
        return str(columns["digest"])

    def snapshot(self, digest: str) -> bytes:
        """Return the content with that digest.

        Raises
        ------
        LedgerError : there is none.
        """
        with self._store.readers.lend() as session:
            row = session.run(consents.SNAPSHOT, {"digest": digest}).fetchone()
        if row is None:
            raise LedgerError(f"{self._store.place}: no snapshot {digest!r}")
        return bytes(row[0])

    def history(
        self, customer_id: str | None, now: float, needs: HistoryNeeds, people: People | None = None
    ) -> History:
        """Return what policies want to know of a customer at a moment.

        That of all customer ids that are one person with this one.

        Parameters
        ----------
        people : the customer's person, where somebody has just read it.

        Raises
        ------
        LedgerError : it cannot be read; whoever decides then has no history, not an empty one.
        """
        with self._store.readers.lend() as session:
            if people is None:
                people = read_people(session, () if customer_id is None else (customer_id,))
            return read_history(session, customer_id, now, needs, people)

    def decision(self, decision_id: str) -> DecisionRow | None:
        """Return a decision; what only lies in the spool is not there yet."""
        with self._store.readers.lend() as session:
            return reads.read_one(session, reads.BY_ID, {"decision_id": decision_id})

    def by_request(self, request_id: str) -> DecisionRow | None:
        """Return the decision that answered a request."""
        with self._store.readers.lend() as session:
            return reads.read_one(session, reads.BY_REQUEST, {"request_id": request_id})

    def requested(self, request_ids: Iterable[str]) -> dict[str, str]:
        """Return the state of each decision that answered one of some requests."""
        with self._store.readers.lend() as session:
            return dict(session.about(reads.REQUESTED, sorted(set(request_ids))))

    def decisions_between(
        self, start: float, end: float, after: str | None = None, limit: int | None = None
    ) -> Iterator[DecisionRow]:
        """Yield decisions from `start` on and before `end`, by time and id, a page at a time.

        `after` goes on behind the decision of that id, which was decided at `start`.
        """
        since, last, left = start, after or "", limit
        while left is None or left > 0:
            page = PAGE if left is None else min(PAGE, left)
            with self._store.readers.lend() as session:
                found = reads.read_page(session, since, last, end, page)
            yield from found
            if len(found) < page:
                return
            since, last = found[-1].decided_at, found[-1].decision_id
            left = None if left is None else left - page

    def outcomes_of(self, decision_id: str) -> tuple[StoredOutcome, ...]:
        """Return the outcomes of a decision, oldest first."""
        with self._store.readers.lend() as session:
            return reads.read_outcomes(session, decision_id)

    def counts(self, start: float, end: float) -> Counts:
        """Return what a reconciliation compares, of decisions from `start` on and before `end`."""
        with self._store.readers.lend() as session:
            return reads.read_counts(session, start, end)

    def anchor(self, now: float, file: Path | None = None) -> int:
        """Note the ends of all chains, in the ledger and in a file; return how many were new.

        The file is by default `anchors.jsonl` beside the folder of the spool, which for SQLite is
        beside the database.
        """
        ends = self._writer.submit(Run(lambda work: note_ends(work, now))).result()
        if ends:
            append(file or self._anchors, ends)
        return len(ends)

    def verify(
        self, progress: Callable[[int, int], None] | None = None, file: Path | None = None
    ) -> ChainReport:
        """Walk along every chain and say what is not as it was written.

        `progress` is told rows done and rows in all; `file` holds anchors, as `anchor` wrote them.
        """
        with self._store.readers.lend() as session:
            kept = read_kept(session)
        noted = read_file(file or self._anchors)
        return verify(self._store.readers.lend, [*kept, *noted], progress)

    def purge(
        self,
        before: float,
        outcomes_before: float | None = None,
        progress: Callable[[Forgotten], None] | None = None,
    ) -> Forgotten:
        """Erase decisions and delete reservations from before a moment, and outcomes likewise.

        A page at a time, so that decisions go on meanwhile; `progress` is told what is done so far.
        Digests stay: `verify` holds and counts the erased rows. `outcomes_before` is by default the
        same moment.
        """
        limit = before if outcomes_before is None else outcomes_before
        done, page = Forgotten(), Forgotten(1)
        while any(page):
            page = self._writer.submit(Run(lambda work: purge_page(work, before, limit))).result()
            done = done.plus(page)
            if progress is not None:
                progress(done)
        if any(done):
            self._store.tidy()
        return done

    def backup(self, path: Path) -> None:
        """Write a consistent copy to a SQLite file, which must not be there yet."""
        self.flush()
        back_up(self._store, path)

    def flush(self, seconds: float | None = None) -> None:
        """Return when everything that was asked for before is durable."""
        self._writer.submit(Run(lambda _: None)).result(seconds)

    def health(self) -> Health:
        """Return how the ledger is."""
        trouble = self._writer.trouble
        return Health(
            self._writer.waiting,
            self._disk.free,
            self._disk.low,
            None if trouble is None else str(trouble),
            self._writer.kept_back,
        )

    def close(self) -> None:
        """Write what waits and close."""
        self._writer.close()
        self._spool.close()
        self._store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
