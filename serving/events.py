"""Reads events: transactions, touchpoints and undos, ours or as CloudEvents."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from math import fsum
from typing import Any

from pydantic import ValidationError

from decisioning.ledger.rows import EventRow
from features.calendar import Calendar
from serving.cloud_events import Envelope, is_cloud_event
from serving.event_schemas import TRANSACTION, UNDO, EventIn, LineIn
from serving.problems import fields_of
from serving.recognition import Identities
from serving.reported import Reported, UnusableError, digest_of_content, read_items, when

_RATED = ("rated", "complaint")
Recognise = Callable[[Identities], str | None]
"""Returns the one customer whom ids by namespace name; None where they name nobody, or several."""

_SAME_AMOUNT = 0.005
"""How far a total may be from the sum of its lines: less than the smallest coin."""


def read_events(
    raw: bytes, now: datetime, calendar: Calendar, recognise: Recognise
) -> Reported[EventRow]:
    """Return the events that a body reports.

    Raises
    ------
    ProblemError : as `read_items`.
    """

    def read(content: object) -> EventRow:
        if not is_cloud_event(content):
            return _row(content, now, calendar, recognise)
        assert isinstance(content, dict)
        envelope = Envelope(content)
        try:
            return _row(envelope.event, now, calendar, recognise)
        except ValidationError as error:
            raise UnusableError(*map(envelope.sent_as, fields_of(error))) from error
        except UnusableError as error:
            raise UnusableError(*map(envelope.sent_as, error.errors)) from error

    return read_items(raw, read)


def _row(content: object, now: datetime, calendar: Calendar, recognise: Recognise) -> EventRow:
    event = EventIn.model_validate(content, strict=True)
    _check(event)
    occurred = when(event.occurred_at, now, calendar)
    amount, told = _transaction(event) if event.type == TRANSACTION else (event.amount, {})
    if event.attributes:
        told["attributes"] = event.attributes
    return EventRow(
        event_id=event.event_id,
        body_digest=digest_of_content(content),
        type=event.type,
        customer_id=_customer_of(event, recognise),
        occurred_at=occurred.at,
        day=occurred.day,
        channel=event.channel,
        action_id=event.action_id,
        decision_id=event.decision_id,
        refers_to=event.refers_to,
        value=event.value,
        rating=event.rating,
        amount=amount,
        category=event.category,
        session_id=event.session_id,
        on_behalf_of=event.on_behalf_of,
        attributes=json.dumps(told | occurred.note),
    )


def _customer_of(event: EventIn, recognise: Recognise) -> str | None:
    if event.identities is not None:
        if event.customer_id is not None:
            raise UnusableError.of("identities", "cannot be sent together with customer_id")
        customer_id = recognise(event.identities)
        if customer_id is None:
            # The ids are not repeated: an answer goes to places where they do not belong.
            raise UnusableError.of("identities", "they do not name exactly one customer")
        return customer_id
    if event.customer_id is None and event.decision_id is None and event.type != UNDO:
        raise UnusableError.of("customer_id", "neither a customer nor identities nor a decision")
    return event.customer_id


def _check(event: EventIn) -> None:
    """Check what depends on the type of an event."""
    if event.rating is None and event.type == "rated":
        raise UnusableError.of("rating", "a rated event needs one, from 1 to 10")
    if event.rating is not None and event.type not in _RATED:
        raise UnusableError.of("rating", f"not of a {event.type}: send a rated event", event.rating)
    if event.type != TRANSACTION:
        for name in ("lines", "transaction_id"):
            if getattr(event, name) is not None:
                raise UnusableError.of(name, f"only of a transaction, not of a {event.type}")
    if event.type == UNDO:
        _check_undo(event)


def _check_undo(event: EventIn) -> None:
    if event.refers_to is None:
        raise UnusableError.of("refers_to", "an undo needs the event_id that it takes back")
    if event.refers_to == event.event_id:
        raise UnusableError.of("refers_to", "nothing takes itself back", event.refers_to)
    for name in ("decision_id", "action_id"):
        if (given := getattr(event, name)) is not None:
            raise UnusableError.of(name, "an undo names the event alone", given)


def _transaction(event: EventIn) -> tuple[float, dict[str, Any]]:
    """Return the amount of a transaction and what is kept of it as JSON."""
    lines = _lines(event)
    amount = fsum(line["amount"] for line in lines)
    if event.amount is not None and abs(event.amount - amount) > _SAME_AMOUNT:
        raise UnusableError.of("amount", f"the lines add up to {amount:g}", event.amount)
    return amount, {"transaction_id": event.transaction_id or event.event_id, "lines": lines}


def _lines(event: EventIn) -> list[dict[str, Any]]:
    """Return the lines, each with an id of its own."""
    if event.lines is None:
        if event.amount is None:
            raise UnusableError.of("lines", "a transaction needs lines or an amount")
        category = {} if event.category is None else {"category": event.category}
        return [{"line_id": "1", "amount": event.amount, **category}]
    if event.category is not None:
        raise UnusableError.of("category", "each line has its own", event.category)
    lines, seen = [], set()
    for place, given in enumerate(event.lines):
        line = _line(given, place + 1)
        if line["line_id"] in seen:
            field = f"lines.{place}.line_id"
            raise UnusableError.of(field, "stands twice in one transaction", line["line_id"])
        seen.add(line["line_id"])
        lines.append(line)
    return lines


def _line(line: LineIn, number: int) -> dict[str, Any]:
    return {"line_id": str(number), **line.model_dump(exclude_none=True)}
