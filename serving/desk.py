"""Takes decisions with what the ledger knows, and writes them down before they are answered.

A decision is on disk before its answer leaves: in the ledger's spool, which outlives the process,
or, where it takes a place that a limit counts or has to be repeatable, committed in the database.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Literal

from decisioning.decision import Decision
from decisioning.history import NO_HISTORY, History
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import Taken
from decisioning.request import DecisionRequest
from decisioning.reservation import capped, still_free
from features.errors import FeatureError, LedgerError
from features.people import People
from serving.decision_rows import layout_of, row_of, slots_at
from serving.engine import Answer, Engine, Found
from serving.logs import log
from serving.patience import Patience
from serving.problems import ProblemError
from serving.state import State

Logged = Literal["durable", "spooled", "not_logged", "dry_run"]
"""How well a decision is written down when its answer leaves."""

Write = Callable[[Answer, Logged], bytes]
"""Makes the body of an answer."""

_ATTEMPTS = 20


class Desk:
    """Takes decisions and writes them down.

    Parameters
    ----------
    ledger : None where there is none; whatever needs it then fails closed.
    remote : whether reading it takes so long that other requests should go on meanwhile.
    seconds : how long a request may take; a ledger that hangs is given up long before.
    read_seconds : how long everything that a decision reads may take together.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger | None,
        remote: bool = False,
        seconds: float = 2.0,
        read_seconds: float = math.inf,
    ) -> None:
        self._read_seconds = read_seconds
        self.engine, self.ledger, self.remote = engine, ledger, remote
        self.patience = Patience(seconds)
        self._kept: set[str] = set()
        self._failing: set[str] = set()
        self._anchored: int | None = None

    async def take(
        self,
        request: DecisionRequest,
        digest: str,
        write: Write,
        codes: tuple[str, ...] = (),
        durable: bool = False,
        patient: bool = False,
        people: People | None = None,
    ) -> tuple[Decision | None, bytes]:
        """Return a decision and the body of its answer; without the decision if it is a repetition.

        Parameters
        ----------
        digest : of the question, so that the same request id with another question is noticed.
        durable : wait until the decision is committed.
        patient : nobody waits: no answer is better than one without the ledger, or the profile.
        people : the customer's person, where it was read and nothing waited for since.

        Raises
        ------
        ProblemError : `conflict`, the request id was used for another question.
        LedgerError, FeatureError : only if `patient`: something cannot be read or written.
        """
        if request.mode != "dry_run" and request.decision_request_id is not None:
            earlier = await self._earlier(request.decision_request_id, digest)
            if earlier is not None:
                return None, earlier
        state = self.engine.current()
        found, history, trouble = await self._read(request, state, people)
        _insist(patient, trouble, found[1] if state.store is not None else ())
        told = codes + trouble
        for _ in range(_ATTEMPTS):
            if request.mode == "dry_run":
                # The id of the real decision would let outcomes of a rehearsal count.
                answer = self.engine.answer(_unnamed(request), history, told, state, found)
                return answer.decision, write(answer, "dry_run")
            answer = self.engine.answer(request, history, told, state, found)
            must_wait = (
                durable
                or request.decision_request_id is not None
                or request.mode == "deferred"
                or bool(capped(answer.decision))
            )
            if not must_wait:
                return await self._spool(answer, None, digest, write)
            body = write(answer, "durable")
            taken = await self._commit(answer, digest, body)
            if taken is None:
                _insist(patient, ("ledger_unavailable",))
                return await self._without_ledger(request, digest, told, write, state, found)
            if taken.repeated:
                return None, _repeated(taken.request_digest, digest, taken.stored_answer)
            if taken.conflict is None:
                return answer.decision, body
            zone = self.engine.zone_of(request.customer_id)
            history = replace(taken.conflict, time_zone=zone)
        told = (*told, "ledger_busy")
        _insist(patient, told)
        return await self._without_ledger(request, digest, told, write, state, found)

    def degraded(self) -> list[str]:
        """Return what is wrong with the ledger, as codes."""
        if self.ledger is None:
            return ["ledger_unavailable"]
        health = self.ledger.health()
        found = {
            "ledger_unavailable": health.trouble is not None or bool(self._failing),
            "ledger_low_on_disk": health.low_on_disk,
            "decisions_kept_back": health.kept_back > 0,
        }
        return [code for code, holds in found.items() if holds]

    def anchor_daily(self) -> None:
        """Note the ends of the log's chains once a business day, so that none can be cut short.

        Raises
        ------
        LedgerError : the ledger cannot be written; the next call tries again.
        """
        now = self.engine.clock.now().timestamp()
        if self.ledger is not None and self._anchored != self.engine.day_of(now):
            self.ledger.anchor(now)
            self._anchored = self.engine.day_of(now)

    def close(self) -> None:
        """Note the ends of the chains, write what waits and close the ledger."""
        if self.ledger is None:
            return
        try:
            self.ledger.flush()
            self.ledger.anchor(self.engine.clock.now().timestamp())
        except LedgerError as error:
            self._tell("write", error)
        self.ledger.close()

    async def _read(
        self, request: DecisionRequest, state: State, people: People | None
    ) -> tuple[Found, History | None, tuple[str, ...]]:
        """Return the profile, the history and what is wrong with it, as codes."""
        # While something was waited for, somebody may have become another person.
        waited = self.remote or state.remote or request.decision_request_id is not None
        until = monotonic() + self._read_seconds
        found = await self.engine.profile_of(state, request.customer_id)
        return found, *await self._history(request, state, until, None if waited else people)

    async def _history(
        self, request: DecisionRequest, state: State, until: float, people: People | None
    ) -> tuple[History | None, tuple[str, ...]]:
        needs, ledger = state.world.needs, self.ledger
        if not needs.anything:
            return replace(NO_HISTORY, time_zone=self.engine.zone_of(request.customer_id)), ()
        if ledger is None:
            return None, ("ledger_unavailable",)
        customer_id, now = request.customer_id, self.engine.clock.now().timestamp()
        asked = customer_id, now, needs, people
        try:
            if self.remote:
                left = until - monotonic()
                history = await self.patience.read(ledger.history, *asked, within=left)
            else:
                history = ledger.history(*asked)
        except LedgerError as error:
            self._tell("read", error)
            return None, ("ledger_unavailable",)
        self._failing.discard("read")
        zone = self.engine.zone_of(customer_id)
        return replace(history, time_zone=zone) if zone else history, ()

    async def _earlier(self, request_id: str, digest: str) -> bytes | None:
        """Return the answer that was given to this request id before, if any."""
        if self.ledger is None:
            return None
        try:
            row = await self.patience.read(self.ledger.by_request, request_id)
        except LedgerError as error:
            self._tell("read", error)
            return None
        if row is None:
            return None
        return _repeated(row.request_digest, digest, row.answer)

    async def _spool(
        self, answer: Answer, request_id: str | None, digest: str, write: Write
    ) -> tuple[Decision, bytes]:
        decision, body = answer.decision, write(answer, "spooled")
        try:
            if self.ledger is None:
                raise LedgerError("there is no ledger")
            await self._keep(answer)
            self.ledger.log_decision(row_of(answer, self.engine, request_id, digest, body))
        except LedgerError as error:
            self._tell("write", error)
            told = (*decision.degraded, "decision_not_logged")
            decision = decision._replace(degraded=tuple(dict.fromkeys(told)))
            return decision, write(replace(answer, decision=decision), "not_logged")
        self._failing.discard("write")
        return decision, body

    async def _commit(self, answer: Answer, digest: str, body: bytes) -> Taken | None:
        """Store a decision with its reservations; None where the ledger cannot."""
        request, decision, world = answer.request, answer.decision, answer.world
        zone = answer.history.time_zone if answer.history else None

        def check(history: History) -> bool:
            history = replace(history, time_zone=zone)
            return still_free(decision, request, history, world, decision.decided_at)

        if self.ledger is None:
            return None
        now = decision.decided_at.timestamp()
        live = request.mode == "live"
        slots = slots_at(decision, request, world, now, self.engine) if live else ()
        try:
            await self._keep(answer)
            row = row_of(answer, self.engine, request.decision_request_id, digest, body)
            future = self.ledger.take_decision(row, slots, check if slots else None)
            taken = await self.patience.written(future)
        except LedgerError as error:
            self._tell("write", error)
            return None
        self._failing.discard("write")
        return taken

    async def _without_ledger(
        self,
        request: DecisionRequest,
        digest: str,
        codes: tuple[str, ...],
        write: Write,
        state: State,
        found: Found,
    ) -> tuple[Decision, bytes]:
        """Decide again as if nothing could be read: nothing that a limit counts is returned.

        The decision has an id of its own: whether the request id was used before, and whether the
        first attempt was written after all, nobody can tell now.
        """
        told = tuple(dict.fromkeys((*codes, "ledger_unavailable")))
        answer = self.engine.answer(_unnamed(request), None, told, state, found)
        return await self._spool(answer, request.decision_request_id, digest, write)

    async def _keep(self, answer: Answer) -> None:
        """Store what the record refers to, once; before the record, so that it can be replayed."""
        state = answer.state
        for one in (state.configuration, state.layout, state.popular, layout_of(answer)):
            if one.digest not in self._kept and self.ledger is not None:
                await self.patience.write(self.ledger.keep_snapshot, one.kind, one.content)
                self._kept.add(one.digest)

    def _tell(self, what: Literal["read", "write"], error: LedgerError) -> None:
        # Once per outage, and only the kind: a database's message may hold what was written.
        if what not in self._failing:
            log().error("ledger_failed", what=what, error=type(error).__name__)
        self._failing.add(what)


def _unnamed(request: DecisionRequest) -> DecisionRequest:
    """Return the request without its own id, so that the decision gets a new one."""
    return replace(request, decision_request_id=None)


def _insist(patient: bool, trouble: tuple[str, ...], unread: tuple[str, ...] = ()) -> None:
    """Refuse to decide without ledger or profile where nobody waits for an answer."""
    if patient and trouble:
        raise LedgerError(f"no decision is better than one without the ledger: {trouble[-1]}")
    if patient and "features_unavailable" in unread:
        raise FeatureError("no decision is better than one without the profile: it cannot be read")


def _repeated(earlier_digest: str | None, digest: str, answer: bytes | None) -> bytes:
    if earlier_digest != digest or answer is None:
        raise ProblemError(
            "conflict", "this decision_request_id was used before for another question"
        )
    return answer
