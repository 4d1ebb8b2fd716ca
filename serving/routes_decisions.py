"""Decisions of the ledger: look one up, have it explained, activate a deferred one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from decisioning.contributions import contributions_of
from decisioning.ledger.rows import Activated, DecisionRow, StoredOutcome
from decisioning.record import Record, read_record
from decisioning.replay import Again, decide_at
from decisioning.what_if import what_would_change
from features.errors import LedgerError, NbaError
from serving.activation import activate as activate_again
from serving.answers import json_response
from serving.decision_schemas import ActivationAnswer, DecisionAnswer, ExplanationAnswer
from serving.decision_views import erased_view, explanation_view, record_view
from serving.logs import log
from serving.operations import Operation, Parts, caller_of, parts_of
from serving.problems import ProblemError
from serving.replaying import replayer_of
from serving.schemas import CONTEXT_OF, MOST_RESULTS
from serving.storing import not_stored

_FLUSH_SECONDS = 1.0


async def decision(request: Request) -> Response:
    """Show a decision and what came of it."""
    parts = parts_of(request)
    row, outcomes = await _look_up(parts, request.path_params["decision_id"])
    if not row.payload:
        return json_response(erased_view(row, outcomes))
    return json_response(record_view(row, _record_of(row), outcomes))


async def explanation(request: Request) -> Response:
    """Take a decision again with everything that was in force then, and explain it.

    Nothing is stored and nothing is learnt from it.
    """
    parts = parts_of(request)
    row, _ = await _look_up(parts, request.path_params["decision_id"])
    if not row.payload:
        raise ProblemError("erased", "what this decision was made of has been erased")
    return json_response(await asyncio.to_thread(_explain, parts, row))


async def activate(request: Request) -> Response:
    """Make a deferred decision count: its places are taken now, if they are still free."""
    parts = parts_of(request)
    decision_id = request.path_params["decision_id"]
    row, _ = await _look_up(parts, decision_id)
    if not row.payload:
        raise ProblemError("erased", "what this decision was made of has been erased")
    caller_of(request).require(f"decide:{CONTEXT_OF[_record_of(row).request.channel]}")
    again = await asyncio.to_thread(_again, parts, row)
    activated = await _activate(parts, again, row.customer_id)
    if activated.status == "not_deferred":
        raise ProblemError("conflict", "only a decision of the mode deferred is activated")
    if activated.status == "conflict":
        raise ProblemError(
            "conflict",
            "a contact limit, quiet hours, consent or the catalog does not allow it any more",
        )
    return json_response({"decision_id": decision_id, "status": activated.status})


def _record_of(row: DecisionRow) -> Record:
    try:
        return read_record(row.payload)
    except LedgerError as error:
        log().error("not_readable", decision_id=row.decision_id)
        raise ProblemError("not_readable", "the record of this decision is damaged") from error


async def _look_up(parts: Parts, decision_id: str) -> tuple[DecisionRow, tuple[StoredOutcome, ...]]:
    ledger = parts.desk.ledger
    if not decision_id.isprintable():
        raise ProblemError("not_found", "no decision has such an id")
    try:
        if ledger is None:
            raise LedgerError("there is no ledger")
        read = parts.desk.patience.read
        row = await read(ledger.decision, decision_id)
        if row is None:
            # It may still be on its way from the spool.
            await asyncio.to_thread(ledger.flush, _FLUSH_SECONDS)
            row = await read(ledger.decision, decision_id)
        outcomes = await read(ledger.outcomes_of, decision_id) if row else ()
    except (LedgerError, TimeoutError) as error:
        log().error("ledger_not_read", error=type(error).__name__)
        raise ProblemError("not_readable", "the ledger cannot be read") from error
    if row is None:
        raise ProblemError("not_found", f"no decision {decision_id[:100]}")
    return row, tuple(outcomes)


async def _activate(parts: Parts, again: Again, customer_id: str | None) -> Activated:
    ledger, patience = parts.desk.ledger, parts.desk.patience
    assert ledger is not None
    try:
        if customer_id is not None:
            customer_id = await patience.read(ledger.people.root, customer_id)
        activating = activate_again(ledger, parts.engine, again, customer_id=customer_id)
        return await patience.written(activating)
    except LedgerError as error:
        raise not_stored(error) from error


def _again(parts: Parts, row: DecisionRow) -> Again:
    ledger, engine = parts.desk.ledger, parts.engine
    assert ledger is not None
    replayer = replayer_of(ledger, parts.settings.models, engine.state.world.model)
    try:
        return replayer.take_again(row.payload, row.vectors, explain="all")
    except NbaError as error:
        log().error("not_replayed", error=f"{type(error).__name__}: {error}")
        raise ProblemError("not_reproducible", "what it was made with is not there") from error


def _explain(parts: Parts, row: DecisionRow) -> dict[str, Any]:
    again = _again(parts, row)
    request = replace(again.record.request, max_results=MOST_RESULTS, explain="none")
    wider = decide_at(again.moment, request, again.world, again.record.decision_id)
    changes = what_would_change(again.decision, wider, again.world)
    returned = [one.action_id for one in again.decision.results]
    return explanation_view(again, changes, contributions_of(returned, again.moment, again.world))


_ID = "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34"

OPERATIONS = (
    Operation(
        "GET",
        "/v1/decisions/{decision_id}",
        decision,
        "A decision as it was logged, and what came of it.",
        scope="read",
        answer=DecisionAnswer,
        problems=(404, 503),
    ),
    Operation(
        "GET",
        "/v1/decisions/{decision_id}/explanation",
        explanation,
        "Why: every factor, exact contributions, every removed action, what would change it.",
        scope="read",
        answer=ExplanationAnswer,
        problems=(404, 410, 503),
    ),
    Operation(
        "POST",
        "/v1/decisions/{decision_id}/activate",
        activate,
        "Make a deferred decision count.",
        scope="decide",
        answer=ActivationAnswer,
        answer_example={"decision_id": _ID, "status": "activated"},
        problems=(404, 409, 410, 503),
    ),
)
