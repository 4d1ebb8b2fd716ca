"""A store that has lost profiles is told from one that has them, by a sample of the build."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.declared import stored
from features.errors import FeatureError
from features.kept_online import SAMPLE, KeptOnline
from features.spec import Block

POPULAR = stored(Block.POPULARITY)
DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (9, 10)]


@dataclass
class Online:
    """Has a profile of the customers, and knows how popular the actions are, that it is told."""

    has: frozenset[str]
    popular: frozenset[str] = frozenset({"coffee", "tea"})
    asked: tuple[str, ...] = ()

    def count_online(self, customer_ids: Sequence[str]) -> int:
        self.asked = tuple(customer_ids)
        return len(self.has & {*customer_ids})

    def popularity_now(self, action_ids: Sequence[str]) -> np.ndarray:
        known = [0.5 if one in self.popular else np.nan for one in action_ids]
        return np.repeat(np.array(known), len(POPULAR)).reshape(1, -1, len(POPULAR))


def build(folder: Path, customers: int, first: int = 0) -> frozenset[str]:
    """Write the part of a build that is looked at; return its customers."""
    ids = [f"c{number:04}" for number in range(first, first + customers)]
    table = pa.table({"customer_id": pa.array(ids, pa.string())})
    pq.write_table(table, folder / "vector.parquet", row_group_size=100)
    # Nothing is known of cocoa by now, and never was anything of the numbers but the first.
    rows = [(name, day) for name in ("cocoa", "coffee", "tea") for day in DAYS]
    first = [None if row == ("cocoa", DAYS[1]) else 0.1 for row in rows]
    popularity = {"action_id": [name for name, _ in rows], "as_of": [day for _, day in rows]}
    popularity |= {name: pa.nulls(len(rows), pa.float64()) for name in POPULAR}
    pq.write_table(pa.table(popularity | {POPULAR[0]: first}), folder / "popularity.parquet")
    return frozenset(ids)


def test_a_store_with_everybody_has_lost_nothing(tmp_path: Path) -> None:
    assert not KeptOnline(tmp_path).lost(Online(build(tmp_path, 1_000)))


def test_an_empty_store_has_lost_them(tmp_path: Path) -> None:
    build(tmp_path, 1_000)
    assert KeptOnline(tmp_path).lost(Online(frozenset()))


def test_a_store_that_lost_what_is_popular_is_no_whole_one(tmp_path: Path) -> None:
    everybody = build(tmp_path, 100)
    assert KeptOnline(tmp_path).lost(Online(everybody, frozenset()))
    assert KeptOnline(tmp_path).lost(Online(everybody, frozenset({"tea"})))


def test_the_sample_is_spread_over_the_whole_build(tmp_path: Path) -> None:
    everybody = build(tmp_path, 1_000)
    online = Online(everybody)
    KeptOnline(tmp_path).lost(online)
    assert len(online.asked) == len({*online.asked}) == SAMPLE
    assert {online.asked[0], online.asked[-1]} == {min(everybody), max(everybody)}


@pytest.mark.parametrize(("share", "lost"), [(0.8, True), (0.95, False)])
def test_single_customers_may_be_gone_and_a_tenth_may_not(
    tmp_path: Path, share: float, lost: bool
) -> None:
    everybody = sorted(build(tmp_path, 1_000))
    kept = frozenset(everybody[: round(share * len(everybody))])
    assert KeptOnline(tmp_path).lost(Online(kept)) is lost


def test_of_a_build_of_three_customers_each_is_looked_for(tmp_path: Path) -> None:
    few = sorted(build(tmp_path, 3))
    assert not KeptOnline(tmp_path).lost(Online(frozenset(few)))
    assert KeptOnline(tmp_path).lost(Online(frozenset(few[:2])))


def test_a_new_build_is_taken_up(tmp_path: Path) -> None:
    online, kept = Online(build(tmp_path, 100)), KeptOnline(tmp_path)
    assert not kept.lost(online)
    build(tmp_path, 100, first=500)
    assert kept.lost(online)


def test_without_a_build_or_without_customers_nothing_is_missed(tmp_path: Path) -> None:
    kept = KeptOnline(tmp_path)
    assert not kept.lost(Online(frozenset()))
    build(tmp_path, 0)
    assert not kept.lost(Online(frozenset()))


def test_a_damaged_build_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    build(tmp_path, 10)
    (tmp_path / "vector.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(FeatureError, match=re.escape(str(tmp_path))):
        KeptOnline(tmp_path).lost(Online(frozenset()))
