"""Stored events become canonical rows, each once, and stand beside those of the sources."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from live_world import BUILT, purchase, touch
from small_world import LINES, TOUCHES, write_world

from features.live_events import live_events, owners, with_events, with_people

TEA = {"line_id": "1", "item_id": "i1", "category": "TEA", "amount": 4.0, "discount": -1.0}
LATER = BUILT + timedelta(minutes=5)


def ids(table: object, column: str) -> list[object]:
    return sorted(table[column].to_pylist())  # type: ignore[index]


def test_a_purchase_becomes_its_lines_and_anything_else_a_touchpoint() -> None:
    milk = {"category": "MILK", "category_group": "DRINKS", "amount": 2, "coupon_discount": 0.5}
    found = live_events(
        [
            purchase("e1", BUILT, [TEA, milk], "t9"),
            touch("e2", LATER, "rated", rating=3.0, value=1.5),
        ]
    )
    first, second = found.transactions.to_pylist()
    assert (first["transaction_id"], first["line_id"], first["discount"]) == ("t9", "1", 1.0)
    assert (second["line_id"], second["amount"], second["coupon_discount"]) == ("2", 2.0, 0.5)
    assert first["timestamp"] == BUILT.replace(tzinfo=None)
    (touched,) = found.touchpoints.to_pylist()
    told = {name: touched[name] for name in ("touchpoint_id", "type", "rating", "value")}
    assert told == {"touchpoint_id": "e2", "type": "rated", "rating": 3.0, "value": 1.5}


def test_what_was_taken_back_or_names_nobody_or_is_no_touchpoint_does_not_count() -> None:
    found = live_events(
        [
            purchase("e1", BUILT, [TEA], "t9", flags="late undone"),
            touch("e2", BUILT, flags="undone"),
            touch("e3", BUILT, "undo", refers_to="e2"),
            touch("e4", BUILT, customer_id=None),
            touch("e5", BUILT, flags="late"),
        ]
    )
    assert len(found.transactions) == 0
    assert ids(found.touchpoints, "touchpoint_id") == ["e5"]


def test_two_events_with_one_key_count_once_and_the_first_one_wins() -> None:
    second = purchase("a", LATER, [TEA | {"amount": 9.0}], "t9")
    first = purchase("z", BUILT, [TEA], "t9")
    assert live_events([second, first]).transactions["amount"].to_pylist() == [4.0]


def test_what_the_sources_have_already_is_counted_once(tmp_path: Path) -> None:
    tables = write_world(tmp_path, LINES, TOUCHES)
    live = live_events(
        [
            purchase("e1", BUILT, [TEA, TEA | {"line_id": "2"}], "t5"),
            touch("p8", BUILT),
            touch("e2", BUILT),
        ]
    )
    found = with_events(tables, live)
    lines, touches = found.transactions.to_pyarrow(), found.touchpoints.to_pyarrow()
    assert len(lines) == len(LINES) + 1
    assert len(touches) == len(TOUCHES) + 1
    assert ids(touches, "touchpoint_id")[0] == "e2"


def test_the_events_of_all_ids_of_a_person_are_under_one(tmp_path: Path) -> None:
    people = {"007": ("007", "b", "cookie")}
    assert owners(people) == {"b": "007", "cookie": "007"}
    tables = with_people(write_world(tmp_path, LINES, TOUCHES), people)
    assert set(tables.transactions.to_pyarrow()["customer_id"].to_pylist()) == {"007", "c"}
    live = live_events([touch("e1", BUILT, customer_id="cookie")], owners(people))
    assert live.touchpoints["customer_id"].to_pylist() == ["007"]
