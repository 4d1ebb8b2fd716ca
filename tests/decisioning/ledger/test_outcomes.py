"""What becomes of outcomes, on both databases."""

from __future__ import annotations

import itertools

import pytest
from ledger_rows import DAY, NEEDS, NOON, WEEK, decision, outcome, slot

from decisioning.history import Volume
from decisioning.ledger.ledger import Ledger
from features.errors import LedgerError


def test_every_item_of_a_batch_has_a_status_of_its_own(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    items = [
        outcome("e1"),
        outcome("e1"),
        outcome("e1", body_digest="another"),
        outcome("e2", action_id="coffee"),
        outcome("e3", decision_id="nobody"),
        outcome("e3", decision_id="nobody"),
        outcome("e4", "accepted", value=12.5, on_behalf_of="ann", attributes='{"a": 1}'),
    ]
    statuses = ledger.store_outcomes(items, NOON + 99).result(10)
    assert statuses == [
        "stored", "duplicate", "conflict", "unknown_action", "quarantined", "duplicate", "stored",
    ]  # fmt: skip
    presented, accepted = ledger.outcomes_of("d1")
    assert (presented.event_id, presented.received_at, presented.flags) == ("e1", NOON + 99, ())
    told = (accepted.event_id, accepted.value, accepted.on_behalf_of, accepted.attributes)
    assert told == ("e4", 12.5, "ann", '{"a": 1}')


def test_sent_again_later_an_outcome_is_a_duplicate_or_a_conflict(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    first = [outcome("e1"), outcome("e2", decision_id="nobody")]
    ledger.store_outcomes(first, NOON).result(10)
    again = [*first, outcome("e1", body_digest="x"), outcome("e2", body_digest="x")]
    assert ledger.store_outcomes(again, NOON).result(10) == [
        "duplicate", "duplicate", "conflict", "conflict",
    ]  # fmt: skip
    assert len(ledger.outcomes_of("d1")) == 1


def test_a_presentation_confirms_the_reservation_and_is_counted_once(ledger: Ledger) -> None:
    ledger.take_decision(decision(), (slot(), slot("eggs"))).result(10)
    ledger.store_outcomes([outcome("e1"), outcome("e2")], NOON).result(10)
    ledger.store_outcomes([outcome("e3")], NOON).result(10)
    history = ledger.history("007", NOON + 60, NEEDS)
    assert history.volumes == (Volume("tea", "web", DAY, 1),)
    reserved = [c.action_id for c in history.contacts if c.reserved_until is not None]
    assert reserved == ["eggs"]


def test_a_presentation_after_its_reservation_lapsed_is_counted_too(ledger: Ledger) -> None:
    ledger.take_decision(decision(), (slot(),)).result(10)
    assert ledger.history(None, NOON + 5_000, NEEDS).volumes == ()
    late = outcome("e1", occurred_at=NOON + 4_000)
    ledger.store_outcomes([late], NOON + 5_000).result(10)
    assert ledger.history(None, NOON + 5_000, NEEDS).volumes == (Volume("tea", "web", DAY, 1),)


def test_an_outcome_before_its_decision_waits_for_it(ledger: Ledger) -> None:
    items = [outcome("e1"), outcome("e2", "clicked"), outcome("e3", action_id="coffee")]
    assert ledger.store_outcomes(items, NOON + 5).result(10) == ["quarantined"] * 3
    assert ledger.history("007", NOON + 90, NEEDS).contacts == ()
    ledger.take_decision(decision(), (slot(),)).result(10)
    history = ledger.history("007", NOON + 90, NEEDS)
    assert [c.outcome for c in history.contacts] == ["presented", "clicked"]
    assert history.volumes == (Volume("tea", "web", DAY, 1),)
    assert [one.received_at for one in ledger.outcomes_of("d1")] == [NOON + 5] * 2
    # The third stays back: that decision never returned coffee.
    assert ledger.counts(0, 2 * NOON).quarantined == 1
    assert ledger.store_outcomes(items, NOON).result(10) == ["duplicate"] * 3


def test_an_outcome_after_the_response_window_is_flagged(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    items = [
        outcome("e1", action_id="eggs"),
        outcome("e2", "clicked", action_id="eggs", occurred_at=NOON + 60 + WEEK),
        outcome("e3", "accepted", action_id="eggs", occurred_at=NOON + 61 + WEEK),
    ]
    ledger.store_outcomes(items, NOON + 2 * WEEK).result(10)
    assert [one.flags for one in ledger.outcomes_of("d1")] == [(), (), ("late",)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_in_which_outcomes_arrive_changes_nothing(
    sqlite_home, order: tuple[int, ...]
) -> None:
    """Presented two days after the decision, so that the window moves when that becomes known."""
    ledger = sqlite_home.open()
    shown = NOON + 2 * 86_400
    items = [
        outcome("e0", "presented", action_id="eggs", occurred_at=shown),
        outcome("e1", "presented", action_id="eggs", occurred_at=shown + 5),
        outcome("e2", "clicked", action_id="eggs", occurred_at=shown + WEEK - 9),
        outcome("e3", "accepted", action_id="eggs", occurred_at=shown + WEEK + 9),
    ]
    writes = [lambda item=item: ledger.store_outcomes([item], NOON).result(10) for item in items]
    for place in order[:2]:
        writes[place]()
    ledger.log_decision(decision()).result(10)
    for place in order[2:]:
        writes[place]()
    assert [(one.event_id, one.flags) for one in ledger.outcomes_of("d1")] == [
        ("e0", ()), ("e1", ()), ("e2", ()), ("e3", ("late",)),
    ]  # fmt: skip
    assert ledger.counts(0, 2 * NOON) == (1, 1, 1, 0)


def test_an_item_that_cannot_be_stored_fails_only_its_own_call(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    bad = ledger.store_outcomes([outcome("bad", None)], NOON)
    good = ledger.store_outcomes([outcome("good")], NOON)
    with pytest.raises(LedgerError):
        bad.result(10)
    assert good.result(10) == ["stored"]


def test_what_two_processes_overlooked_is_linked_when_the_ledger_is_opened(home) -> None:
    ledger = home.open()
    ledger.store_outcomes([outcome("e1")], NOON).result(10)
    # As if the decision had been written by somebody who did not see the outcome.
    from decisioning.ledger.decisions import INSERT_DECISION, prepare
    from decisioning.ledger.jobs import Insert

    row, _ = ledger._writer._committer._head.seal(prepare(decision()))
    row["writer"], row["seq"] = "another", 1
    ledger._writer.submit(Insert(INSERT_DECISION, [row])).result(10)
    assert ledger.outcomes_of("d1") == ()
    home.close()
    assert [one.event_id for one in home.open().outcomes_of("d1")] == ["e1"]
