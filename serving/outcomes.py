"""Reads reported outcomes, item by item: one that cannot be used never costs the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pydantic import ValidationError

from decisioning.ledger.rows import OutcomeRow
from decisioning.record import digest_of
from features.calendar import Calendar
from serving.bodies import read_json
from serving.outcome_schemas import MOST_OUTCOMES, OutcomeIn
from serving.problems import FieldError, ProblemError, fields_of, shortened, whole

AHEAD = timedelta(minutes=5)
"""How far an event may lie in the future, where clocks differ; it is stored as of now then."""


@dataclass(frozen=True)
class Unread:
    """An item that cannot be used, and why."""

    event_id: str | None
    errors: tuple[FieldError, ...]


@dataclass(frozen=True)
class Reported:
    """The items of a body in their order, and whether it was a list."""

    items: tuple[OutcomeRow | Unread, ...]
    batch: bool


def read_outcomes(raw: bytes, now: datetime, calendar: Calendar) -> Reported:
    """Return what a body reports.

    Raises
    ------
    ProblemError : `not_json`, or `wrong_field` where it is neither an object nor a list of 1 to
        500 of them.
    """
    content = read_json(raw)
    if not isinstance(content, list):
        return Reported((_read(content, now, calendar),), batch=False)
    if not 1 <= len(content) <= MOST_OUTCOMES:
        wrong = FieldError(field="", message=f"1 to {MOST_OUTCOMES} outcomes", value=len(content))
        raise ProblemError("wrong_field", f"cannot use: a list of {len(content)}", (wrong,))
    return Reported(tuple(_read(item, now, calendar) for item in content), batch=True)


def _read(content: object, now: datetime, calendar: Calendar) -> OutcomeRow | Unread:
    try:
        outcome = OutcomeIn.model_validate(content, strict=True)
    except ValidationError as error:
        given = content.get("event_id") if isinstance(content, dict) else None
        return Unread(whole(given) if isinstance(given, str) else None, fields_of(error))
    occurred = outcome.occurred_at or now
    if occurred > now + AHEAD:
        message = f"in the future; the clock of the service reads {now.isoformat()}"
        wrong = FieldError(field="occurred_at", message=message, value=occurred.isoformat())
        return Unread(outcome.event_id, (wrong,))
    at = min(occurred, now).timestamp()
    attributes: dict[str, Any] = {}
    if occurred > now:
        attributes["told_as"] = occurred.isoformat()
    return OutcomeRow(
        event_id=outcome.event_id,
        body_digest=digest_of(json.dumps(content, sort_keys=True).encode()),
        decision_id=outcome.decision_id,
        action_id=outcome.action_id,
        outcome=outcome.outcome,
        occurred_at=at,
        day=int(calendar.day(np.array([at]))[0]),
        value=outcome.value,
        on_behalf_of=outcome.on_behalf_of,
        attributes=json.dumps(attributes),
    )


def told(item: Unread) -> dict[str, Any]:
    """Return a refused item as an answer tells it: its first field."""
    first = item.errors[0]
    return {
        "event_id": item.event_id,
        "status": "refused",
        "detail": first.message,
        "field": whole(first.field),
        "value": shortened(first.value),
    }
