"""What becomes of events that are no outcomes, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from ledger_processes import let_go, start
from ledger_rows import DAY, NEEDS, NOON, decision, event, outcome
from served_world import rows

from decisioning.ledger.ledger import Ledger

TWICE = """
import sys
from pathlib import Path
from ledger_rows import NOON, event
from decisioning.ledger.open import open_ledger

place, spool = sys.argv[1:3]
with open_ledger(place, spool=Path(spool)) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    statuses = []
    for number in range(60):
        items = [event(f"e{number}"), event(f"f{number}", decision_id="nobody")]
        statuses += ledger.store_events(items, NOON).result()
    print(" ".join(statuses), flush=True)
"""


def stored(home: Any, table: str = "events", columns: str = "event_id, type, flags") -> list[Any]:
    return sorted(rows(home.place, f"SELECT {columns} FROM {table}"))


def test_an_event_keeps_everything_it_was_told_with(home) -> None:
    told = event(
        "e1",
        "transaction",
        amount=7.5,
        value=2.0,
        category="TEA",
        session_id="s",
        on_behalf_of="ann",
        action_id="tea",
        refers_to="e0",
        attributes='{"lines": []}',
    )
    assert home.open().store_events([told], NOON + 99).result(10) == ["stored"]
    columns = (
        "event_id, type, customer_id, occurred_at, received_at, day, channel, amount, value, "
        "category, session_id, on_behalf_of, action_id, refers_to, decision_id, attributes"
    )
    assert stored(home, columns=columns) == [
        ("e1", "transaction", "007", NOON + 60, NOON + 99, DAY, "web", 7.5, 2.0,
         "TEA", "s", "ann", "tea", "e0", None, '{"lines": []}'),
    ]  # fmt: skip


def test_events_and_outcomes_share_their_ids(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    assert ledger.store_outcomes([outcome("e1")], NOON).result(10) == ["stored"]
    items = [event("e1", body_digest="x"), event("e2"), event("e2"), event("e2", body_digest="x")]
    assert ledger.store_events(items, NOON).result(10) == [
        "conflict", "stored", "duplicate", "conflict",
    ]  # fmt: skip
    assert ledger.store_outcomes([outcome("e2", body_digest="y")], NOON).result(10) == ["conflict"]


def test_the_customers_whose_history_changed_are_told_also_of_duplicates(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    first = ledger.store_events(
        [event("e1", customer_id="a"), event("e2", customer_id="b", decision_id="nobody")], NOON
    ).result(10)
    assert first.customers == {"a"}
    again = ledger.store_events([event("e1", customer_id="a"), event("e3")], NOON).result(10)
    assert again.customers == {"a", "007"}
    other = ledger.store_events([event("e1", body_digest="x")], NOON).result(10)
    assert (other, other.customers) == (["conflict"], frozenset())
    assert ledger.store_outcomes([outcome("o1")], NOON).result(10).customers == {"007"}


def test_an_event_of_a_decision_takes_its_customer_and_not_another_one(home) -> None:
    ledger = home.open()
    ledger.log_decision(decision())
    items = [
        event("e1", customer_id=None, decision_id="d1", action_id="tea"),
        event("e2", decision_id="d1"),
        event("e3", customer_id="008", decision_id="d1"),
    ]
    assert ledger.store_events(items, NOON).result(10) == ["stored", "stored", "other_customer"]
    assert stored(home, columns="event_id, customer_id, action_group, issue") == [
        ("e1", "007", "hot", "win_back"), ("e2", "007", None, None),
    ]  # fmt: skip


def test_an_event_of_an_unknown_decision_waits_for_it(home) -> None:
    ledger = home.open()
    items = [
        event("e1", customer_id=None, decision_id="d1"),
        event("e2", customer_id="008", decision_id="d1"),
    ]
    assert ledger.store_events(items, NOON + 5).result(10) == ["quarantined"] * 2
    ledger.log_decision(decision()).result(10)
    assert stored(home, columns="event_id, customer_id, received_at") == [("e1", "007", NOON + 5)]
    assert stored(home, "quarantine", "event_id, reason") == [("e2", "other_customer")]
    assert ledger.store_events(items, NOON).result(10) == ["duplicate"] * 2


def test_an_event_that_names_an_action_is_neither_a_contact_nor_an_outcome(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    item = event("e1", "complaint", decision_id="d1", action_id="tea")
    assert ledger.store_events([item], NOON).result(10) == ["stored"]
    assert ledger.history("007", NOON + 90, NEEDS).contacts == ()
    assert ledger.outcomes_of("d1") == ()
    counts = ledger.counts(0, 2 * NOON)
    assert (counts.shown, counts.responded) == (0, 0)


@pytest.mark.parametrize("days", [-4_000, 4_000])
def test_when_an_event_happened_changes_nothing_about_its_being_stored(ledger, days: int) -> None:
    item = event("e1", occurred_at=NOON + days * 86_400.0, day=DAY + days)
    assert ledger.store_events([item], NOON).result(10) == ["stored"]


def test_two_processes_that_send_the_same_events_store_them_once(home) -> None:
    home.open()
    told = [one.split() for one in let_go([start(home, TWICE) for _ in range(2)])]
    for first, second in zip(*told, strict=True):
        assert sorted((first, second)) in (["duplicate", "stored"], ["duplicate", "quarantined"])
    count = "COUNT(*), COUNT(DISTINCT event_id)"
    assert stored(home, columns=count) == [(60, 60)]
    assert stored(home, "quarantine", count) == [(60, 60)]


def test_a_forgotten_customer_is_not_left_in_quarantine(home) -> None:
    ledger = home.open()
    items = [event("e1"), event("e2", decision_id="nobody"), event("e3", customer_id="008")]
    ledger.store_events(items, NOON).result(10)
    assert ledger.rights.forget(["007"]).outcomes == 2
    assert stored(home, columns="event_id") == [("e3",)]
    assert stored(home, "quarantine") == []
