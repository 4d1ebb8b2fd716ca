"""What every online store promises alike: SQLite, and a real Redis."""

from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from online_world import CUSTOMERS, MOMENT, REPO, Kind, filled
from redis_world import running_redis
from small_world import AS_OF

from features.errors import FeatureError, LayoutError
from features.places import Places
from features.store import VECTOR_VIEW, open_store


def test_what_was_materialised_is_read_as_it_was_computed(kind: Kind) -> None:
    offline = kind.store.historical("adoption", CUSTOMERS, np.repeat(AS_OF, len(CUSTOMERS)))
    online = np.vstack([kind.store.online(customer).vectors for customer in CUSTOMERS])
    np.testing.assert_array_equal(online, offline.vectors)


def test_popularity_is_the_same_offline_and_online(kind: Kind) -> None:
    actions = kind.store.layout.actions
    midnight = np.array([np.datetime64("2024-03-10", "us")])
    online = kind.store.popularity_now((*actions, "nothing"))
    np.testing.assert_array_equal(kind.store.popularity_at(actions, midnight), online[:, :-1])
    assert np.isnan(online[:, -1]).all() and not np.isnan(online[:, :-1]).all()


def test_an_unknown_customer_has_no_profile(kind: Kind) -> None:
    for customer_id in ("nobody", "7", "", "b\0"):
        assert not kind.store.online(customer_id).known.any()


def test_customers_with_a_profile_are_counted(kind: Kind) -> None:
    assert kind.store.count_online([*CUSTOMERS, "nobody", ""]) == len(CUSTOMERS)
    assert kind.store.count_online([]) == 0


def test_a_profile_that_is_written_is_read_at_once(kind: Kind) -> None:
    kind.put("new", MOMENT, 1.0)
    assert kind.number("new") == 1.0


def test_the_newest_profile_wins(kind: Kind) -> None:
    kind.put("newer", MOMENT, 1.0)
    kind.put("newer", MOMENT + timedelta(microseconds=1), 2.0)
    assert kind.number("newer") == 2.0


def test_an_older_profile_that_comes_later_changes_nothing(kind: Kind) -> None:
    kind.put("late", MOMENT, 1.0)
    for earlier in (timedelta(microseconds=1), timedelta(milliseconds=400), timedelta(days=400)):
        kind.put("late", MOMENT - earlier, 2.0)
    assert kind.number("late") == 1.0
    within = MOMENT + timedelta(milliseconds=500)
    kind.put("late", within, 3.0)
    kind.put("late", within - timedelta(microseconds=1), 4.0)
    assert kind.number("late") == 3.0
    kind.put("late", within, 5.0)
    assert kind.number("late") == 5.0


def test_of_two_profiles_of_one_moment_the_later_is_a_correction(kind: Kind) -> None:
    kind.put("same", MOMENT, 1.0)
    kind.put("same", MOMENT, 2.0)
    assert kind.number("same") == 2.0


def test_a_materialisation_takes_nothing_newer_away(kind: Kind) -> None:
    kind.put("c", MOMENT, 5.0)
    filled(kind.store)
    assert kind.number("c") == 5.0
    assert kind.number("b") != 5.0


def test_of_several_rows_of_one_write_the_newest_wins(kind: Kind) -> None:
    seconds = (0, 3, 1)
    vectors = [np.full(kind.store.layout.size, float(second)) for second in seconds]
    at = [MOMENT + timedelta(seconds=second) for second in seconds]
    rows = {
        "customer_id": ["many"] * 3,
        "as_of": at,
        "created": at,
        "vector": [vector.astype("<f8").tobytes() for vector in vectors],
        "layout": [kind.store.layout.hash] * 3,
    }
    kind.store._feast.write_to_online_store(VECTOR_VIEW, pd.DataFrame(rows))
    assert kind.number("many") == 3.0


def test_reads_go_on_while_a_materialisation_runs(kind: Kind) -> None:
    reader, seen, failures = kind.opened_again(), 0, []
    writing = threading.Thread(target=filled, args=(kind.opened_again(),))
    writing.start()
    while writing.is_alive() or seen == 0:
        for customer in CUSTOMERS[:2]:
            if not reader.online(customer).known.all():
                failures.append(customer)
            seen += 1
    writing.join()
    assert failures == []


def test_a_profile_of_another_layout_is_refused_and_says_what_to_run(kind: Kind) -> None:
    kind.put("other", MOMENT, 1.0, layout="0123456789abcdef")
    with pytest.raises(LayoutError, match="nba features materialize"):
        kind.store.online("other")
    kind.put("other", MOMENT, 2.0)
    assert kind.number("other") == 2.0


def test_a_store_that_lost_everything_knows_nobody_and_can_be_filled_again(kind: Kind) -> None:
    kind.empty()
    assert not any(kind.store.online(customer).known.any() for customer in CUSTOMERS)
    assert np.isnan(kind.store.popularity_now(kind.store.layout.actions)).all()
    filled(kind.store)
    assert all(kind.store.online(customer).known.all() for customer in CUSTOMERS)
    assert not np.isnan(kind.store.popularity_now(kind.store.layout.actions)).all()


def test_a_value_that_has_expired_is_no_profile(kind: Kind) -> None:
    if kind.server is None:
        pytest.skip("SQLite lets nothing expire")
    kind.put("brief", MOMENT, 1.0)
    with kind.server.client() as client:
        (key,) = [name for name in client.keys("*") if b"brief" in name]
        client.pexpireat(key, 1)
    assert not kind.store.online("brief").known.any()


def test_a_server_that_is_gone_is_one_error_without_its_password(kind: Kind) -> None:
    if kind.server is None:
        pytest.skip("a file has no password")
    with running_redis(password="s3cret,77") as other:
        store = open_store(kind.home, REPO, Places(online=other.url, read_ms=30_000))
        assert not store.online("007").known.any()
        other.stop()
        with pytest.raises(FeatureError, match="online store: ConnectionError") as told:
            store.online("007")
        wrong = other.url.replace("s3cret", "guessed")
        other.start()
        with pytest.raises(FeatureError, match="Authentication") as refused:
            open_store(kind.home, REPO, Places(online=wrong)).online("007")
    assert "s3cret" not in str(told.value) and "guessed" not in str(refused.value)


def test_a_frozen_server_is_given_up_and_asked_again_when_it_thaws(kind: Kind) -> None:
    if kind.server is None:
        pytest.skip("a file does not freeze")
    places = Places(online=kind.server.url, read_ms=50)
    store = open_store(kind.home, REPO, places)
    kind.server.freeze()
    try:
        with pytest.raises(FeatureError, match="Timeout"):
            store.online("007")
    finally:
        kind.server.thaw()
    patient = kind.opened_again()
    assert patient.online("007").known.all()
