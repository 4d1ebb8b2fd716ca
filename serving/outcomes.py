"""Reads reported outcomes."""

from __future__ import annotations

import json
from datetime import datetime

from decisioning.ledger.rows import OutcomeRow
from features.calendar import Calendar
from serving.outcome_schemas import OutcomeIn
from serving.reported import Reported, digest_of_content, read_items, when


def read_outcomes(raw: bytes, now: datetime, calendar: Calendar) -> Reported[OutcomeRow]:
    """Return the outcomes that a body reports.

    Raises
    ------
    ProblemError : as `read_items`.
    """
    return read_items(raw, lambda content: _read(content, now, calendar))


def _read(content: object, now: datetime, calendar: Calendar) -> OutcomeRow:
    outcome = OutcomeIn.model_validate(content, strict=True)
    occurred = when(outcome.occurred_at, now, calendar)
    return OutcomeRow(
        event_id=outcome.event_id,
        body_digest=digest_of_content(content),
        decision_id=outcome.decision_id,
        action_id=outcome.action_id,
        outcome=outcome.outcome,
        occurred_at=occurred.at,
        day=occurred.day,
        value=outcome.value,
        on_behalf_of=outcome.on_behalf_of,
        attributes=json.dumps(occurred.note),
    )
