"""What both doors of the store promise alike: the offline join and the online read."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from small_world import AS_OF

from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import LeakError
from features.known_actions import layout_of
from features.matrix import ActionRows, Candidates, MatrixBuilder, stale
from features.profiles import Profiles
from features.store import ProfileStore, open_store

REPO = Path(__file__).resolve().parents[2] / "feature_repo"
CUSTOMERS = np.array(["007", "b", "c", "d"], dtype=object)
HOUR = 3_600.0
Door = Callable[..., Profiles]


@pytest.fixture(scope="module")
def store(world: Tables, tmp_path_factory: pytest.TempPathFactory) -> ProfileStore:
    home = tmp_path_factory.mktemp("home")
    events, now = build.prepare(world), Spine(CUSTOMERS, np.repeat(AS_OF, 4))
    backfill(events, layout_of(world), Calendar(), now, now, home / "features")
    opened = open_store(home, REPO)
    opened.apply(define(home).everything())
    opened.materialize(datetime(2024, 3, 11, tzinfo=UTC))
    return opened


@pytest.fixture(params=["offline", "online"])
def door(request: pytest.FixtureRequest, store: ProfileStore) -> Door:
    """Ask for customers, days after the row they have was computed."""

    def offline(*customer_ids: str, days: int = 0) -> Profiles:
        moments = np.repeat(AS_OF + np.timedelta64(days, "D"), len(customer_ids))
        return store.historical("adoption", np.array(customer_ids, dtype=object), moments)

    def online(*customer_ids: str, days: int = 0) -> Profiles:
        rows = [store.online(customer_id) for customer_id in customer_ids]
        ids = np.array(customer_ids, dtype=object)
        return Profiles(store.layout, ids, np.vstack([row.vectors for row in rows]))

    return offline if request.param == "offline" else online


def matrix(profiles: Profiles, decided_at: np.ndarray) -> np.ndarray:
    builder = MatrixBuilder(
        ("trips_all", "days_since_purchase"),
        profiles.layout,
        ActionRows(("tea",), ("TEA",)),
        Calendar(),
    )
    rows = np.arange(len(profiles))
    nothing = np.full((1, 1, 6), np.nan)
    return builder.build(Candidates(profiles, decided_at, rows, np.zeros_like(rows), nothing))


def test_every_customer_asked_for_comes_back_once_and_in_order(door: Door) -> None:
    got = door("c", "007", "nobody", "b")
    assert got.customer_ids.tolist() == ["c", "007", "nobody", "b"]
    assert got.known.tolist() == [True, True, False, True]


def test_the_same_customer_twice_is_the_same_row_twice(door: Door) -> None:
    got = door("007", "007")
    np.testing.assert_array_equal(got.vectors[0], got.vectors[1])


def test_an_id_is_a_text_and_keeps_its_zeros(door: Door) -> None:
    assert door("007", "7").known.tolist() == [True, False]


def test_most_of_a_known_row_is_not_missing(door: Door) -> None:
    got = door(*CUSTOMERS)
    assert (~np.isnan(got.layout.scalar_block(got.vectors))).mean() > 0.7


def test_a_fresh_row_is_used(door: Door) -> None:
    got = door("007")
    decided_at = got.profile_at + HOUR
    assert not stale(got, decided_at).any()
    np.testing.assert_array_equal(matrix(got, decided_at), [[5.0, 1.0]])


def test_a_stale_row_comes_back_with_its_age_and_counts_as_missing(door: Door) -> None:
    got = door("007", days=3)
    decided_at = got.profile_at + 72 * HOUR
    assert stale(got, decided_at).all()
    assert np.isnan(matrix(got, decided_at)).all()


def test_a_row_from_the_decisions_future_is_refused(door: Door) -> None:
    got = door("007")
    with pytest.raises(LeakError, match="'007'"):
        matrix(got, got.profile_at - HOUR)


def test_an_unknown_customer_is_missing_and_no_leak(door: Door) -> None:
    got = door("nobody")
    assert np.isnan(matrix(got, np.array([HOUR]))).all()


def test_both_doors_give_the_same_bits(store: ProfileStore) -> None:
    offline = store.historical("adoption", CUSTOMERS, np.repeat(AS_OF, len(CUSTOMERS)))
    online = np.vstack([store.online(customer_id).vectors for customer_id in CUSTOMERS])
    np.testing.assert_array_equal(online, offline.vectors)
