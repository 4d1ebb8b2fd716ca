"""Deliveries of triggers on both databases: each once, found when due, gone with its customer."""

from __future__ import annotations

from typing import Any

import pytest

from decisioning.ledger import schema
from decisioning.ledger.deliveries import Delivery
from decisioning.ledger.jobs import Run
from decisioning.ledger.leader import Leader
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.statements import insert_new


def delivery(name: str, **more: Any) -> Delivery:
    given = {"trigger_id": "t", "event_id": name, "customer_id": "1", "recorded_at": 1.0,
             "due_at": 10.0, "expires_at": 100.0} | more  # fmt: skip
    return Delivery(delivery_id=name, **given)


def happen(ledger: Ledger, event_id: str, at: float, type_: str = "basket", **more: Any) -> None:
    row = dict.fromkeys((column.name for column in schema.EVENTS.columns), None) | {
        "event_id": event_id, "body_digest": "", "type": type_, "customer_id": "1", "day": 0,
        "occurred_at": at, "received_at": at, "attributes": "{}", "flags": "", **more,
    }  # fmt: skip
    adding = insert_new(schema.EVENTS)
    ledger._writer.submit(Run(lambda work: work.session.run(adding, row) and None)).result()


def test_a_delivery_is_added_once_and_keeps_how_far_it_has_come(ledger: Ledger) -> None:
    deliveries = ledger.deliveries
    assert deliveries.position("t") is None
    deliveries.add([delivery("b"), delivery("a")], "t", 5.0)
    deliveries.change(delivery("a"), state="decided", body=b"{}", decision_id="d", decided_at=11.0)
    deliveries.add([delivery("a"), delivery("c", due_at=30.0)], "t", 7.0)
    assert deliveries.position("t") == 7.0
    assert [one.delivery_id for one in deliveries.due("waiting", 20.0, 10)] == ["b"]
    (decided,) = deliveries.due("decided", 20.0, 10)
    assert (decided.body, decided.decision_id, decided.attempts) == (b"{}", "d", 0)
    assert deliveries.last_decided("t", ["0", "1"]) == 11.0
    assert deliveries.last_decided("t", ["2"]) is None
    assert deliveries.counts() == {("waiting", ""): 2, ("decided", ""): 1}


def test_events_are_paged_by_when_they_came(ledger: Ledger) -> None:
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 2.0), ("other", 2.0)):
        happen(ledger, name, at, "search" if name == "other" else "basket")
    deliveries = ledger.deliveries
    first = deliveries.came(("basket",), 0.0, "", 2)
    assert [one.event_id for one in first] == ["a", "b"]
    rest = deliveries.came(("basket",), first[-1].received_at, first[-1].event_id, 2)
    assert [one.event_id for one in rest] == ["c"]
    assert [one.event_id for one in deliveries.came(("basket", "search"), 1.5, "", 9)] == [
        "b", "c", "other",
    ]  # fmt: skip


def test_what_was_taken_back_is_no_event(ledger: Ledger) -> None:
    happen(ledger, "a", 1.0)
    assert ledger.deliveries.event("a") is not None
    happen(ledger, "u", 2.0, "undo", refers_to="a")
    assert ledger.deliveries.event("a") is None
    assert ledger.deliveries.event("nothing") is None


def test_an_event_is_one_of_the_person_of_now(ledger: Ledger) -> None:
    happen(ledger, "a", 1.0, customer_id="8")
    happen(ledger, "b", 1.0, customer_id=None)
    happen(ledger, "c", 5.0, "transaction", customer_id="7")
    assert ledger.people.merge("8", "7", 2.0, "test").result() == "changed"
    event = ledger.deliveries.event("a")
    assert event is not None and (event.customer_id, event.customer_ids) == ("7", ("7", "8"))
    assert ledger.deliveries.happened(event.customer_ids, ("transaction",), 1.0, 9.0)
    nobody = ledger.deliveries.event("b")
    assert nobody is not None and (nobody.customer_id, nobody.customer_ids) == (None, ())


def test_both_ends_of_a_time_count(ledger: Ledger) -> None:
    happen(ledger, "a", 5.0, "transaction")
    asked = ledger.deliveries.happened
    assert asked(["1"], ("transaction",), 5.0, 5.0)
    assert not asked(["1"], ("transaction",), 5.1, 9.0)
    assert not asked(["2"], ("transaction",), 0.0, 9.0)
    assert not asked(["1"], ("basket",), 0.0, 9.0)


def test_a_customer_who_is_forgotten_leaves_no_delivery(ledger: Ledger) -> None:
    ledger.deliveries.add([delivery("a"), delivery("b", customer_id="2")], "t", 1.0)
    ledger.rights.forget(["1"])
    assert [one.delivery_id for one in ledger.deliveries.due("waiting", 99.0, 9)] == ["b"]


def test_a_purge_takes_old_deliveries(ledger: Ledger) -> None:
    many = [delivery(f"{one:04}", expires_at=50.0) for one in range(600)]
    ledger.deliveries.add([*many, delivery("new")], "t", 1.0)
    ledger.purge(60.0)
    assert [one.delivery_id for one in ledger.deliveries.due("waiting", 99.0, 9)] == ["new"]


def test_one_leads_and_another_follows_when_it_is_gone(home: Any) -> None:
    home.open()
    first, second = Leader(home.place), Leader(home.place)
    assert first.leads() and first.leads() and not second.leads()
    first.close()
    assert second.leads()
    second.close()


def test_a_leader_whose_connection_was_cut_leads_no_more_than_anybody(
    postgres_home: Any,
) -> None:
    postgres_home.open()
    first, second = Leader(postgres_home.place), Leader(postgres_home.place)
    assert first.leads()
    first._held.close()
    assert second.leads()
    assert not first.leads()
    second.close()


@pytest.mark.parametrize("state", ["lost", ""])
def test_no_other_state_can_be_stored(ledger: Ledger, state: Any) -> None:
    with pytest.raises(Exception, match=r"CHECK|check"):
        ledger.deliveries.add([delivery("a", state=state)], "t", 1.0)
