"""The servers of benchmarks: what a fault does to them, and that they go with their block."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import redis

from benchmarks.databases import running_postgres, running_redis


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=5)


def test_what_a_redis_has_outlives_a_stop_and_not_a_flush(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        with client(server.url) as asking:
            asking.set("a", "1")
        server.stop()
        with client(server.url) as asking, pytest.raises(redis.ConnectionError):
            asking.ping()
        server.start()
        with client(server.url) as asking:
            assert asking.get("a") == b"1"
            server.flush()
            assert asking.get("a") is None
        url = server.url
    with client(url) as asking, pytest.raises(redis.ConnectionError):
        asking.ping()


def test_a_frozen_redis_does_not_answer_until_it_thaws_and_ends_all_the_same(
    tmp_path: Path,
) -> None:
    with running_redis(tmp_path) as server:
        server.freeze()
        with client(server.url) as asking, pytest.raises(redis.TimeoutError):
            asking.ping()
        server.thaw()
        with redis.Redis.from_url(server.url) as asking:
            assert asking.ping()
        server.freeze()
        process = server.process
    assert process is not None and process.returncode is not None


def test_a_postgres_makes_databases_of_their_own() -> None:
    with running_postgres() as database:
        for name in ("registry", "ledger"):
            with psycopg.connect(database(name)) as connection:
                found = connection.execute("SELECT current_database()").fetchone()
            assert found == (name,)
