"""What is reported, as the columns of the tables of events and of quarantine."""

from __future__ import annotations

from typing import Any

from decisioning.ledger.rows import EventRow, OutcomeRow

Columns = dict[str, Any]
"""A row of events by column; drivers take no other numbers than those of Python."""


def columns_of(item: OutcomeRow | EventRow, received_at: float) -> Columns:
    """Return the columns of something of which only the report is known."""
    own = _of_outcome(item) if isinstance(item, OutcomeRow) else _of_event(item)
    return {
        "event_id": item.event_id,
        "body_digest": item.body_digest,
        "occurred_at": float(item.occurred_at),
        "received_at": float(received_at),
        "day": int(item.day),
        "action_id": item.action_id,
        "action_group": None,
        "issue": None,
        "decision_id": item.decision_id,
        "value": _number(item.value),
        "on_behalf_of": item.on_behalf_of,
        "attributes": item.attributes,
        "flags": "",
        **own,
    }


def _of_outcome(item: OutcomeRow) -> Columns:
    return {
        "type": item.outcome,
        "customer_id": None,
        "channel": None,
        "rating": None,
        "amount": None,
        "category": None,
        "session_id": None,
        "refers_to": None,
    }


def _of_event(item: EventRow) -> Columns:
    return {
        "type": item.type,
        "customer_id": item.customer_id,
        "channel": item.channel,
        "rating": _number(item.rating),
        "amount": _number(item.amount),
        "category": item.category,
        "session_id": item.session_id,
        "refers_to": item.refers_to,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
