"""A refresh after an event: online what a build over everything would say, to the last bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from live_world import BUILT, REPO, LiveHome, live_home, purchase, touch

from features.backfill import packed
from features.declared import BY_NAME
from features.errors import NbaError
from features.fresh_rows import FreshRows, fold
from features.live_events import EventRow
from features.parity import differences
from features.store import open_store

TYPES = ("presented", "clicked", "accepted", "refused", "call", "complaint", "rated", "failure")
CUSTOMERS = ["007", "b", "c", "new"]


@pytest.fixture
def home(tmp_path: Path) -> LiveHome:
    return live_home(tmp_path)


def value(home: LiveHome, customer_id: str, feature: str) -> float:
    profile = home.store.online(customer_id)
    return float(profile.vectors[0, home.store.layout.scalars.index(feature)])


def history_of(seed: int, events: int) -> list[EventRow]:
    """Return many events of few customers in the order in which they arrive, which is not theirs.

    Some are late, some are told twice and some are taken back.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number in range(events):
        at = BUILT + timedelta(minutes=int(random.integers(-60 * 24 * 200, 55)))
        customer = str(random.choice(CUSTOMERS))
        flags = "undone" if random.random() < 0.1 else ""
        if random.random() < 0.5:
            lines = [
                {
                    "item_id": str(random.choice(["i1", "i2", "i3"])),
                    "category": str(random.choice(["TEA", "BREAD", "MILK"])),
                    "category_group": "DRINKS",
                    "amount": round(float(random.normal(4, 5)), 2),
                    "discount": round(float(random.random()), 2),
                    "coupon_discount": round(float(random.random() < 0.3), 2),
                }
                for _ in range(int(random.integers(1, 4)))
            ]
            transaction = f"live-{int(random.integers(0, events))}"
            row = purchase(f"e{number}", at, lines, transaction, customer_id=customer, flags=flags)
        else:
            row = touch(f"e{number}", at, str(random.choice(TYPES)), customer_id=customer)
            action = str(random.choice(["tea", "bread"])) if row.type in TYPES[:4] else None
            rating = round(float(random.uniform(1, 10)), 1)
            row = row._replace(action_id=action, rating=rating, flags=flags)
        rows.append(row._replace(received_at=BUILT.timestamp() + number))
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_events_replayed_in_small_batches_leave_online_what_a_build_says(
    home: LiveHome, seed: int
) -> None:
    waiting = history_of(seed, 60)
    random, refresher = np.random.default_rng(seed), home.refresher()
    while waiting:
        size = int(random.integers(1, 9))
        batch, waiting = waiting[:size], waiting[size:]
        home.events += batch
        home.clock.go(seconds=30)
        refresher.now(str(row.customer_id) for row in batch)
    online = home.online(CUSTOMERS)
    assert online.known.all()
    assert differences(online, home.offline(online)) == []
    np.testing.assert_array_equal(online.vectors, home.offline(online).vectors)


def test_the_comparison_names_the_feature_that_differs(home: LiveHome) -> None:
    online = home.online(["007"])
    offline = home.offline(online)
    layout = online.layout
    offline.vectors[0, layout.scalars.index("trips_7d")] += 1
    layout.category_block(offline.vectors)[0, 1, 0] = np.nan
    layout.action_block(offline.vectors)[0, 0, 2] = -5.0
    found = [(one.customer_id, one.feature, one.about) for one in differences(online, offline)]
    assert found == [
        ("007", "trips_7d", None),
        ("007", layout.category_features[0], layout.categories[1]),
        ("007", layout.action_features[2], layout.actions[0]),
    ]


def test_an_event_is_in_the_profile_after_it_and_its_time_is_that_of_the_clock(
    home: LiveHome,
) -> None:
    home.clock.go(hours=1)
    home.events.append(touch("e1", home.clock.now() - timedelta(milliseconds=5)))
    before = value(home, "007", "complaints_91d")
    written = home.refresher().now(["007"])
    assert value(home, "007", "complaints_91d") == before + 1
    assert home.store.online("007").profile_at[0] == home.clock.now().timestamp()
    assert written.customer_ids.tolist() == ["007"]


def test_an_event_at_the_very_moment_is_left_for_the_next_refresh(home: LiveHome) -> None:
    refresher = home.refresher()
    home.events.append(touch("e1", home.clock.now()))
    refresher.now(["007"])
    before = value(home, "007", "contacts_all")
    home.clock.go(microseconds=1)
    refresher.now(["007"])
    assert value(home, "007", "contacts_all") == before + 1


