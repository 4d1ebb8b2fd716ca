"""The last days of the demo data, told event by event: online is what a build of it all says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from decisioning.catalog import load_catalog
from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.schemas import TOUCHPOINTS, TRANSACTIONS
from features.canonical.sources import first_moment, ingest_data_set
from features.canonical.tables import known_customers, open_tables
from features.clock import FixedClock
from features.fresh import Refresher
from features.generation import Generation
from features.known_actions import layout_of, with_actions
from features.live_events import EventRow, live_events, with_events
from features.parity import differences
from features.profiles import Profiles
from features.store import open_store

ROOT = Path(__file__).resolve().parents[1]
CATALOG = load_catalog(ROOT / "configs" / "complete_journey" / "actions.yaml")
NOW = first_moment("complete-journey")
CUT = NOW.replace(hour=0) - timedelta(days=2)
LINE = ("line_id", "item_id", "category", "category_group", "quantity", "amount", "discount")


@dataclass
class TickingClock:
    """A second later every time it is asked."""

    moment: datetime = NOW

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class Replay:
    """Tables up to a time, all of them, and what happened in between as events."""

    home: Path
    whole: Path
    events: list[EventRow]
    stored: list[EventRow] = field(default_factory=list)

    def events_of(self, customer_ids: Iterable[str]) -> list[EventRow]:
        asked = set(customer_ids)
        return [row for row in self.stored if row.customer_id in asked]


def _rows(path: Path, names: Iterable[str]) -> list[dict[str, object]]:
    """Return what happened from the cut on, every column that the file has."""
    table = duckdb.sql(f"SELECT * FROM '{path}' WHERE timestamp >= '{CUT:%Y-%m-%d}'")
    there = [name for name in names if name in table.columns]
    return table.select(*there).to_arrow_table().to_pylist()


def _events(whole: Path) -> list[EventRow]:
    baskets: dict[str, list[dict[str, object]]] = {}
    for line in _rows(whole / "transactions.parquet", TRANSACTIONS.names):
        baskets.setdefault(str(line["transaction_id"]), []).append(line)
    told = []
    for name, lines in baskets.items():
        kept = [{key: line[key] for key in (*LINE, "coupon_discount")} for line in lines]
        attributes = json.dumps({"transaction_id": name, "lines": kept})
        told.append((f"basket {name}", "transaction", lines[0], attributes))
    for touch in _rows(whole / "touchpoints.parquet", TOUCHPOINTS.names):
        told.append((str(touch["touchpoint_id"]), str(touch["type"]), touch, "{}"))
    return [
        EventRow(
            event_id=event_id,
            type=kind,
            customer_id=str(row["customer_id"]),
            occurred_at=(at := np.datetime64(row["timestamp"], "us").astype("int64") / 1e6),
            received_at=at,
            channel=row["channel"],  # type: ignore[arg-type]
            action_id=row.get("action_id"),  # type: ignore[arg-type]
            attributes=attributes,
        )
        for event_id, kind, row, attributes in told
    ]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    home, whole = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("whole")
    ingest_data_set("complete-journey", whole, FixedClock(NOW))
    (home / "data").mkdir()
    for path in whole.glob("*.parquet"):
        past = (
            f"WHERE timestamp < '{CUT:%Y-%m-%d}'"
            if path.stem in ("transactions", "touchpoints")
            else ""
        )
        target = home / "data" / path.name
        duckdb.execute(f"COPY (SELECT * FROM '{path}' {past}) TO '{target}' (FORMAT parquet)")
    tables = with_actions(open_tables(home / "data"), CATALOG.export_actions())
    ids = known_customers(tables).to_pyarrow()["customer_id"]
    everybody = ids.to_numpy(zero_copy_only=False).astype(object)
    moment = np.datetime64(CUT.replace(tzinfo=None), "us")
    now = Spine(everybody, np.repeat(moment, len(everybody)))
    backfill(build.prepare(tables), layout_of(tables), Calendar(), now, now, home / "features")
    store = open_store(home, ROOT / "feature_repo")
    store.apply(define(home).everything())
    store.materialize(NOW)
    return Replay(home, whole, _events(whole))


def test_after_every_event_was_told_online_equals_a_build_every_value(replay: Replay) -> None:
    random = np.random.default_rng(4)
    waiting = [replay.events[place] for place in random.permutation(len(replay.events))]
    clock, repo = TickingClock(), ROOT / "feature_repo"
    refresher = Refresher(replay.home, repo, Calendar(), clock, replay.events_of)
    while waiting:
        size = int(random.integers(20, 120))
        some, waiting = waiting[:size], waiting[size:]
        replay.stored += some
        refresher.now({str(row.customer_id) for row in some})
    refresher.close()
    store, settled = open_store(replay.home, repo), Generation.load(replay.home / "features")
    ids = sorted({str(row.customer_id) for row in replay.events})
    vectors = np.concatenate([store.online(customer_id).vectors for customer_id in ids])
    online = Profiles(store.layout, np.array(ids, dtype=object), vectors)
    as_of = np.round(online.profile_at * 1e6).astype("int64").astype("datetime64[us]")
    assert len(ids) >= 500
    told = with_events(open_tables(replay.home / "data"), live_events(replay.events))
    for tables in (told, open_tables(replay.whole)):
        events = build.prepare(tables, settled)
        again = build.profiles(events, store.layout, Calendar(), online.customer_ids, as_of)
        assert differences(online, again) == []
