"""The door to Feast keeps its promises, offline and online."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from small_world import AS_OF

from feature_repo.definitions import define
from features import build
from features.backfill import BackfillReport, Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import FeatureError
from features.known_actions import layout_of
from features.profiles import Profiles
from features.store import VECTOR_VIEW, ProfileStore, open_store

REPO = Path(__file__).resolve().parents[2] / "feature_repo"
NOW = AS_OF
EARLIER = np.datetime64("2024-01-20T00:00:00", "us")
CUSTOMERS = np.array(["007", "b", "c", "d"], dtype=object)


@dataclass(frozen=True)
class Home:
    path: Path
    store: ProfileStore
    report: BackfillReport
    events: build.Events


def built(world: Tables, path: Path) -> Home:
    events, layout = build.prepare(world), layout_of(world)
    history = Spine(CUSTOMERS, np.repeat(EARLIER, 4))
    now = Spine(CUSTOMERS, np.repeat(NOW, 4))
    report = backfill(events, layout, Calendar(), history, now, path / "features")
    store = open_store(path, REPO)
    store.apply(define(path).everything())
    store.materialize(datetime(2024, 3, 11, tzinfo=UTC))
    return Home(path, store, report, events)


@pytest.fixture(scope="module")
def home(world: Tables, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return built(world, tmp_path_factory.mktemp("home"))


def expected(home: Home, customer_ids: list[str], moment: np.datetime64) -> Profiles:
    ids = np.array(customer_ids, dtype=object)
    return build.profiles(
        home.events, home.store.layout, Calendar(), ids, np.repeat(moment, len(ids))
    )


def asked(home: Home, rows: list[tuple[str, str]]) -> Profiles:
    ids = np.array([customer for customer, _ in rows], dtype=object)
    moments = np.array([np.datetime64(moment, "us") for _, moment in rows])
    return home.store.historical("adoption", ids, moments)


def test_a_row_on_the_grid_comes_back_as_it_was_computed(home: Home) -> None:
    got = asked(home, [(c, str(EARLIER)) for c in CUSTOMERS])
    np.testing.assert_array_equal(got.vectors, expected(home, list(CUSTOMERS), EARLIER).vectors)


def test_a_decision_off_the_grid_sees_the_newest_row_before_it(home: Home) -> None:
    got = asked(home, [("007", "2024-02-29T07:30:01.25")])
    np.testing.assert_array_equal(got.vectors, expected(home, ["007"], EARLIER).vectors)


def test_a_decision_before_the_first_row_sees_nothing_and_is_not_lost(home: Home) -> None:
    got = asked(home, [("007", "2023-12-31"), ("007", str(EARLIER))])
    assert got.known.tolist() == [False, True]


def test_an_old_row_still_comes_back_so_that_its_age_can_be_judged(home: Home) -> None:
    got = asked(home, [("b", "2029-01-01")])
    assert got.profile_at[0] == expected(home, ["b"], NOW).profile_at[0]


def test_two_rows_of_one_customer_and_moment_both_come_back_in_the_order_asked(home: Home) -> None:
    rows = [("c", str(NOW)), ("007", str(NOW)), ("c", str(NOW)), ("007", str(EARLIER))]
    got = asked(home, rows)
    assert got.customer_ids.tolist() == ["c", "007", "c", "007"]
    np.testing.assert_array_equal(got.vectors[0], got.vectors[2])
    np.testing.assert_array_equal(got.vectors[1], expected(home, ["007"], NOW).vectors[0])
    np.testing.assert_array_equal(got.vectors[3], expected(home, ["007"], EARLIER).vectors[0])


def test_an_unknown_customer_is_a_row_of_missing_values_offline_and_online(home: Home) -> None:
    offline, online = asked(home, [("nobody", str(NOW))]), home.store.online("nobody")
    for row in (offline, online):
        assert row.known.tolist() == [False]
        assert np.isnan(row.vectors).all()


def test_most_of_a_joined_frame_is_not_missing(home: Home) -> None:
    got = asked(home, [(c, str(NOW)) for c in CUSTOMERS])
    assert got.known.all()
    assert (~np.isnan(got.layout.scalar_block(got.vectors))).mean() > 0.7


@pytest.mark.parametrize("customer_id", list(CUSTOMERS))
def test_the_online_row_equals_the_offline_row_in_every_feature(
    home: Home, customer_id: str
) -> None:
    offline = asked(home, [(customer_id, str(NOW))])
    online = home.store.online(customer_id)
    np.testing.assert_array_equal(online.vectors, offline.vectors)


def test_a_forgotten_customer_is_unknown_online_and_nobody_else_is(
    world: Tables, tmp_path: Path
) -> None:
    store = built(world, tmp_path).store
    assert store.online("007").known[0]
    assert files_with(tmp_path / "feast", THE_KEY)
    assert store.forget(["007", "nobody"]) == 2
    assert not store.online("007").known[0] and store.online("b").known[0]
    assert store.forget(["007"]) == 0
    assert files_with(tmp_path / "feast", THE_KEY) == []


THE_KEY = b"\x03\x00\x00\x00007"
"""The id as Feast writes it, with its length: the digits alone are in many a time of day."""


def files_with(folder: Path, what: bytes) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if what in path.read_bytes())


def test_ids_keep_their_leading_zeros(home: Home) -> None:
    assert home.store.online("007").known.all()
    assert not home.store.online("7").known.any()


def test_popularity_is_the_same_offline_and_online(home: Home) -> None:
    actions = home.store.layout.actions
    midnight = np.array([np.datetime64("2024-03-10", "us")])
    offline, online = (
        home.store.popularity_at(actions, midnight),
        home.store.popularity_now(actions),
    )
    np.testing.assert_array_equal(offline, online)
    assert not np.isnan(online).all()


def test_an_action_nobody_built_has_no_popularity(home: Home) -> None:
    assert np.isnan(home.store.popularity_now(("nothing",))).all()


def test_a_second_backfill_replaces_the_first_whole(home: Home, world: Tables) -> None:
    again = built(world, home.path)
    assert again.report.profile_rows == home.report.profile_rows == 8
    assert not list(home.path.glob("features.draft")) + list(home.path.glob("features.old"))


def test_a_profile_of_another_layout_is_refused_with_what_to_run(
    home: Home, world: Tables, tmp_path: Path
) -> None:
    other = built(world, tmp_path)
    wider = ProfileStore(other.store._feast, home.store.layout.of(("X",), ("x",)), other.path)
    with pytest.raises(FeatureError, match="nba features materialize"):
        wider.online("007")


@pytest.mark.parametrize("cut", [8, 3, -8])
def test_a_profile_of_another_length_is_refused_with_what_to_run(
    home: Home, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    (whole,) = home.store._read(VECTOR_VIEW, "customer_id", ("007",), ("vector", "layout"))
    numbers = whole["vector"].bytes_val
    whole["vector"].bytes_val = numbers[:-cut] if cut > 0 else numbers + b"\0" * -cut
    monkeypatch.setattr(home.store, "_read", lambda *_asked: [whole])
    with pytest.raises(FeatureError, match=r"'007': damaged, \d+ bytes; run `nba features mat"):
        home.store.online("007")


def test_an_online_store_that_cannot_be_read_is_one_clear_error(
    world: Tables, tmp_path: Path
) -> None:
    broken = built(world, tmp_path)
    (tmp_path / "feast" / "online.db").write_bytes(b"not a database" * 100)
    fresh = open_store(tmp_path, REPO)
    with pytest.raises(FeatureError, match="online store"):
        fresh.online("007")
    assert broken.report.customers == 4


def test_a_store_without_features_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="nba features build"):
        open_store(tmp_path, REPO)


def test_every_declared_name_is_registered(home: Home) -> None:
    registered = {
        field.name for view in home.store._feast.list_feature_views() for field in view.schema
    }
    from features.declared import FEATURES

    assert {f.name for f in FEATURES if f.derive is None} <= registered


def test_a_lock_of_another_process_does_not_hold_a_read_up(
    home: Home, world: Tables, tmp_path: Path
) -> None:
    own = built(world, tmp_path)
    own.store.online("007")
    online_store = own.store._online_store
    waits = online_store._get_conn(own.store._feast.config).execute("PRAGMA busy_timeout")
    assert waits.fetchone()[0] == own.store.places.read_ms
    other = sqlite3.connect(tmp_path / "feast" / "online.db")
    other.execute("BEGIN IMMEDIATE")
    assert own.store.online("007").known.all()
    other.rollback()
    other.close()
