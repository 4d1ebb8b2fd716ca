"""Stores what was reported and tells what became of it, the same for outcomes and events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from starlette.responses import Response

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import EventRow, OutcomeRow, Statuses
from features.errors import LedgerBusy, LedgerError, LedgerFull
from serving.answers import json_response
from serving.logs import log
from serving.operations import Parts
from serving.problems import FieldError, ProblemError
from serving.reported import Reported, Unread, told

Row = TypeVar("Row", OutcomeRow, EventRow)
Write = Callable[[Ledger, Sequence[Row], float], Future[Statuses]]
"""Asks the ledger to store rows that came at a moment."""

_CONFLICT = "this event_id was used before for something else"
_WAITS_FOR_DECISION = "this decision is not known yet; it is kept and linked when it is"
_WAITS_FOR_EVENT = "the event of refers_to is not known yet; it is kept and applied when it is"


async def answer_items(
    parts: Parts, reported: Reported[Row], write: Write[Row], count: Callable[[str], None]
) -> Response:
    """Store the rows and answer, once they are durable, what became of every item.

    Raises
    ------
    ProblemError : `not_stored`, or of a single item `conflict` or `wrong_field`.
    """
    rows = [item for item in reported.items if not isinstance(item, Unread)]
    statuses = iter(await store(parts, rows, write) if rows else ())
    ends = [
        item if isinstance(item, Unread) else end_of(item, next(statuses))
        for item in reported.items
    ]
    items = [told(one) if isinstance(one, Unread) else one for one in ends]
    for item in items:
        count(item["status"])
    if not reported.batch:
        _refuse_single(ends[0])
    return json_response({"items": items})


async def store(parts: Parts, rows: Sequence[Row], write: Write[Row]) -> Statuses:
    """Return what became of rows, once they are on disk.

    Raises
    ------
    ProblemError : `not_stored`; nothing is lost if they are sent again.
    """
    ledger, now = parts.desk.ledger, parts.engine.clock.now().timestamp()
    try:
        if ledger is None:
            raise LedgerError("there is no ledger")
        statuses = await parts.desk.patience.written(write(ledger, rows, now))
    except LedgerError as error:
        log().error("events_not_stored", error=type(error).__name__)
        raise not_stored(error) from error
    _tell(parts, rows, statuses)
    return statuses


def not_stored(error: LedgerError) -> ProblemError:
    """Return the problem of a write that the ledger did not take."""
    if isinstance(error, LedgerBusy):
        return ProblemError("not_stored", "too much to write", headers={"Retry-After": "1"})
    if isinstance(error, LedgerFull):
        return ProblemError("not_stored", "the disk is full", headers={"Retry-After": "30"})
    return ProblemError("not_stored", "the ledger cannot write", headers={"Retry-After": "5"})


def _tell(parts: Parts, rows: Sequence[Row], statuses: Statuses) -> None:
    """Have profiles refreshed; of what waits for its decision nobody knows the customer yet."""
    waiting = [
        row.event_id for row, status in zip(rows, statuses, strict=True) if status == "quarantined"
    ]
    try:
        parts.touched(sorted(statuses.customers))
        parts.happened(waiting)
    except Exception as error:
        # What is stored is stored, and has to be confirmed; the profile is late.
        log().error("not_told_of_customers", error=type(error).__name__)


def end_of(row: OutcomeRow | EventRow, status: str) -> dict[str, Any] | Unread:
    """Return what an answer tells of a row; what is refused looks as if it could not be read."""
    refers_to = row.refers_to if isinstance(row, EventRow) else None
    undo = isinstance(row, EventRow) and row.type == "undo"
    whose = "event of refers_to" if undo else "decision"
    refused = {
        "unknown_action": ("action_id", "not an action of this decision", row.action_id),
        "other_customer": (
            "customer_id",
            f"the {whose} is about another customer",
            row.customer_id if isinstance(row, EventRow) else None,
        ),
        "not_undoable": ("refers_to", "neither presented nor undo is taken back", refers_to),
    }
    if status in refused:
        field, message, value = refused[status]
        return Unread(row.event_id, (FieldError(field=field, message=message, value=value),))
    detail = {
        "conflict": _CONFLICT,
        "quarantined": _WAITS_FOR_EVENT if undo else _WAITS_FOR_DECISION,
    }.get(status)
    return {"event_id": row.event_id, "status": status, "detail": detail}


def _refuse_single(end: dict[str, Any] | Unread) -> None:
    """A single item that was not stored is answered as a problem."""
    if isinstance(end, Unread):
        names = ", ".join(dict.fromkeys(fault.field or "body" for fault in end.errors))
        raise ProblemError("wrong_field", f"cannot use: {names[:300]}", end.errors)
    if end["status"] == "conflict":
        raise ProblemError("conflict", f"event_id {end['event_id']}: {_CONFLICT}")
