"""POST /v1/outcomes: what happened to actions that were decided; durable before it is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from decisioning.ledger.rows import OutcomeRow
from features.errors import LedgerBusy, LedgerError, LedgerFull
from serving.answers import json_response
from serving.logs import log
from serving.operations import Operation, Parts, parts_of
from serving.outcome_schemas import OutcomesAnswer, OutcomesIn
from serving.outcomes import Unread, read_outcomes, told
from serving.problems import FieldError, ProblemError

_DETAILS = {
    "conflict": "this event_id was used before for something else",
    "quarantined": "this decision is not known yet; the outcome is kept and linked when it is",
}


async def outcomes(request: Request) -> Response:
    """Store one outcome or a list; each is told what became of it."""
    parts = parts_of(request)
    engine = parts.engine
    reported = read_outcomes(await request.body(), engine.clock.now(), engine.calendar)
    rows = [item for item in reported.items if isinstance(item, OutcomeRow)]
    answers = await store(parts, rows) if rows else ()
    parts.happened(
        row.event_id
        for row, status in zip(rows, answers, strict=True)
        if status in ("stored", "quarantined")
    )
    statuses = iter(answers)
    items = [
        told(item) if isinstance(item, Unread) else _stored(item, next(statuses))
        for item in reported.items
    ]
    for item in items:
        parts.metrics.outcome(item["status"])
    if reported.batch:
        return json_response({"items": items})
    _refuse_single(reported.items[0], items[0])
    return json_response({"items": items})


async def store(parts: Parts, rows: Sequence[OutcomeRow]) -> Sequence[str]:
    """Return what became of outcomes, once they are on disk.

    Raises
    ------
    ProblemError : `not_stored`; nothing is lost if they are sent again.
    """
    ledger, now = parts.desk.ledger, parts.engine.clock.now().timestamp()
    try:
        if ledger is None:
            raise LedgerError("there is no ledger")
        return await parts.desk.patience.written(ledger.store_outcomes(rows, now))
    except LedgerError as error:
        log().error("outcomes_not_stored", error=type(error).__name__)
        raise not_stored(error) from error


def not_stored(error: LedgerError) -> ProblemError:
    """Return the problem of a write that the ledger did not take."""
    if isinstance(error, LedgerBusy):
        return ProblemError("not_stored", "too much to write", headers={"Retry-After": "1"})
    if isinstance(error, LedgerFull):
        return ProblemError("not_stored", "the disk is full", headers={"Retry-After": "30"})
    return ProblemError("not_stored", "the ledger cannot write", headers={"Retry-After": "5"})


def _stored(row: OutcomeRow, status: str) -> dict[str, Any]:
    if status == "unknown_action":
        wrong = FieldError(
            field="action_id", message="not an action of this decision", value=row.action_id
        )
        return told(Unread(row.event_id, (wrong,)))
    return {"event_id": row.event_id, "status": status, "detail": _DETAILS.get(status)}


def _refuse_single(item: OutcomeRow | Unread, answer: dict[str, Any]) -> None:
    """A single outcome that was not stored is answered as a problem."""
    if isinstance(item, Unread):
        names = ", ".join(dict.fromkeys(fault.field or "body" for fault in item.errors))
        raise ProblemError("wrong_field", f"cannot use: {names}", item.errors)
    if answer["status"] == "conflict":
        raise ProblemError("conflict", f"event_id {item.event_id}: {_DETAILS['conflict']}")
    if answer["status"] == "refused":
        wrong = FieldError(field="action_id", message=answer["detail"], value=item.action_id)
        raise ProblemError("wrong_field", "cannot use: action_id", (wrong,))


EXAMPLES = {
    "shown": {
        "event_id": "web-8d1f-1",
        "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
        "action_id": "pasta_sauce",
        "outcome": "presented",
    },
    "several": [
        {
            "event_id": "web-8d1f-2",
            "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
            "action_id": "pasta_sauce",
            "outcome": "clicked",
        },
        {
            "event_id": "web-8d1f-3",
            "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
            "action_id": "pasta_sauce",
            "outcome": "accepted",
            "value": 4.2,
        },
    ],
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/outcomes",
        outcomes,
        "What happened to decided actions: one outcome or up to 500.",
        scope="outcomes",
        body=OutcomesIn,
        answer=OutcomesAnswer,
        problems=(409, 503),
        examples=EXAMPLES,
        answer_example={"items": [{"event_id": "web-8d1f-1", "status": "stored"}]},
    ),
)
