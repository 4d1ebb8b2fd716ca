"""Links and merges in both databases: what they keep, what they never join, and what they hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from ledger_rows import NEEDS, NOON, decision, outcome, slot

from decisioning.consent_status import status_of
from decisioning.history import History
from decisioning.identity_rules import IdentityRules, LoginRule
from decisioning.ledger.identities import Stated
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import ConsentRow
from decisioning.recognition import Login, Presented
from features.errors import LedgerBusy
from features.identity import anonymous_id

COOKIE, CARD = "c" * 64, "1" * 64
VISITOR, STRANGER = anonymous_id(COOKIE), anonymous_id(CARD)
WEAK, STRONG = IdentityRules().of("cookie"), IdentityRules().of("loyalty")


def log_in(ledger: Ledger, customer_id: str, now: float = NOON, **more: Any) -> None:
    facts = {"rule": WEAK, "most_aliases": 100} | more
    ledger.people.note_logins([Login("cookie", COOKIE, customer_id, **facts)], now).result()


def persons(ledger: Ledger, *customer_ids: str) -> dict[str, tuple[str, ...]]:
    return dict(ledger.people.people(customer_ids))


def consent(customer_id: str, status: Any, at: float) -> ConsentRow:
    return ConsentRow(customer_id, "marketing", "all", status, at, at, "api")


def test_a_login_makes_one_person_of_visitor_and_customer(ledger: Ledger) -> None:
    log_in(ledger, "7")
    log_in(ledger, "7", NOON + 1)
    assert persons(ledger, VISITOR) == {"7": ("7", VISITOR)}
    assert ledger.people.root(VISITOR) == "7"
    links, people = ledger.people.log_of(["7"])
    assert [(one.namespace, one.customer_id, one.source) for one in links] == [
        ("cookie", "7", "request")
    ]
    (merge,) = people.chain(VISITOR, "7") or ()
    assert (merge.rule, merge.recorded_at) == ("on_login:cookie", NOON)


def test_a_second_person_on_the_device_is_linked_and_merged_with_nobody(ledger: Ledger) -> None:
    log_in(ledger, "7")
    log_in(ledger, "8", NOON + 1)
    assert persons(ledger, "7", "8") == {"7": ("7", VISITOR), "8": ("8",)}
    held, _ = ledger.people.look_up([Presented(hashed=(("cookie", COOKIE),))])
    assert held == {("cookie", COOKIE): ("8", "7")}


def test_two_persons_who_log_in_at_once_are_never_joined(home: Any) -> None:
    ledgers = [home.open(), home.open()]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: log_in(ledgers[at % 2], str(7 + at % 2)), range(16)))
    found = persons(ledgers[0], "7", "8")
    assert sorted(map(len, found.values())) == [1, 2]


@pytest.mark.parametrize("more", [{"rule": LoginRule(on_login="keep_apart")}, {"most_aliases": 1}])
def test_a_login_merges_nothing_where_the_rules_say_so(ledger: Ledger, more: Any) -> None:
    log_in(ledger, "7", **more)
    assert persons(ledger, "7", VISITOR) == {"7": ("7",), VISITOR: (VISITOR,)}
    assert len(ledger.people.log_of(["7"])[0]) == 1


def test_what_was_taken_back_is_not_merged_again_by_a_login(ledger: Ledger) -> None:
    log_in(ledger, "7")
    assert ledger.people.unmerge(VISITOR, "7", NOON, "api").result() == "changed"
    rows = [Stated("cookie", COOKIE, "7", WEAK, linked=False)]
    assert ledger.people.state(rows, NOON, "api").result() == ["changed"]
    log_in(ledger, "7", NOON + 5)
    assert persons(ledger, "7") == {"7": ("7",)}
    assert ledger.people.merge(VISITOR, "7", NOON, "api").result() == "changed"
    assert persons(ledger, "7") == {"7": ("7", VISITOR)}


def test_merging_again_into_itself_or_in_a_circle_changes_nothing(ledger: Ledger) -> None:
    people = ledger.people
    assert people.merge("1", "2", NOON, "api").result() == "changed"
    assert people.merge("2", "3", NOON, "api").result() == "changed"
    for absorbed, customer in (("1", "2"), ("3", "1"), ("1", "1"), ("1", "3")):
        assert people.merge(absorbed, customer, NOON, "api").result() == "unchanged"
    assert persons(ledger, "1") == {"3": ("3", "1", "2")}
    assert people.unmerge("1", "3", NOON, "api").result() == "changed"
    assert persons(ledger, "1", "2") == {"1": ("1",), "3": ("3", "2")}
    assert people.unmerge("1", "3", NOON, "api").result() == "unchanged"


def test_what_a_strong_id_did_before_it_was_known_is_taken_over(ledger: Ledger) -> None:
    login = Login("loyalty", CARD, STRANGER, STRONG, 100)
    ledger.people.note_logins([login], NOON).result()
    log_in(ledger, STRANGER)
    stated = [Stated("loyalty", CARD, "7", STRONG)]
    assert ledger.people.state(stated, NOON, "api").result() == ["changed"]
    assert ledger.people.state(stated, NOON, "api").result() == ["unchanged"]
    assert persons(ledger, "7") == {"7": ("7", *sorted((STRANGER, VISITOR)))}


def test_a_merge_keeps_contacts_and_an_unmerge_gives_them_back(ledger: Ledger) -> None:
    ledger.take_decision(decision("d1", customer_id=VISITOR), (slot(),)).result()
    ledger.take_decision(decision("d2", customer_id="7"), (slot("eggs"),)).result()
    ledger.store_outcomes([outcome("e1", "refused", "d1")], NOON + 60).result()
    before = [ledger.history(one, NOON + 90, NEEDS) for one in ("7", VISITOR)]
    log_in(ledger, "7", NOON + 80)
    for one in ("7", VISITOR):
        contacts = ledger.history(one, NOON + 90, NEEDS).contacts
        assert {(c.decision_id, c.outcome) for c in contacts} == {
            ("d1", "presented"), ("d1", "refused"), ("d2", "presented"),
        }  # fmt: skip
        assert [c.at for c in contacts] == sorted(c.at for c in contacts)
    ledger.people.unmerge(VISITOR, "7", NOON + 85, "api").result()
    assert [ledger.history(one, NOON + 90, NEEDS) for one in ("7", VISITOR)] == before


def test_an_objection_of_one_id_holds_for_the_person_until_the_person_grants(
    ledger: Ledger,
) -> None:
    def status(customer_id: str, at: float = NOON + 99) -> str | None:
        said = ledger.history(customer_id, at, NEEDS).consents
        return status_of(said, "marketing", "email", at)

    rows = [consent(VISITOR, "objected", NOON), consent("7", "granted", NOON + 1)]
    ledger.record_consents(rows).result()
    assert (status("7"), status(VISITOR)) == ("granted", "objected")
    log_in(ledger, "7", NOON + 2)
    assert (status("7"), status(VISITOR)) == ("objected", "objected")
    ledger.record_consents([consent("7", "granted", NOON + 3)]).result()
    assert (status("7"), status(VISITOR)) == ("granted", "granted")
    ledger.people.unmerge(VISITOR, "7", NOON + 4, "api").result()
    assert (status("7"), status(VISITOR)) == ("granted", "objected")


def test_a_cap_of_three_over_two_ids_of_one_person_gives_exactly_three(home: Any) -> None:
    ledgers = [home.open(), home.open()]
    log_in(ledgers[0], "7")

    def check(history: History) -> bool:
        return sum(contact.action_id == "tea" for contact in history.contacts) < 3

    def take(at: int) -> bool:
        row = decision(f"d{at}", customer_id=("7", VISITOR)[at // 2 % 2])
        row = replace(row, needs=replace(NEEDS, volume_action_ids=()))
        return ledgers[at % 2].take_decision(row, (slot(),), check).result().stored

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(40))) == 3


def test_what_was_deferred_before_a_merge_takes_the_place_of_the_person_after_it(
    ledger: Ledger,
) -> None:
    def check(history: History) -> bool:
        return not history.contacts

    for name, whose in (("d1", "8"), ("d2", "7")):
        row = decision(name, customer_id=whose, mode="deferred", request_id=f"batch:r:{whose}")
        ledger.take_decision(row).result()
    ledger.people.merge("8", "7", NOON, "api").result()
    states = [
        ledger.activate(name, NOON + 9, (slot(),), check, NEEDS).result().status
        for name in ("d1", "d2")
    ]
    assert states == ["activated", "conflict"]
    asked = ledger.requested(["batch:r:7", "batch:r:8", "batch:r:9"])
    assert asked == {"batch:r:7": "pending", "batch:r:8": "activated"}
    taken = ledger.take_decision(decision("d3", customer_id="7", needs=NEEDS), (slot(),), check)
    assert taken.result().conflict is not None


def test_a_cap_holds_while_the_persons_become_one(home: Any) -> None:
    ledgers = [home.open(), home.open()]

    def check(history: History) -> bool:
        return not history.contacts

    def take(at: int) -> bool:
        if at == 8:
            log_in(ledgers[0], "7")
            return False
        row = replace(decision(f"d{at}", customer_id=("7", VISITOR)[at % 2]), needs=NEEDS)
        # Waiting for each other may take too long; then nothing is written, and one asks again.
        for _ in range(20):
            with suppress(LedgerBusy):
                return ledgers[at // 2 % 2].take_decision(row, (slot(),), check).result().stored
        raise AssertionError(f"d{at}: the ledger is busy for good")

    with ThreadPoolExecutor(8) as threads:
        stored = sum(threads.map(take, range(24)))
    # One each, as long as they were two persons.
    assert stored in (1, 2)
    assert not take(99)
