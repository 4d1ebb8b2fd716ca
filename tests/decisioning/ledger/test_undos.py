"""What was a mis-click is kept and counts no more, in whatever order it is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from ledger_rows import NEEDS, NOON, WEEK, decision, event, outcome, undo
from served_world import rows

from decisioning.ledger import event_sql
from decisioning.ledger.jobs import Insert
from decisioning.ledger.ledger import Ledger

COLUMNS = "event_id, type, customer_id, decision_id, occurred_at, refers_to, flags"


def state(home: Any) -> tuple[list[Any], list[Any]]:
    """Everything that is told of events, and what waits."""
    waiting = rows(home.place, "SELECT event_id, reason FROM quarantine")
    return sorted(rows(home.place, f"SELECT {COLUMNS} FROM events")), sorted(waiting)


def test_an_outcome_that_was_taken_back_is_shown_and_counts_no_more(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    ledger.store_outcomes([outcome("e1"), outcome("e2", "refused")], NOON).result(10)
    assert ledger.counts(0, 2 * NOON).responded == 1
    assert ledger.store_events([undo("u1", "e2")], NOON).result(10) == ["stored"]
    assert [one.flags for one in ledger.outcomes_of("d1")] == [(), ("undone",)]
    contacts = ledger.history("007", NOON + 90, NEEDS).contacts
    assert [one.outcome for one in contacts] == ["presented"]
    assert ledger.counts(0, 2 * NOON)[1:3] == (1, 0)


def test_taking_back_twice_changes_nothing(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    ledger.store_outcomes([outcome("e1", "clicked")], NOON).result(10)
    items = [undo("u1", "e1"), undo("u2", "e1")]
    assert ledger.store_events(items, NOON).result(10) == ["stored", "stored"]
    assert ledger.store_events([undo("u3", "e1")], NOON).result(10) == ["stored"]
    assert ledger.outcomes_of("d1")[0].flags == ("undone",)


def test_what_was_shown_and_what_was_taken_back_stays(ledger: Ledger) -> None:
    ledger.log_decision(decision())
    ledger.store_outcomes([outcome("e1"), outcome("e2", "clicked")], NOON).result(10)
    ledger.store_events([undo("u1", "e2")], NOON).result(10)
    items = [undo("u2", "e1"), undo("u3", "u1"), undo("u4", "u4-too"), undo("u4-too", "e1")]
    assert ledger.store_events(items, NOON).result(10) == [
        "not_undoable", "not_undoable", "quarantined", "not_undoable",
    ]  # fmt: skip
    assert [one.flags for one in ledger.outcomes_of("d1")] == [(), ("undone",)]


def test_nobody_takes_back_what_another_customer_did(ledger: Ledger) -> None:
    ledger.store_events([event("e1")], NOON).result(10)
    assert ledger.store_events([undo("u1", "e1", customer_id="8")], NOON).result(10) == [
        "other_customer"
    ]


@pytest.mark.parametrize(("did", "undoes"), [("8", "007"), ("007", "8")])
def test_an_undo_may_come_under_any_id_of_the_person(home, did: str, undoes: str) -> None:
    ledger = home.open()
    ledger.store_events([event("e1", customer_id=did)], NOON).result(10)
    refused = ledger.store_events([undo("u1", "e1", customer_id=undoes)], NOON).result(10)
    ledger.people.merge("8", "007", NOON, "api").result(10)
    stranger = ledger.store_events([undo("u2", "e1", customer_id="9")], NOON).result(10)
    told = ledger.store_events([undo("u3", "e1", customer_id=undoes)], NOON).result(10)
    assert (refused, stranger, told) == (["other_customer"], ["other_customer"], ["stored"])
    assert told.customers == {did}
    # Both stay together, whatever becomes of the merge.
    assert [(row[0], row[2], row[-1]) for row in state(home)[0]] == [
        ("e1", did, "undone"), ("u3", did, ""),
    ]  # fmt: skip


def test_an_undo_is_refused_again_once_the_merge_is_taken_back(ledger: Ledger) -> None:
    ledger.store_events([event("e1", customer_id="8")], NOON).result(10)
    ledger.people.merge("8", "007", NOON, "api").result(10)
    ledger.people.unmerge("8", "007", NOON + 1, "api").result(10)
    assert ledger.store_events([undo("u1", "e1")], NOON).result(10) == ["other_customer"]


def test_an_undo_that_waited_asks_who_is_one_person_when_its_event_comes(home) -> None:
    ledger = home.open()
    items = [undo("u1", "e1"), undo("u2", "e2")]
    assert ledger.store_events(items, NOON).result(10) == ["quarantined"] * 2
    ledger.people.merge("8", "007", NOON, "api").result(10)
    items = [event("e1", customer_id="8"), event("e2", customer_id="9")]
    ledger.store_events(items, NOON).result(10)
    events, waiting = state(home)
    assert [(row[0], row[2], row[-1]) for row in events] == [
        ("e1", "8", "undone"), ("e2", "9", ""), ("u1", "8", ""),
    ]  # fmt: skip
    assert waiting == [("u2", "other_customer")]


def test_what_names_a_decision_may_come_under_any_id_of_the_person(ledger: Ledger) -> None:
    ledger.take_decision(decision(customer_id="8")).result(10)
    named = {"decision_id": "d1", "customer_id": "007"}
    assert ledger.store_events([event("e1", **named)], NOON).result(10) == ["other_customer"]
    ledger.people.merge("8", "007", NOON, "api").result(10)
    assert ledger.store_events([event("e2", **named)], NOON).result(10) == ["stored"]


def test_an_undo_that_names_nobody_is_about_the_customer_of_the_event(home) -> None:
    ledger = home.open()
    ledger.store_events([event("e1"), undo("u1", "e1", customer_id=None)], NOON).result(10)
    events, waiting = state(home)
    assert [(row[0], row[2], row[-1]) for row in events] == [
        ("e1", "007", "undone"), ("u1", "007", ""),
    ]  # fmt: skip
    assert waiting == []


def test_an_undo_before_its_event_waits_for_it(home) -> None:
    ledger = home.open()
    assert ledger.store_events([undo("u1", "e1")], NOON).result(10) == ["quarantined"]
    assert state(home)[1] == [("u1", "unknown_event")]
    assert ledger.store_events([event("e1")], NOON).result(10) == ["stored"]
    events, waiting = state(home)
    assert [(row[0], row[-1]) for row in events] == [("e1", "undone"), ("u1", "")]
    assert waiting == []


def test_an_undo_that_turns_out_to_be_wrong_stays_aside(home) -> None:
    ledger = home.open()
    items = [undo("u1", "e1", customer_id="8"), undo("u2", "o1"), undo("u3", "u4")]
    assert ledger.store_events(items, NOON).result(10) == ["quarantined"] * 3
    ledger.log_decision(decision())
    ledger.store_events([event("e1"), undo("u4", "e1")], NOON).result(10)
    ledger.store_outcomes([outcome("o1")], NOON).result(10)
    events, waiting = state(home)
    assert [(row[0], row[-1]) for row in events] == [("e1", "undone"), ("o1", ""), ("u4", "")]
    assert waiting == [("u1", "other_customer"), ("u2", "not_undoable"), ("u3", "not_undoable")]


def _writes(ledger: Ledger) -> list[Callable[[], Any]]:
    """A story in the order in which it happened; the window moves with the presentation."""
    day = 86_400.0
    shown = outcome("o1", action_id="eggs", occurred_at=NOON + 2 * day)
    accepted = outcome("o2", "accepted", action_id="eggs", occurred_at=NOON + 2 * day + WEEK + 9)
    late = event("e1", "call", occurred_at=NOON + 3 * day, customer_id=None, decision_id="d1")
    return [
        lambda: ledger.take_decision(decision()).result(10),
        lambda: ledger.store_outcomes([shown], NOON).result(10),
        lambda: ledger.store_outcomes([accepted], NOON).result(10),
        lambda: ledger.store_events([late], NOON).result(10),
        lambda: ledger.store_events([undo("u1", "o2"), event("e2")], NOON).result(10),
    ]


@pytest.fixture
def expected(tmp_path) -> tuple[list[Any], list[Any]]:
    """What the story leaves when it is told in its order."""
    events = [
        ("e1", "call", "007", "d1", NOON + 3 * 86_400.0, None, ""),
        ("e2", "page_view", "007", None, NOON + 60.0, None, ""),
        ("o1", "presented", "007", "d1", NOON + 2 * 86_400.0, None, ""),
        ("o2", "accepted", "007", "d1", NOON + 2 * 86_400.0 + WEEK + 9, None, "late undone"),
        ("u1", "undo", "007", None, NOON + 60.0, "o2", ""),
    ]
    return events, []


@pytest.mark.parametrize("order", [*itertools.permutations(range(5))][::3])
def test_the_order_in_which_it_is_told_changes_nothing(sqlite_home, expected, order) -> None:
    writes = _writes(sqlite_home.open())
    for place in order:
        writes[place]()
    assert state(sqlite_home) == expected


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (4, 2, 0, 3, 1)])
def test_the_order_changes_nothing_on_the_other_database_either(
    postgres_home, expected, order
) -> None:
    writes = _writes(postgres_home.open())
    for place in order:
        writes[place]()
    assert state(postgres_home) == expected


def test_what_two_processes_overlooked_is_taken_back_when_the_ledger_is_opened(home) -> None:
    ledger = home.open()
    ledger.store_events([undo("u1", "e1")], NOON).result(10)
    # As if the event had been written by somebody who did not see the undo.
    from decisioning.ledger.event_columns import columns_of

    job = Insert(event_sql.INSERT_EVENT, [columns_of(event("e1"), NOON)])
    ledger._writer.submit(job).result(10)
    home.close()
    home.open()
    events, waiting = state(home)
    assert [(row[0], row[-1]) for row in events] == [("e1", "undone"), ("u1", "")]
    assert waiting == []
