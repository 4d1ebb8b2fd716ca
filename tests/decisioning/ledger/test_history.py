"""What a history tells of a customer, on both databases."""

from __future__ import annotations

from ledger_rows import DAY, NEEDS, NOON, WEEK, decision, outcome, slot

from decisioning.history import NO_HISTORY, Consent, HistoryNeeds, Volume
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import ConsentRow


def test_of_somebody_with_whom_nothing_has_happened_there_is_no_history(ledger: Ledger) -> None:
    assert ledger.history("007", NOON, NEEDS) == NO_HISTORY
    assert ledger.history(None, NOON, NEEDS) == NO_HISTORY


def test_an_open_reservation_counts_as_presented_until_it_lapses(ledger: Ledger) -> None:
    ledger.take_decision(decision(), (slot(),)).result(10)
    (contact,) = ledger.history("007", NOON + 1_799, NEEDS).contacts
    assert (contact.outcome, contact.at, contact.reserved_until) == (
        "presented", NOON, NOON + 1_800,
    )  # fmt: skip
    assert (contact.action_id, contact.group, contact.issue) == ("tea", "hot", "win_back")
    assert ledger.history("007", NOON + 1_800, NEEDS) == NO_HISTORY


def test_a_presentation_counts_once_however_often_it_is_reported(ledger: Ledger) -> None:
    ledger.take_decision(decision(), (slot(),)).result(10)
    items = [outcome("e1"), outcome("e2", occurred_at=NOON + 70), outcome("e3", "clicked")]
    ledger.store_outcomes(items, NOON + 90).result(10)
    history = ledger.history("007", NOON + 100, NEEDS)
    assert [(c.outcome, c.at, c.reserved_until) for c in history.contacts] == [
        ("presented", NOON + 60, None),
        ("clicked", NOON + 60, None),
    ]
    assert history.volumes == (Volume("tea", "web", DAY, 1),)


def test_contacts_are_those_of_the_customer_and_of_the_time_asked_for(ledger: Ledger) -> None:
    for number, customer_id in enumerate(["007", "7", "007"]):
        row = decision(f"d{number}", customer_id=customer_id)
        ledger.take_decision(row).result(10)
        at = NOON + 3_600 * number
        ledger.store_outcomes([outcome(f"e{number}", "clicked", f"d{number}", occurred_at=at)], at)
    ledger.flush(10)
    assert [c.decision_id for c in ledger.history("007", NOON + 9_000, NEEDS).contacts] == [
        "d0",
        "d2",
    ]
    assert [c.decision_id for c in ledger.history("007", NOON + WEEK + 1, NEEDS).contacts] == ["d2"]
    assert ledger.history("007", NOON, HistoryNeeds(consents=False)) == NO_HISTORY


def test_volumes_add_the_open_reservations_of_everybody(ledger: Ledger) -> None:
    ledger.take_decision(decision(), (slot(),)).result(10)
    ledger.take_decision(decision("d2", customer_id="b"), (slot(), slot("eggs"))).result(10)
    ledger.take_decision(decision("d3", customer_id="c"), (slot(day=DAY + 1),)).result(10)
    ledger.store_outcomes([outcome("e1")], NOON).result(10)
    history = ledger.history("somebody else", NOON + 1, NEEDS)
    assert history.volumes == (Volume("tea", "web", DAY, 2), Volume("tea", "web", DAY + 1, 1))
    # Those that lapse are no longer counted; the confirmed one is.
    later = ledger.history(None, NOON + 1_801, NEEDS)
    assert later.volumes == (Volume("tea", "web", DAY, 1),)


def test_volumes_go_back_as_far_as_asked(ledger: Ledger) -> None:
    for number, days_ago in enumerate([0, 6, 40]):
        row = decision(f"d{number}", decided_at=NOON - days_ago * 86_400)
        ledger.log_decision(row)
        item = outcome(f"e{number}", decision_id=f"d{number}", day=DAY - days_ago)
        ledger.store_outcomes([item], NOON)
    ledger.flush(10)
    volumes = ledger.history(None, NOON, NEEDS).volumes
    assert [volume.day for volume in volumes] == [DAY - 6, DAY]
    ever = HistoryNeeds(volume_action_ids=("tea", "eggs", "x"), volume_days=None, consents=False)
    assert [volume.day for volume in ledger.history(None, NOON, ever).volumes] == [
        DAY - 40, DAY - 6, DAY,
    ]  # fmt: skip


def test_the_consent_log_is_whole_and_in_order_and_never_doubled(ledger: Ledger) -> None:
    granted = ConsentRow("007", "marketing", "all", "granted", NOON - 90, NOON, "import")
    withdrawn = ConsentRow("007", "marketing", "email", "withdrawn", NOON - 50, NOON, "web")
    other = ConsentRow("8", "marketing", "all", "objected", NOON, NOON, "web")
    ledger.record_consents([withdrawn, granted, other]).result(10)
    ledger.record_consents([granted, withdrawn]).result(10)
    assert ledger.history("007", NOON, NEEDS).consents == (
        Consent("marketing", "all", "granted", NOON - 90),
        Consent("marketing", "email", "withdrawn", NOON - 50),
    )


def test_a_snapshot_is_found_by_the_digest_of_its_content(ledger: Ledger) -> None:
    digest = ledger.keep_snapshot("catalog", b"actions: []")
    assert digest == ledger.keep_snapshot("catalog", b"actions: []")
    assert len(digest) == 64
    assert ledger.snapshot(digest) == b"actions: []"
