"""What is kept of purchases is used while it is the same, and never when it could differ."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from live_world import BUILT, LiveHome, live_home, purchase, touch

from features import build
from features.action_history import ITEM_SCHEMA
from features.calendar import Calendar
from features.kept_purchases import KeptPurchases
from features.live_events import EventRow

CUSTOMERS = ["007", "b", "c"]
NOON = np.datetime64("2024-03-10T12:00:00", "us")
HOUR = np.timedelta64(1, "h")
VECTOR = np.arange(10.0)
LINES = [{"item_id": "i1", "category": "TEA", "category_group": "DRINKS", "amount": 2.5}]


def items(**valid: str) -> pa.Table:
    row = {"action_id": "tea", "item_id": "i1", "valid_from": None, "valid_to": None}
    row |= {name: np.datetime64(value, "us") for name, value in valid.items()}
    columns = {name: [row[name]] for name in ITEM_SCHEMA.names}
    return pa.table(columns, ITEM_SCHEMA.to_pyarrow())


def kept(action_items: pa.Table | None = None, most_bytes: int = 10_000) -> KeptPurchases:
    return KeptPurchases(items() if action_items is None else action_items, Calendar(), most_bytes)


def bought(event_id: str, at: timedelta = timedelta(0), **changes: str) -> EventRow:
    return purchase(event_id, BUILT + at, LINES, event_id, **changes)


def test_nothing_but_purchases_ids_days_and_valid_actions_changes_the_state() -> None:
    store = kept(items(valid_from="2024-03-10T15:00", valid_to="2024-03-10T18:00"))
    one = bought("e1")
    state = store.state(["007", "x"], [one], NOON)
    assert store.state(["x", "007"], [touch("e2", BUILT), one], NOON + HOUR) == state
    others = [
        store.state(["007"], [one], NOON),
        store.state(["007", "x"], [], NOON),
        store.state(["007", "x"], [one, bought("e3")], NOON),
        store.state(["007", "x"], [one._replace(flags="undone")], NOON),
        store.state(["007", "x"], [one], NOON + 3 * HOUR),
        store.state(["007", "x"], [one], NOON + 6 * HOUR),
        store.state(["007", "x"], [one], NOON + 12 * HOUR),
    ]
    assert len({state, *others}) == 1 + len(others)


def test_a_vector_is_good_for_the_same_state_at_a_later_time() -> None:
    store = kept()
    store.keep("007", "s", NOON, NOON - HOUR, VECTOR)
    found = store.former("007", "s", NOON + HOUR)
    assert found is not None and found.tolist() == VECTOR.tolist()
    assert store.former("007", "t", NOON + HOUR) is None
    assert store.former("007", "s", NOON - HOUR) is None
    assert store.former("b", "s", NOON + HOUR) is None


@pytest.mark.parametrize("later", [0, 1])
def test_with_a_purchase_still_to_come_nothing_is_kept(later: int) -> None:
    store = kept()
    store.keep("007", "s", NOON, None, VECTOR)
    store.keep("007", "s", NOON, NOON + later * HOUR, VECTOR)
    assert store.former("007", "s", NOON + HOUR) is None


def test_beyond_its_size_who_was_not_asked_for_the_longest_time_is_dropped() -> None:
    store = kept(most_bytes=2 * VECTOR.nbytes)
    for customer_id in ("a", "b"):
        store.keep(customer_id, "s", NOON, None, VECTOR)
    store.former("a", "s", NOON)
    store.keep("c", "s", NOON, None, VECTOR)
    known = [one for one in "abc" if store.former(one, "s", NOON) is not None]
    assert known == ["a", "c"]


def step(home: LiveHome, random: np.random.Generator, number: int) -> None:
    """Let something happen: time, a contact, a purchase of any time, one taken back."""
    home.clock.go(
        hours=float(random.choice([0.01, 0.5, 9, 30, 24 * 40], p=[0.5, 0.2, 0.1, 0.1, 0.1]))
    )
    customer_id = str(random.choice(CUSTOMERS))
    what = random.random()
    if what < 0.5:
        at = home.clock.now() - timedelta(hours=float(random.integers(0, 100)))
        home.events.append(touch(f"t{number}", at, customer_id=customer_id))
    elif what < 0.85 or not home.events:
        at = home.clock.now() + timedelta(hours=float(random.integers(-100, 20)))
        home.events.append(purchase(f"p{number}", at, LINES, f"p{number}", customer_id=customer_id))
    else:
        at = int(random.integers(0, len(home.events)))
        home.events[at] = home.events[at]._replace(flags="undone")


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_profiles_are_those_of_a_build_to_the_last_bit(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, random = live_home(tmp_path), np.random.default_rng(seed)
    computed = build._fill_purchases
    rows: list[int] = []

    def counted(vectors, layout, group_of, connection) -> None:
        rows.append(connection.execute("SELECT count(*) FROM spine").fetchall()[0][0])
        computed(vectors, layout, group_of, connection)

    refresher = home.refresher()
    for number in range(20):
        step(home, random, number)
        with monkeypatch.context() as patched:
            patched.setattr(build, "_fill_purchases", counted)
            refresher.now(CUSTOMERS)
        online = home.online(CUSTOMERS)
        np.testing.assert_array_equal(online.vectors, home.offline(online).vectors)
    # Some were taken over, and some were not.
    assert len(CUSTOMERS) < sum(rows) < 20 * len(CUSTOMERS)
