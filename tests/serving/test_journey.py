"""A journey has everything once, newest first, in pages that lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ledger_rows import NOON, decision

from decisioning.ledger.person_reads import Person
from serving.journey import journey_of, page_of

START = datetime.fromtimestamp(NOON, UTC)
NOBODY = Person((), (), (), (), (), (), ())


def event(event_id: str, kind: str, **more: Any) -> dict[str, Any]:
    missing = (
        "channel", "action_id", "decision_id", "rating", "value", "amount", "category",
        "session_id", "refers_to", "on_behalf_of",
    )  # fmt: skip
    row: dict[str, Any] = dict.fromkeys(missing)
    row |= {"event_id": event_id, "type": kind, "occurred_at": NOON, "attributes": "{}"}
    return row | {"flags": ""} | more


def line(name: str, minutes: int, amount: float, category: str) -> dict[str, Any]:
    at = START + timedelta(minutes=minutes)
    return {"transaction_id": name, "timestamp": at, "amount": amount, "category": category}


def test_everything_is_there_once_and_newest_first() -> None:
    source = {
        "transactions": [line("t1", 1, 2.5, "TEA"), line("t1", 1, 1.0, "TEA")],
        "touchpoints": [
            {"touchpoint_id": "e1", "type": "call", "timestamp": START, "channel": "advisor"}
        ],
    }
    lines = '{"transaction_id": "t2", "lines": [{"category": "RICE"}, {"category": null}]}'
    person = Person(
        decisions=(decision("d1", decided_at=NOON + 30),),
        events=(
            event("e1", "call", channel="advisor"),
            event("e2", "accepted", action_id="tea", occurred_at=NOON + 45, flags="late"),
            event("e3", "transaction", amount=4.0, occurred_at=NOON + 120, attributes=lines),
        ),
        quarantine=(),
        reservations=(),
        consents=(),
        identities=(),
        merges=(),
    )
    told = [(one.kind, one.id, one.facts) for one in journey_of(person, source)]
    assert told == [
        ("transaction", "t2", {"amount": 4.0, "lines": 2, "categories": ["RICE"]}),
        ("transaction", "t1", {"amount": 3.5, "lines": 2, "categories": ["TEA"]}),
        ("outcome", "e2", {"type": "accepted", "action_id": "tea", "flags": ["late"]}),
        ("decision", "d1", {"channel": "web", "actions": ["tea", "eggs"], "state": "live"}),
        ("touchpoint", "e1", {"channel": "advisor", "type": "call"}),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_lose_and_repeat_nothing(size: int) -> None:
    """Several of the same moment, and of fractions that no float holds."""
    events = [event(f"e{n}", "call", occurred_at=NOON + (n // 3) / 7) for n in range(7)]
    entries = journey_of(Person((), tuple(events), (), (), (), (), ()), {})
    seen, before = [], None
    while True:
        page, before = page_of(entries, before, size)
        seen += page
        if before is None:
            break
    assert seen == entries and len(entries) == 7


def test_what_is_no_cursor_is_refused() -> None:
    with pytest.raises(ValueError):
        page_of([], "yesterday", 10)


def test_nobody_has_no_journey() -> None:
    assert page_of(journey_of(NOBODY, {}), None, 10) == ([], None)
