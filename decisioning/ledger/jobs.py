"""The jobs of the writer: what is asked, and how one transaction answers many of a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, update

from decisioning.history import History, HistoryNeeds
from decisioning.ledger import event_sql, schema
from decisioning.ledger.counting import Counting
from decisioning.ledger.decisions import Check, Register, prepare, reserve
from decisioning.ledger.event_columns import columns_of
from decisioning.ledger.history_reads import read_history
from decisioning.ledger.identities import read_people
from decisioning.ledger.placing import Placing
from decisioning.ledger.rows import (
    Activated,
    DecisionRow,
    EventRow,
    OutcomeRow,
    Slot,
    Statuses,
    Stored,
    Taken,
)
from decisioning.ledger.spool import Segment
from decisioning.ledger.statements import Parameters, Sql, listed
from decisioning.ledger.work import Work

_D = schema.DECISIONS.c
STATES = Sql(
    lambda _, size: select(_D.decision_id, _D.customer_id, _D.state).where(
        _D.decision_id.in_(listed(size))
    )
)
_ACTIVATE = Sql(
    lambda *_: (
        update(schema.DECISIONS)
        .where(_D.decision_id == bindparam("this_decision"), _D.state == bindparam("old_state"))
        .values(state=bindparam("new_state"))
    )
)


@dataclass(eq=False)
class Job:
    """Something to be written, and the future of what became of it.

    Attributes
    ----------
    weight : how much of a transaction it fills, in rows.
    """

    future: Future[Any] = field(default_factory=Future, kw_only=True)
    weight: int = field(default=1, kw_only=True)

    def prepare(self) -> None:
        """Do what needs no database, before the transaction begins."""


@dataclass(eq=False)
class LogDecision(Job):
    """Keep a decision; it is in the spool already.

    Attributes
    ----------
    failures : how often it could not be stored though the others of its transaction could.
    """

    record: DecisionRow
    segment: Segment | None = None
    failures: int = 0
    row: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> None:
        """Compress."""
        self.row = self.row or prepare(self.record)


@dataclass(eq=False)
class TakeDecision(Job):
    """Keep a decision and reserve its slots, if the check still allows it."""

    record: DecisionRow
    slots: tuple[Slot, ...] = ()
    check: Check | None = None
    row: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> None:
        """Compress."""
        self.row = self.row or prepare(self.record)


@dataclass(eq=False)
class Activate(Job):
    """Make a deferred decision a live one, if the check still allows it."""

    decision_id: str
    now: float
    slots: tuple[Slot, ...]
    check: Check | None
    needs: HistoryNeeds


@dataclass(eq=False)
class StoreEvents(Job):
    """Keep what happened: outcomes and other events."""

    items: Sequence[OutcomeRow | EventRow]
    now: float


@dataclass(eq=False)
class Insert(Job):
    """Add rows to one table unless they are there; the answer is `result`."""

    statement: Sql
    rows: Sequence[Parameters]
    result: object = None


@dataclass(eq=False)
class Run(Job):
    """Do something in a transaction."""

    do: Callable[[Work], Any]


@dataclass(eq=False)
class ChangePeople(Job):
    """Add to the logs of links and merges, while nobody decides by them."""

    do: Callable[[Work], Any]


def _insert(work: Work, jobs: Sequence[Insert]) -> list[Any]:
    for job in jobs:
        work.session.many(job.statement, job.rows)
    return [job.result for job in jobs]


def _log(work: Work, jobs: Sequence[LogDecision]) -> list[Stored]:
    register = Register(work, [job.row for job in jobs])
    stored = []
    for job in jobs:
        decision_id = job.record.decision_id
        new = decision_id not in register
        stored.append(Stored(decision_id, new))
        if new:
            # The answer is out, so it is logged; the request id stays that of the earlier one.
            taken = register.earlier(job.record.request_id) is not None
            register.add(job.row | {"request_id": None} if taken else job.row)
    register.flush()
    return stored


def _take(work: Work, jobs: Sequence[TakeDecision]) -> list[Taken]:
    register = Register(work, [job.row for job in jobs])
    taken = [_take_one(work, register, job) for job in jobs]
    register.flush()
    return taken


def _take_one(work: Work, register: Register, job: TakeDecision) -> Taken:
    record = job.record
    if (earlier := register.earlier(record.request_id)) is not None:
        return earlier
    if record.decision_id in register:
        return Taken(record.decision_id, True, record.request_digest, record.answer)
    if job.slots and job.check is not None:
        history = _history(work, record.customer_id, record.decided_at, record.needs)
        if not job.check(history):
            return Taken(record.decision_id, conflict=history)
    register.add(job.row)
    reserve(work, record.decision_id, record.customer_id, record.decided_at, job.slots)
    return Taken(record.decision_id)


def _history(work: Work, customer_id: str | None, now: float, needs: HistoryNeeds) -> History:
    people = work.people
    if people is None:
        people = read_people(work.session, () if customer_id is None else (customer_id,))
    return read_history(work.session, customer_id, now, needs, people, work.counting)


def _activate(work: Work, jobs: Sequence[Activate]) -> list[Activated]:
    ids = sorted({job.decision_id for job in jobs})
    known = {row[0]: (row[1], row[2]) for row in work.session.about(STATES, ids)}
    done = []
    for job in jobs:
        customer_id, state = known.get(job.decision_id, (None, "unknown"))
        activated = _activate_one(work, job, customer_id, state)
        if activated.status == "activated":
            known[job.decision_id] = (customer_id, "activated")
        done.append(activated)
    return done


def _activate_one(work: Work, job: Activate, customer_id: str | None, state: str) -> Activated:
    if state in ("unknown", "erased"):
        return Activated(job.decision_id, "unknown")
    if state == "live":
        return Activated(job.decision_id, "not_deferred")
    if state == "activated":
        return Activated(job.decision_id, "already")
    if job.check is not None:
        history = _history(work, customer_id, job.now, job.needs)
        if not job.check(history):
            return Activated(job.decision_id, "conflict", history)
    change = {"old_state": "pending", "new_state": "activated", "this_decision": job.decision_id}
    if work.session.run(_ACTIVATE, change).rowcount != 1:
        return Activated(job.decision_id, "already")
    reserve(work, job.decision_id, customer_id, job.now, job.slots)
    return Activated(job.decision_id, "activated")


def _events(work: Work, jobs: Sequence[StoreEvents]) -> list[Statuses]:
    of_jobs = [[columns_of(item, job.now) for item in job.items] for job in jobs]
    every = [item for items in of_jobs for item in items]
    placing = Placing(work, every)
    placing.know(event_sql.SEEN_IN_QUARANTINE, every)
    told = []
    for items in of_jobs:
        statuses = Statuses(placing.place(item) for item in items)
        known = zip(items, statuses, strict=True)
        kept = [item["event_id"] for item, one in known if one in ("stored", "duplicate")]
        customers = {placing.customer_of(event_id) for event_id in kept}
        statuses.customers = frozenset(one for one in customers if one is not None)
        told.append(statuses)
    placing.flush()
    return told


def _run(work: Work, jobs: Sequence[Run | ChangePeople]) -> list[Any]:
    return [job.do(work) for job in jobs]


_HANDLERS: tuple[tuple[type[Job], Callable[[Work, Any], list[Any]]], ...] = (
    (Insert, _insert),
    (ChangePeople, _run),
    (LogDecision, _log),
    (TakeDecision, _take),
    (Activate, _activate),
    (StoreEvents, _events),
    (Run, _run),
)
"""Kinds of jobs in the order of a transaction: what others look at comes first."""


def in_order(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs in the order in which their kinds are run."""
    ranks = {kind: rank for rank, (kind, _) in enumerate(_HANDLERS)}
    return sorted(jobs, key=lambda job: ranks[type(job)])


def answer(work: Work, jobs: Sequence[Job]) -> list[Any]:
    """Run jobs in one transaction, kind by kind; return the results in the order of the jobs."""
    results: dict[int, Any] = {}
    work.counting = Counting()
    for kind, handle in _HANDLERS:
        chosen = [job for job in jobs if type(job) is kind]
        if chosen:
            answers = handle(work, chosen)
            results |= {id(job): answer for job, answer in zip(chosen, answers, strict=True)}
    work.counting.flush(work.session)
    return [results[id(job)] for job in jobs]
