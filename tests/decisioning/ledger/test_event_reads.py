"""Events come back as they were stored, a page at a time, on both databases."""

from __future__ import annotations

from ledger_rows import DAY, NOON, decision, outcome

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.statements import PAGE

MANY = PAGE + 20


def store(ledger: Ledger, customers: int = 3, each: int = 1) -> None:
    for number in range(customers):
        name = f"c{number:04d}"
        ledger.log_decision(decision(name, customer_id=name, day=DAY))
        items = [
            outcome(f"{name}-{place}", ("presented", "clicked")[place % 2], name)
            for place in range(each)
        ]
        ledger.store_outcomes(items, NOON + 100.0 + number).result(30)


def test_all_events_of_some_customers_come_with_everything_that_features_read(
    ledger: Ledger,
) -> None:
    store(ledger, each=2)
    answer = outcome("e9", "accepted", "c0001", value=2.5, attributes='{"a": 1}')
    ledger.store_outcomes([answer], NOON + 500.0).result(30)
    found = ledger.events.of(["c0001", "c0001", "nobody"])
    assert [row.event_id for row in found] == ["c0001-0", "c0001-1", "e9"]
    accepted = found[-1]
    assert accepted.type == "accepted"
    assert (accepted.customer_id, accepted.channel, accepted.action_id) == ("c0001", "web", "tea")
    assert (accepted.occurred_at, accepted.received_at) == (NOON + 60.0, NOON + 500.0)
    assert (accepted.decision_id, accepted.value, accepted.flags) == ("c0001", 2.5, "")
    assert accepted.attributes == '{"a": 1}'
    assert ledger.events.of([]) == []


def test_the_customers_of_events_are_found(ledger: Ledger) -> None:
    store(ledger)
    ledger.log_decision(decision("anonymous", customer_id=None))
    ledger.store_outcomes([outcome("e9", decision_id="anonymous")], NOON).result(30)
    found = ledger.events.customers(["c0001-0", "c0002-0", "e9", "nothing"])
    assert sorted(found) == [("c0001-0", "c0001"), ("c0002-0", "c0002")]


def test_all_events_come_once_whatever_the_length_of_a_page(ledger: Ledger) -> None:
    store(ledger, customers=2, each=MANY)
    found = [row.event_id for row in ledger.events.between()]
    assert len(found) == 2 * MANY
    assert len(set(found)) == 2 * MANY


def test_a_period_begins_with_its_start_and_ends_before_its_end(ledger: Ledger) -> None:
    ledger.log_decision(decision("d1"))
    items = [outcome(f"e{place}", occurred_at=NOON + place) for place in range(4)]
    ledger.store_outcomes(items, NOON + 9).result(30)
    found = ledger.events.between(NOON + 1, NOON + 3)
    assert [row.event_id for row in found] == ["e1", "e2"]


def test_every_customer_is_told_with_their_newest_event(ledger: Ledger) -> None:
    store(ledger, customers=MANY)
    ledger.store_outcomes([outcome("x", "clicked", "c0003")], NOON + 5_000).result(30)
    newest = dict(ledger.events.newest())
    assert len(newest) == MANY
    assert (newest["c0003"], newest["c0004"]) == (NOON + 5_000, NOON + 104.0)
    assert dict(ledger.events.newest(NOON + 4_000)) == {"c0003": NOON + 5_000}
