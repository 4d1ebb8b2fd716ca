"""Rows for tests of the ledger: a customer, two actions, and times that are easy to read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from decisioning.history import HistoryNeeds
from decisioning.ledger.rows import DecisionRow, EventRow, OutcomeRow, ReturnedAction, Slot

DAY = 17_532
"""The first of January 2018, as a business day number."""
NOON = DAY * 86_400.0 + 43_200.0
WEEK = 7 * 86_400.0
ACTIONS = (ReturnedAction("tea", "hot", "win_back", 28), ReturnedAction("eggs", "dairy", "keep", 7))
NEEDS = HistoryNeeds(contact_seconds=WEEK, volume_action_ids=("tea",), volume_days=7)


def decision(decision_id: str = "d1", **changes: Any) -> DecisionRow:
    row = DecisionRow(
        decision_id=decision_id,
        decided_at=NOON,
        day=DAY,
        customer_id="007",
        channel="web",
        payload=b'{"results": ["tea", "eggs"]}',
        vectors=bytes(range(256)) * 4,
        needs=NEEDS,
        actions=ACTIONS,
    )
    return replace(row, **changes)


def slot(action_id: str = "tea", **changes: Any) -> Slot:
    group, issue = {"tea": ("hot", "win_back"), "eggs": ("dairy", "keep")}[action_id]
    made = Slot(action_id, group, issue, "web", "top", expires_at=NOON + 1_800.0, day=DAY)
    return made._replace(**changes)


def outcome(
    event_id: str, outcome: str = "presented", decision_id: str = "d1", **changes: Any
) -> OutcomeRow:
    row = OutcomeRow(
        event_id=event_id,
        body_digest=f"digest of {event_id}",
        decision_id=decision_id,
        action_id="tea",
        outcome=outcome,
        occurred_at=NOON + 60.0,
        day=DAY,
    )
    return replace(row, **changes)


def event(event_id: str, type: str = "page_view", **changes: Any) -> EventRow:
    row = EventRow(
        event_id=event_id,
        body_digest=f"digest of {event_id}",
        type=type,
        customer_id="007",
        occurred_at=NOON + 60.0,
        day=DAY,
        channel="web",
    )
    return replace(row, **changes)


def undo(event_id: str, refers_to: str, **changes: Any) -> EventRow:
    return event(event_id, "undo", refers_to=refers_to, **changes)
