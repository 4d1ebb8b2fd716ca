"""What both databases promise of decisions: kept whole, kept once, and answered again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from ledger_rows import ACTIONS, NEEDS, NOON, decision, outcome, slot

from decisioning.history import History
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import NO_NEEDS, Stored
from features.errors import LedgerError


def no_more_than(cap: int):
    """A policy: an action may be presented to everybody together so often."""

    def check(history: History) -> bool:
        return sum(volume.presented for volume in history.volumes) < cap

    return check


def test_a_logged_decision_is_read_back_as_it_was(ledger: Ledger) -> None:
    logged = decision(request_id="r1", request_digest="x", answer=b"answer", customer_id="0042")
    assert ledger.log_decision(logged).result(10) == Stored("d1", new=True)
    read = ledger.decision("d1")
    assert read is not None
    assert (read.payload, read.vectors, read.answer) == (logged.payload, logged.vectors, b"answer")
    assert (read.customer_id, read.actions, read.state) == ("0042", ACTIONS, "live")
    assert ledger.by_request("r1") == read
    assert ledger.decision("d2") is None and ledger.by_request("r2") is None


def test_a_decision_that_is_logged_twice_is_there_once(ledger: Ledger) -> None:
    first, again = ledger.log_decision(decision()), ledger.log_decision(decision(payload=b"other"))
    assert (first.result(10).new, again.result(10).new) == (True, False)
    assert ledger.log_decision(decision()).result(10).new is False
    assert [row.payload for row in ledger.decisions_between(0, 2 * NOON)] == [decision().payload]


def test_a_request_that_was_answered_before_gets_the_same_answer(ledger: Ledger) -> None:
    first = decision(request_id="r1", request_digest="x", answer=b"first")
    assert ledger.take_decision(first, (slot(),)).result(10).stored
    again = decision("d2", request_id="r1", request_digest="y", answer=b"second")
    taken = ledger.take_decision(again, (slot("eggs"),), lambda _: True).result(10)
    assert taken.repeated and not taken.stored
    assert (taken.decision_id, taken.request_digest, taken.stored_answer) == ("d1", "x", b"first")
    assert ledger.decision("d2") is None
    contacts = ledger.history("007", NOON, NEEDS).contacts
    assert [contact.action_id for contact in contacts] == ["tea"]


def test_one_request_sent_many_times_at_once_is_decided_once(ledger: Ledger) -> None:
    barrier = Barrier(16)

    def send(number: int) -> str:
        barrier.wait(10)
        row = decision(f"d{number}", request_id="r1", request_digest="x", answer=b"%d" % number)
        return ledger.take_decision(row, (slot(),), no_more_than(1)).result(20).decision_id

    with ThreadPoolExecutor(16) as threads:
        answered = set(threads.map(send, range(16)))
    assert len(answered) == 1
    assert {row.decision_id for row in ledger.decisions_between(0, 2 * NOON)} == answered


def test_a_logged_decision_keeps_its_row_when_its_request_was_answered_before(
    ledger: Ledger,
) -> None:
    ledger.take_decision(decision(request_id="r1")).result(10)
    assert ledger.log_decision(decision("d2", request_id="r1")).result(10).new
    late = ledger.decision("d2")
    assert late is not None and late.request_id is None


def test_slots_that_are_gone_are_a_conflict_and_nothing_is_written(ledger: Ledger) -> None:
    cap = no_more_than(1)
    assert ledger.take_decision(decision(), (slot(),), cap).result(10).stored
    taken = ledger.take_decision(decision("d2"), (slot(),), cap).result(10)
    assert taken.conflict is not None and not taken.stored
    assert [volume.presented for volume in taken.conflict.volumes] == [1]
    assert ledger.decision("d2") is None


def test_a_lapsed_reservation_frees_its_slot(ledger: Ledger) -> None:
    cap = no_more_than(1)
    ledger.take_decision(decision(), (slot(expires_at=NOON + 10),), cap).result(10)
    later = decision("d2", decided_at=NOON + 11)
    assert ledger.take_decision(later, (slot(),), cap).result(10).stored


def test_forty_threads_against_a_cap_of_three_get_exactly_three(ledger: Ledger) -> None:
    barrier = Barrier(40)

    def decide(number: int) -> bool:
        row = decision(f"d{number}", customer_id=f"c{number}")
        barrier.wait(20)
        return ledger.take_decision(row, (slot(),), no_more_than(3)).result(30).stored

    with ThreadPoolExecutor(40) as threads:
        assert sum(threads.map(decide, range(40))) == 3
    (volume,) = ledger.history("007", NOON, NEEDS).volumes
    assert volume.presented == 3


def test_a_check_that_fails_fails_alone(ledger: Ledger) -> None:
    def broken(_: History) -> bool:
        raise ZeroDivisionError("a fault of the check")

    good = [ledger.take_decision(decision(f"good{n}"), (slot(),)) for n in range(5)]
    bad = ledger.take_decision(decision("bad"), (slot(),), broken)
    more = [ledger.log_decision(decision(f"more{n}")) for n in range(5)]
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    assert all(future.result(10) for future in good + more)
    assert ledger.decision("bad") is None and ledger.decision("more4") is not None
    assert ledger.verify().whole


def test_a_row_that_the_database_refuses_fails_alone(ledger: Ledger) -> None:
    """The check constraint of `state` cannot be met, whatever the database."""
    bad = ledger.log_decision(decision("bad", channel=None))
    good = ledger.log_decision(decision("good"))
    with pytest.raises(LedgerError):
        bad.result(10)
    assert good.result(10).new


@pytest.mark.parametrize(
    ("mode", "times", "statuses"),
    [("deferred", 2, ["activated", "already"]), ("live", 1, ["not_deferred"])],
)
def test_only_a_deferred_decision_is_activated_and_only_once(
    ledger: Ledger, mode: str, times: int, statuses: list[str]
) -> None:
    ledger.take_decision(decision(mode=mode)).result(10)
    before = ledger.decision("d1")
    assert before is not None and before.state == ("pending" if mode == "deferred" else "live")
    told = [
        ledger.activate("d1", NOON, (slot(),), lambda _: True, NEEDS).result(10).status
        for _ in range(times)
    ]
    assert told == statuses
    contacts = ledger.history("007", NOON, NEEDS).contacts
    assert len(contacts) == (1 if mode == "deferred" else 0)


def test_an_unknown_decision_cannot_be_activated(ledger: Ledger) -> None:
    assert ledger.activate("nobody", NOON).result(10).status == "unknown"


def test_an_activation_whose_slots_are_gone_leaves_the_decision_pending(ledger: Ledger) -> None:
    ledger.take_decision(decision(mode="deferred")).result(10)
    ledger.take_decision(decision("d2"), (slot(),)).result(10)
    told = ledger.activate("d1", NOON, (slot(),), no_more_than(1), NEEDS).result(10)
    assert told.status == "conflict" and told.conflict is not None
    left = ledger.decision("d1")
    assert left is not None and left.state == "pending"


def test_decisions_are_read_in_order_a_page_at_a_time(ledger: Ledger) -> None:
    for number in range(700):
        at = NOON + number // 3
        ledger.log_decision(decision(f"d{number:03}", decided_at=at, payload=b"", needs=NO_NEEDS))
    ledger.flush(30)
    ids = [row.decision_id for row in ledger.decisions_between(NOON, NOON + 1_000)]
    assert ids == [f"d{number:03}" for number in range(700)]
    some = [row.decision_id for row in ledger.decisions_between(NOON + 100, NOON + 101)]
    assert some == ["d300", "d301", "d302"]
    behind = ledger.decisions_between(NOON + 100, NOON + 1_000, after="d301", limit=400)
    assert [row.decision_id for row in behind] == ids[302:700][:400]


def test_decisions_outcomes_and_quarantine_are_counted(ledger: Ledger) -> None:
    for number in range(4):
        ledger.log_decision(decision(f"d{number}", decided_at=NOON + number))
    items = [
        outcome("e0", decision_id="d0"),
        outcome("e1", decision_id="d1"),
        outcome("e2", "clicked", "d1"),
        outcome("e3", decision_id="nobody"),
    ]
    ledger.store_outcomes(items, NOON + 90).result(10)
    assert ledger.counts(NOON, NOON + 10) == (4, 2, 1, 1)
    assert ledger.counts(NOON + 1, NOON + 2) == (1, 1, 1, 1)
