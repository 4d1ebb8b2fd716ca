"""An online store that has lost profiles gets them back, by one child, however long that takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.declared import stored
from features.errors import FeatureError
from features.fresh_rows import writing_online
from features.spec import Block
from serving.breaker import FAILURES
from serving.profile_reader import ProfileReader
from serving.refilling import LONGEST_PAUSE_S, LOOK_S, PAUSE_S, Refilling

POPULAR = stored(Block.POPULARITY)


def nothing_popular(action_ids: Sequence[str]) -> np.ndarray:
    return np.full((1, len(action_ids), len(POPULAR)), np.nan)


@dataclass
class Process:
    """A child that ends when it is told, and holds the lock until then as a real one does."""

    lock: int
    code: int | None = None
    terminated: bool = False

    def end(self, code: int = 0) -> None:
        os.close(self.lock)
        self.code = code

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.terminated = True


@dataclass
class House:
    """An online store of two customers, and whoever looks after it."""

    home: Path
    online: int = 2
    failure: Exception | None = None
    now: float = 1_000.0
    children: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = ProfileReader()
        self.refilling = self.another()

    def another(self) -> Refilling:
        """Return one more who looks after it: that of another worker."""
        store = SimpleNamespace(count_online=self.count_online, popularity_now=nothing_popular)
        state = SimpleNamespace(store=store)
        engine: Any = SimpleNamespace(state=state, reader=self.reader)
        return Refilling(engine, self.home, self.fill, lambda: self.now)

    def count_online(self, customer_ids: Sequence[str]) -> int:
        if self.failure is not None:
            raise self.failure
        return min(self.online, len(customer_ids))

    def fill(self, lock: IO[bytes]) -> Process:
        self.children.append(Process(os.dup(lock.fileno())))
        return self.children[-1]

    def later(self, seconds: float = LOOK_S) -> None:
        self.now += seconds
        self.refilling.look()


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "features").mkdir()
    pq.write_table(pa.table({"customer_id": ["a", "b"]}), tmp_path / "features/vector.parquet")
    nothing = {name: pa.nulls(0, pa.float64()) for name in POPULAR}
    days = {"action_id": pa.nulls(0, pa.string()), "as_of": pa.nulls(0, pa.timestamp("us"))}
    pq.write_table(pa.table(days | nothing), tmp_path / "features/popularity.parquet")
    return House(tmp_path)


def test_a_whole_store_is_left_alone(house: House) -> None:
    for _ in range(5):
        house.later()
    assert not house.children and not house.reader.lost


def test_lost_profiles_are_put_back_by_one_child_and_seen_again(house: House) -> None:
    house.online = 0
    for _ in range(5):
        house.later()
        assert house.reader.lost and len(house.children) == 1
    house.online = 2
    house.children[0].end()
    house.later(0.1)
    assert not house.reader.lost
    house.later()
    assert len(house.children) == 1


def test_what_is_back_is_seen_before_the_child_has_ended(house: House) -> None:
    house.online = 0
    house.later()
    house.online = 2
    house.later()
    assert not house.reader.lost and len(house.children) == 1


def test_a_store_that_is_emptied_twice_is_filled_twice(house: House) -> None:
    for times in (1, 2):
        house.online = 0
        house.later(PAUSE_S)
        assert len(house.children) == times
        house.online = 2
        house.children[-1].end()
        house.later()


def test_no_child_begins_soon_after_that_of_another_worker(house: House) -> None:
    other = house.another()
    house.online = 0
    house.later()
    house.children[0].end(1)
    other.look()
    house.now += PAUSE_S / 2
    other.look()
    assert len(house.children) == 1
    house.now += PAUSE_S / 2
    other.look()
    assert len(house.children) == 2


@pytest.mark.parametrize("written", ["", "?", "nan", "1e9"])
def test_a_lock_with_anything_in_it_keeps_nobody_from_filling(house: House, written: str) -> None:
    (house.home / "refill.lock").write_text(written)
    house.online = 0
    house.later()
    assert len(house.children) == 1


def test_a_child_that_did_not_help_is_followed_by_another_later_and_later(house: House) -> None:
    house.online = 0
    house.later()
    pause, began = PAUSE_S, house.now
    for times in range(1, 8):
        house.children[-1].end(1)
        began = house.now
        while len(house.children) == times:
            house.later()
        assert pause <= house.now - began <= pause + 2 * LOOK_S
        pause = min(2 * pause, LONGEST_PAUSE_S)


def test_of_two_workers_one_has_it_done(house: House) -> None:
    other = house.another()
    house.online = 0
    house.later()
    for _ in range(3):
        other.look()
        house.now += LOOK_S
    assert len(house.children) == 1


def test_nobody_fills_what_is_being_written(house: House) -> None:
    house.online = 0
    with writing_online(house.home):
        house.later()
        assert house.reader.lost and not house.children
    house.later()
    assert len(house.children) == 1


def test_a_store_that_cannot_be_read_is_left_to_the_breaker(house: House) -> None:
    house.online, house.failure = 0, FeatureError("Redis is gone")
    house.later()
    assert not house.children and not house.reader.lost
    house.failure = None
    for _ in range(FAILURES):
        house.reader.breaker.tell(house.reader.breaker.ask(), False)
    house.later()
    assert not house.children and not house.reader.lost


def test_a_child_is_asked_to_end_with_the_service(house: House) -> None:
    house.online = 0
    house.later()
    house.refilling.close()
    assert house.children[0].terminated


def test_none_begins_once_the_service_ends(house: House) -> None:
    house.refilling.close()
    house.online = 0
    house.later()
    assert not house.children