def test_an_event_that_is_taken_back_leaves_the_profile(home: LiveHome) -> None:
    home.clock.go(minutes=1)
    at = home.clock.now() - timedelta(seconds=1)
    refresher = home.refresher()
    home.events.append(touch("e1", at, customer_id="new"))
    refresher.now(["new"])
    assert value(home, "new", "open_complaints") == 1.0
    home.events[0] = home.events[0]._replace(flags="undone")
    refresher.now(["new"])
    assert value(home, "new", "open_complaints") == BY_NAME["open_complaints"].default


def test_nobody_gets_a_profile_who_is_not_known(home: LiveHome) -> None:
    assert len(home.refresher().now(["ghost", "d"])) == 1
    assert not home.store.online("ghost").known.any()


def test_the_events_of_one_person_are_in_one_profile(home: LiveHome) -> None:
    home.people = {"007": ("007", "b", "cookie")}
    at = home.clock.now() - timedelta(seconds=1)
    home.events.append(touch("e1", at, customer_id="cookie"))
    trips = value(home, "007", "trips_all") + value(home, "b", "trips_all")
    home.refresher().now(["cookie"])
    assert value(home, "007", "trips_all") == trips
    online = home.online(["007"])
    assert differences(online, home.offline(online)) == []


def test_a_join_later_finds_the_rows_that_were_refreshed(home: LiveHome) -> None:
    refresher = home.refresher()
    home.clock.go(minutes=10)
    home.events.append(touch("e1", home.clock.now() - timedelta(seconds=1)))
    refresher.now(["007"])
    moments = [home.clock.now() - timedelta(seconds=1), home.clock.now()]
    home.clock.go(days=1)
    stamps = np.array([one.replace(tzinfo=None) for one in moments], dtype="datetime64[us]")
    found = home.store.historical("adoption", np.array(["007", "007"], dtype=object), stamps)
    assert found.profile_at.tolist() == [BUILT.timestamp(), moments[1].timestamp()]
    np.testing.assert_array_equal(found.vectors[1], home.store.online("007").vectors[0])


def test_what_a_killed_process_wrote_is_read_up_to_its_last_whole_batch(home: LiveHome) -> None:
    rows = packed(home.online(["007", "b"]))
    fresh = FreshRows(home.path / "features")
    fresh.append(rows)
    (file,) = (home.path / "features" / "fresh").iterdir()
    whole = file.stat().st_size
    fresh.append(rows)
    file.write_bytes(file.read_bytes()[: whole + 20])
    assert fold(home.path / "features", home.store.layout) == 2
    folded = pq.read_table(home.path / "features" / "profile-fresh.parquet")
    assert folded["customer_id"].to_pylist() == ["007", "b"]


def test_a_refresh_begins_anew_when_the_features_were_built_again(home: LiveHome) -> None:
    refresher = home.refresher()
    refresher.now(["007"])
    built = refresher.built_at()
    settled = home.path / "features" / "settled.json"
    settled.write_text(settled.read_text().replace(str(built), str(built + 60)))
    layout = home.path / "features" / "layout.json"
    layout.write_text(layout.read_text() + "\n")
    assert (built, refresher.built_at()) == (BUILT.timestamp(), BUILT.timestamp() + 60)


def test_a_failure_is_told_and_the_next_refresh_works_again(home: LiveHome) -> None:
    refresher = home.refresher()
    tables = home.path / "data" / "transactions.parquet"
    content = tables.read_bytes()
    tables.write_bytes(b"not parquet")
    with pytest.raises(NbaError):
        refresher.now(["007"])
    tables.write_bytes(content)
    assert len(refresher.now(["007"])) == 1


def test_who_is_behind_is_found_by_the_newest_event(home: LiveHome) -> None:
    refresher = home.refresher()
    built = BUILT.timestamp()
    newest = [("007", built + 1), ("b", built - 3_600), ("c", built - 30), ("new", built - 3_600)]
    # The event of `c` could have been committed after the build had read; `new` has no profile.
    assert list(refresher.behind(newest)) == ["007", "c", "new"]


def test_a_store_opened_by_somebody_else_reads_what_was_refreshed(home: LiveHome) -> None:
    home.clock.go(minutes=1)
    home.events.append(touch("e1", datetime(2024, 3, 10, 12, 30, tzinfo=UTC)))
    home.refresher().now(["007"])
    other = open_store(home.path, REPO)
    np.testing.assert_array_equal(other.online("007").vectors, home.store.online("007").vectors)
