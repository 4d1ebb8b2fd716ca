"""A person sees everything that the ledger has about them, and can be erased for good."""

from __future__ import annotations

from ledger_rows import NOON, decision, outcome, slot

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import ConsentRow


def fill(ledger: Ledger, customer_id: str) -> None:
    row = decision(f"d-{customer_id}", customer_id=customer_id)
    ledger.take_decision(row, (slot(),)).result(10)
    shown = outcome(f"e-{customer_id}", decision_id=row.decision_id)
    unknown = outcome(f"q-{customer_id}", decision_id="nobody's")
    ledger.store_outcomes([shown, unknown], NOON).result(10)
    consent = ConsentRow(customer_id, "marketing", "all", "granted", NOON, NOON, "web")
    ledger.record_consents([consent]).result(10)


def test_everything_of_a_person_is_there_and_nothing_of_others(ledger: Ledger) -> None:
    for customer_id in ("007", "7", "8"):
        fill(ledger, customer_id)
    person = ledger.rights.everything_of(["007", "8"])
    assert [one.decision_id for one in person.decisions] == ["d-007", "d-8"]
    assert [one.payload for one in person.decisions] == [decision().payload] * 2
    assert [one["event_id"] for one in person.events] == ["e-007", "e-8"]
    assert {one["customer_id"] for one in (*person.reservations, *person.consents)} == {"007", "8"}
    assert (len(person.reservations), len(person.consents), person.rows) == (2, 2, 8)
    assert ledger.rights.everything_of(["70"]).rows == 0


def test_who_is_erased_is_nowhere_and_stays_known_by_a_hash_alone(ledger: Ledger) -> None:
    fill(ledger, "007")
    fill(ledger, "8")
    done = ledger.rights.forget(["007"], ["hash"], NOON)
    assert (done.decisions, done.outcomes, done.reservations, done.consents) == (1, 1, 1, 1)
    assert ledger.rights.everything_of(["007"]).rows == 0
    assert ledger.rights.everything_of(["8"]).rows == 4
    assert dict(ledger.rights.erased()) == {"hash": NOON}
    assert dict(ledger.rights.erased(["hash", "other"])) == {"hash": NOON}
    assert ledger.verify().whole


def test_a_later_erasure_is_the_one_that_counts(ledger: Ledger) -> None:
    ledger.rights.forget(["007"], ["hash"], NOON)
    ledger.rights.forget(["007"], ["hash"], NOON + 5)
    assert dict(ledger.rights.erased()) == {"hash": NOON + 5}


def test_more_people_than_one_statement_takes_can_be_asked_for(ledger: Ledger) -> None:
    fill(ledger, "007")
    many = [f"nobody-{number}" for number in range(1_000)]
    assert ledger.rights.everything_of(["007", *many]).rows == 4
    assert ledger.rights.forget([*many, "007"]).decisions == 1
