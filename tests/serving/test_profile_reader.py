"""Reads of a frozen Redis are bounded in number and never keep the service from answering."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from profile_world import REPO, build_features, materialized, warmed
from redis_world import RedisServer, running_redis

from features.errors import FeatureError
from features.places import Places
from features.store import ProfileStore, open_store
from serving.breaker import Breaker
from serving.profile_reader import THREADS, ProfileReader

READ_MS = 50.0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    build_features(tmp_path_factory.mktemp("tables"), home)
    return home


@pytest.fixture(scope="module")
def server(built: Path) -> Iterator[RedisServer]:
    with running_redis() as running:
        materialized(built, Places(online=running.url))
        yield running


def frozen(store_ms: float, server: RedisServer, built: Path) -> ProfileStore:
    store = warmed(open_store(built, REPO, Places(online=server.url, read_ms=store_ms)))
    server.freeze()
    return store


def test_many_reads_of_a_frozen_redis_never_take_more_than_a_few_threads(
    built: Path, server: RedisServer
) -> None:
    store = frozen(READ_MS, server, built)
    never_open = Breaker(lambda: 0.0)
    never_open.tell = lambda ticket, ok: None  # type: ignore[method-assign]
    reader, most = ProfileReader(READ_MS / 1_000, never_open), 0
    others = threading.active_count()

    async def flood() -> list[Any]:
        reads = [reader.read(store, "007") for _ in range(60)]
        return await asyncio.gather(*reads, return_exceptions=True)

    try:
        for _ in range(3):
            assert all(isinstance(one, FeatureError) for one in asyncio.run(flood()))
            # Those of other services in this process are not its own.
            mine = threading.active_count() - others
            most = max(most, mine)
    finally:
        server.thaw()
    assert 0 < most <= THREADS


def test_a_hung_read_does_not_keep_others_from_being_answered(
    built: Path, server: RedisServer
) -> None:
    store = frozen(30_000.0, server, built)

    async def meanwhile() -> bool:
        reading = asyncio.create_task(ProfileReader(30.0).read(store, "007"))
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert not reading.done()
        # Only because this goes on, the server comes back at all.
        server.thaw()
        return bool((await reading).known.all())

    assert asyncio.run(meanwhile())


def test_an_emptied_home_is_not_needed_by_redis(built: Path, server: RedisServer) -> None:
    """The SQLite file of the default profile plays no part."""
    online = built / "feast" / "online.db"
    if online.exists():
        shutil.move(online, online.with_suffix(".away"))
    assert (
        open_store(built, REPO, Places(online=server.url, read_ms=30_000)).online("007").known.all()
    )
