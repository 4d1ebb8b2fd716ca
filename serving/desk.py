"""Takes decisions with what the ledger knows, and writes them down before they are answered.

A decision is on disk before its answer leaves: in the ledger's spool, which outlives the process,
or, where it takes a place that a limit counts or has to be repeatable, committed in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from decisioning.catalog import Catalog
from decisioning.decision import Decision
from decisioning.history import NO_HISTORY, History
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import DecisionRow, ReturnedAction, Slot, Taken
from decisioning.record import Shared, layout_content, payload_of, vectors_of
from decisioning.request import DecisionRequest
from decisioning.reservation import capped, lapses_at, still_free
from decisioning.world import World
from features.errors import LedgerError
from serving.engine import Answer, Engine
from serving.logs import log
from serving.patience import Patience
from serving.problems import ProblemError
from serving.state import Snapshot, State

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
    """

    def __init__(
        self, engine: Engine, ledger: Ledger | None, remote: bool = False, seconds: float = 2.0
    ) -> None:
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
    ) -> tuple[Decision | None, bytes]:
        """Return a decision and the body of its answer; without the decision if it is a repetition.

        Parameters
        ----------
        digest : of the question, so that the same request id with another question is noticed.
        durable : wait until the decision is committed.

        Raises
        ------
        ProblemError : `conflict`, the request id was used for another question.
        """
        if request.mode != "dry_run" and request.decision_request_id is not None:
            earlier = await self._earlier(request.decision_request_id, digest)
            if earlier is not None:
                return None, earlier
        state = self.engine.current()
        history, trouble = await self._history(request, state)
        told = codes + trouble
        for _ in range(_ATTEMPTS):
            if request.mode == "dry_run":
                # The id of the real decision would let outcomes of a rehearsal count.
                answer = self.engine.answer(_unnamed(request), history, told, state)
                return answer.decision, write(answer, "dry_run")
            answer = self.engine.answer(request, history, told, state)
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
                return await self._without_ledger(request, digest, told, write)
            if taken.repeated:
                return None, _repeated(taken.request_digest, digest, taken.stored_answer)
            if taken.conflict is None:
                return answer.decision, body
            zone = self.engine.zone_of(request.customer_id)
            history = replace(taken.conflict, time_zone=zone)
        return await self._without_ledger(request, digest, (*told, "ledger_busy"), write)

    def degraded(self) -> list[str]:
        """Return what is wrong with the ledger, as codes."""
        if self.ledger is None:
            return ["ledger_unavailable"]
        health = self.ledger.health()
        found = {
            "ledger_unavailable": health.trouble is not None or bool(self._failing),
            "ledger_low_on_disk": health.low_on_disk,
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

    async def _history(
        self, request: DecisionRequest, state: State
    ) -> tuple[History | None, tuple[str, ...]]:
        needs, ledger = state.world.needs, self.ledger
        if not needs.anything:
            return replace(NO_HISTORY, time_zone=self.engine.zone_of(request.customer_id)), ()
        if ledger is None:
            return None, ("ledger_unavailable",)
        customer_id, now = request.customer_id, self.engine.clock.now().timestamp()
        try:
            if self.remote:
                history = await self.patience.read(ledger.history, customer_id, now, needs)
            else:
                history = ledger.history(customer_id, now, needs)
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
            self.ledger.log_decision(self._row(answer, request_id, digest, body))
        except LedgerError as error:
            self._tell("write", error)
            told = (*decision.degraded, "decision_not_logged")
            decision = replace(decision, degraded=tuple(dict.fromkeys(told)))
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
            row = self._row(answer, request.decision_request_id, digest, body)
            future = self.ledger.take_decision(row, slots, check if slots else None)
            taken = await self.patience.written(future)
        except LedgerError as error:
            self._tell("write", error)
            return None
        self._failing.discard("write")
        return taken

    async def _without_ledger(
        self, request: DecisionRequest, digest: str, codes: tuple[str, ...], write: Write
    ) -> tuple[Decision, bytes]:
        """Decide again as if nothing could be read: nothing that a limit counts is returned.

        The decision has an id of its own: whether the request id was used before, and whether the
        first attempt was written after all, nobody can tell now.
        """
        told = tuple(dict.fromkeys((*codes, "ledger_unavailable")))
        answer = self.engine.answer(_unnamed(request), None, told)
        return await self._spool(answer, request.decision_request_id, digest, write)

    def _row(self, answer: Answer, request_id: str | None, digest: str, body: bytes) -> DecisionRow:
        request, decision, state = answer.request, answer.decision, answer.state
        catalog, at = answer.world.catalog, decision.decided_at.timestamp()
        shared = Shared(
            configuration=state.configuration.digest,
            layout=state.layout.digest,
            profile_layout=_layout_of(answer).digest,
            popularity=state.popular.digest,
            time_zone=self.engine.calendar.zone,
            without_model=answer.without_model,
        )
        return DecisionRow(
            decision_id=decision.decision_id,
            decided_at=at,
            day=self.engine.day_of(at),
            customer_id=request.customer_id,
            channel=request.channel,
            mode="deferred" if request.mode == "deferred" else "live",
            request_id=request_id,
            request_digest=digest or None,
            payload=payload_of(request, decision, answer.history, shared),
            vectors=vectors_of(answer.profiles),
            answer=body if request_id else None,
            needs=answer.world.needs,
            actions=tuple(
                ReturnedAction(one.action_id, one.group, one.issue, _window(catalog, one.action_id))
                for one in decision.results
            ),
        )

    async def _keep(self, answer: Answer) -> None:
        """Store what the record refers to, once; before the record, so that it can be replayed."""
        state = answer.state
        for snapshot in (state.configuration, state.layout, state.popular, _layout_of(answer)):
            if snapshot.digest not in self._kept and self.ledger is not None:
                keep = self.ledger.keep_snapshot
                await self.patience.write(keep, snapshot.kind, snapshot.content)
                self._kept.add(snapshot.digest)

    def _tell(self, what: Literal["read", "write"], error: LedgerError) -> None:
        # Once per outage, and only the kind: a database's message may hold what was written.
        if what not in self._failing:
            log().error("ledger_failed", what=what, error=type(error).__name__)
        self._failing.add(what)


def _unnamed(request: DecisionRequest) -> DecisionRequest:
    """Return the request without its own id, so that the decision gets a new one."""
    return replace(request, decision_request_id=None)


def slots_at(
    decision: Decision, request: DecisionRequest, world: World, now: float, engine: Engine
) -> tuple[Slot, ...]:
    """Return the places that a decision takes at `now`, each until it lapses."""
    return tuple(
        Slot(
            action_id=one.action_id,
            group=one.group,
            issue=one.issue,
            channel=request.channel,
            placement=one.placement or "",
            expires_at=lapses_at(one, world, now),
            day=engine.day_of(now),
        )
        for one in capped(decision)
    )


def _window(catalog: Catalog, action_id: str) -> float:
    """Return the response window of an action in days; a century for the default action."""
    place = catalog.position.get(action_id)
    return 36_500.0 if place is None else float(catalog.arrays.window_days[place])


def _layout_of(answer: Answer) -> Snapshot:
    """Return the layout that the profile was stored in."""
    if answer.profiles.layout.hash == answer.world.layout.hash:
        return answer.state.layout

    return Snapshot.of("layout", layout_content(answer.profiles.layout))


def _repeated(earlier_digest: str | None, digest: str, answer: bytes | None) -> bytes:
    if earlier_digest != digest or answer is None:
        raise ProblemError(
            "conflict", "this decision_request_id was used before for another question"
        )
    return answer
