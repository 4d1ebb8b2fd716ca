"""The one thread of a process that writes: it gathers what waits and commits it together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from decisioning.ledger.committing import Committer, Failed
from decisioning.ledger.disk import Disk
from decisioning.ledger.jobs import Job, LogDecision, Run, StoreEvents
from decisioning.ledger.placing import link_overlooked
from decisioning.ledger.rows import DecisionRow, Stored
from decisioning.ledger.spool import Spool
from decisioning.ledger.store import Store
from features.errors import LedgerBusy, LedgerError

BATCH_LIMIT = 256
"""Rows of durable jobs after which a transaction is full."""
LINGER_SECONDS = 0.05
"""How long decisions in the spool wait for company while nobody waits for a commit."""
RETRY_SECONDS = 0.5
"""How long after a failure the decisions in the spool are tried again."""
LOG_ATTEMPTS = 3
"""How often a decision is tried that fails alone; then it stays in the spool."""
OVERLOOKED_SECONDS = 1.0
"""How long after an event went into quarantine it is looked for once more."""


class Writer:
    """Takes jobs from any thread and answers them by futures.

    Parameters
    ----------
    limit : jobs that may wait; more are refused at once.
    """

    def __init__(self, store: Store, spool: Spool, disk: Disk, name: str, limit: int) -> None:
        self._store = store
        self._spool = spool
        self._disk = disk
        self._limit = limit
        self._committer = Committer(store, name)
        # None wakes the thread without asking for anything.
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._logs: deque[LogDecision] = deque()
        self._awake = False
        self._closing = False
        self._retry_at = 0.0
        self._overlooked_at: float | None = None
        self.trouble: Exception | None = None
        self.kept_back = 0
        """Decisions that the database refuses; they stay in the spool for the next start."""
        self._thread = Thread(target=self._run, name="nba-ledger", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that are not taken up yet."""
        return self._queue.qsize() + len(self._logs)

    def submit(self, job: Job) -> Future[Any]:
        """Ask for a job.

        Raises
        ------
        LedgerBusy, LedgerFull : at once; nothing was or will be written.
        """
        self._admit()
        self._queue.put(job)
        return job.future

    def log(self, record: DecisionRow) -> Future[Stored]:
        """Put a decision into the spool, and ask for it to be moved to the database.

        Raises
        ------
        LedgerBusy, LedgerFull : at once; nothing was or will be written.
        """
        self._admit()
        job = LogDecision(record, self._spool.append(record))
        self._logs.append(job)
        if not self._awake:
            self._awake = True
            self._queue.put(None)
        return job.future

    def _admit(self) -> None:
        if self._closing:
            raise LedgerError(f"{self._store.place}: is closed")
        if self.waiting >= self._limit:
            raise LedgerBusy(f"{self._store.place}: {self.waiting:,} writes are waiting already")
        self._disk.check()

    def close(self) -> None:
        """Write what waits and stop; what cannot be written stays in the spool."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            jobs = self._gather()
            if jobs:
                self._settle(jobs)
            elif self._closing and not self.waiting:
                return
            if self._closing and self.trouble is not None:
                self._give_up()
                return

    def _gather(self) -> list[Job]:
        """Wait for something to do and return all that goes into one transaction."""
        job = self._next(self._patience())
        if job is None and self._logs and not self._closing and self.trouble is None:
            job = self._next(LINGER_SECONDS)
        jobs: list[Job] = []
        weight = 0
        while job is not None:
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
                weight += job.weight
            job = self._next(0) if weight < BATCH_LIMIT else None
        if self._overlooked_at is not None and monotonic() >= self._overlooked_at:
            self._overlooked_at = None
            jobs.append(Run(link_overlooked))
        if self._closing or monotonic() >= self._retry_at:
            self._retry_at = 0.0
            self._awake = False
            while self._logs:
                jobs.append(self._logs.popleft())
        return jobs

    def _patience(self) -> float | None:
        """Return how long there may be nothing to do."""
        if self._closing:
            # The wake-up of `close` may have been taken while it lingered.
            return 0.0
        due = [] if self._overlooked_at is None else [self._overlooked_at]
        if self._logs and self._retry_at:
            due.append(self._retry_at)
        if not due:
            return None
        return max(min(due) - monotonic(), 0.0)

    def _next(self, seconds: float | None) -> Job | None:
        """Return the next job; None after that time, or when the thread was only woken."""
        try:
            if seconds != 0:
                return self._queue.get(timeout=seconds)
            while (job := self._queue.get_nowait()) is None:
                pass
        except Empty:
            return None
        return job

    def _settle(self, jobs: Sequence[Job]) -> None:
        """Commit, and tell everybody."""
        ready = [job for job in jobs if self._is_ready(job)]
        try:
            results = self._committer.commit(ready)
        except Exception as error:
            # The thread must outlive every failure.
            self._fail(ready, error)
            return
        self.trouble = None
        for job, result in zip(ready, results, strict=True):
            self._finish(job, result)

    def _is_ready(self, job: Job) -> bool:
        try:
            job.prepare()
        except Exception as error:
            self._finish(job, Failed(error))
            return False
        return True

    def _finish(self, job: Job, result: Any) -> None:
        if isinstance(job, LogDecision) and job.segment is not None:
            if not isinstance(result, Failed):
                self._spool.done(job.segment)
            elif self._is_tried_again(job):
                return
        # Whoever asked may have given up by now.
        with suppress(InvalidStateError):
            if isinstance(result, Failed):
                job.future.set_exception(_told(self._store, result.error))
            else:
                job.future.set_result(result)
        if isinstance(job, StoreEvents) and isinstance(result, list) and "quarantined" in result:
            self._overlooked_at = monotonic() + OVERLOOKED_SECONDS

    def _is_tried_again(self, job: LogDecision) -> bool:
        """Queue a decision that failed alone, a few times; its answer is out, so it is never lost.

        What failed may be a race with another process, which is over the next time.
        """
        job.failures += 1
        if job.failures >= LOG_ATTEMPTS:
            self.kept_back += 1
            return False
        self._retry_at = monotonic() + RETRY_SECONDS
        self._logs.append(job)
        return True

    def _fail(self, jobs: Sequence[Job], error: Exception) -> None:
        """Tell who waits; keep the decisions of the spool for another time."""
        self.trouble = error
        self._retry_at = monotonic() + RETRY_SECONDS
        logs = [job for job in jobs if isinstance(job, LogDecision)]
        self._logs.extendleft(reversed(logs))
        for job in jobs:
            if not isinstance(job, LogDecision):
                with suppress(InvalidStateError):
                    job.future.set_exception(error)

    def _give_up(self) -> None:
        """Fail what cannot be written any more; the spool keeps the decisions."""
        left: list[Job] = [*self._logs]
        self._logs.clear()
        with suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                left += [] if job is None else [job]
        error = LedgerError(f"{self._store.place}: closed while it could not be written")
        for job in left:
            with suppress(InvalidStateError):
                job.future.set_exception(error)


def _told(store: Store, error: Exception) -> Exception:
    """Return an error of the driver in words of the ledger, any other one as it is."""
    if type(error).__module__.partition(".")[0] in ("sqlite3", "psycopg"):
        told = LedgerError(f"{store.place}: cannot be stored ({error})")
        told.__cause__ = error
        return told
    return error
