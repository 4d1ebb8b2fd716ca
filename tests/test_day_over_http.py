"""A day of the demo data, told to a running service in order of time while its clock goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import numpy as np
import pytest
from served_world import ROOT, Service, rows

from decisioning.catalog import load_catalog
from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.sources import first_moment, ingest_data_set
from features.canonical.tables import known_customers, open_tables
from features.clock import FixedClock, pin_clock
from features.generation import Generation
from features.known_actions import layout_of, with_actions
from features.parity import differences
from features.profiles import Profiles
from features.store import open_store

DAY = datetime(2017, 12, 6, tzinfo=UTC)
"""Two campaigns are mailed on it: 341 households, and 339 buy something."""
PREPARED = DAY - timedelta(minutes=30)
HOURS = 2
"""How much of the day is told at a time."""
PATIENCE_S = 90.0

_SAID = "{en: {title: '{name}', text: Text.}, de: {title: '{name}', text: Text.}}"
CATALOG = f"""
value: {{kind: fixed, amount: 1.0}}
treatments: {{email: {_SAID}}}
default_action:
  id: do_nothing
  name: {{en: Nothing, de: Nichts}}
  treatments: {{web: {_SAID}, bot: {_SAID}, advisor: {_SAID}, email: {_SAID}}}
actions:
  - {{id: campaign_21, name: {{en: One, de: Eins}}, issue: sell, group: mail, propensity: 0.1}}
  - {{id: campaign_22, name: {{en: Two, de: Zwei}}, issue: sell, group: mail, propensity: 0.1}}
"""

_BEFORE = f"timestamp < '{DAY:%Y-%m-%d}'"
_OF_THE_DAY = f"CAST(timestamp AS date) = '{DAY:%Y-%m-%d}'"
# A coupon that comes back answers a mailing of weeks ago, which this service did not decide: it is
# neither told nor in the tables. What this service sends goes by e-mail.
_TOLD = {
    "transactions": f"SELECT * FROM '{{path}}' WHERE {_OF_THE_DAY}",
    "touchpoints": "SELECT * REPLACE ('email' AS channel) FROM '{path}' "
    f"WHERE type = 'presented' AND {_OF_THE_DAY}",
}


@dataclass(frozen=True)
class Day:
    """A service that was told a day.

    Attributes
    ----------
    whole : tables up to the end of the day, of which the service has only what came before.
    touched : customers and when their last event was, seconds since 1970.
    read : what the service's clock read after each step.
    """

    service: Service
    whole: Path
    touched: dict[str, float]
    read: list[datetime]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    home, whole = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("whole")
    touched = _tables(home, whole)
    service = Service(home, str(home / "ledger.db"))
    (home / "actions.yaml").write_text(CATALOG)
    (home / "policies.yaml").write_text("consent: {assumed: demo}\n")
    _profiles(home)
    pin_clock(home / "clock.json", PREPARED)
    try:
        service.start()
        with service.client() as client:
            read = _tell(service, client, whole)
        yield Day(service, whole, touched, read)
    finally:
        service.stop()


def _tables(home: Path, whole: Path) -> dict[str, float]:
    """Write what the service knows and what there is to know; return whom the day is about."""
    start = first_moment("complete-journey")
    ingest_data_set("complete-journey", whole, FixedClock(start))
    (home / "data").mkdir()
    touched: dict[str, float] = {}
    for path in [*whole.glob("*.parquet")]:
        table, known = f"SELECT * FROM '{path}'", home / "data" / path.name
        if path.stem not in _TOLD:
            duckdb.execute(f"COPY ({table}) TO '{known}' (FORMAT parquet)")
            continue
        told, draft = _TOLD[path.stem].format(path=path), path.with_suffix(".draft")
        duckdb.execute(f"COPY ({table} WHERE {_BEFORE}) TO '{known}' (FORMAT parquet)")
        both = f"{table} WHERE {_BEFORE} UNION ALL BY NAME {told} ORDER BY customer_id"
        duckdb.execute(f"COPY ({both}) TO '{draft}' (FORMAT parquet)")
        draft.replace(path)
        last = f"SELECT customer_id, max(epoch(timestamp)) FROM '{path}' WHERE {_OF_THE_DAY}"
        for customer_id, at in duckdb.sql(f"{last} GROUP BY 1").fetchall():
            touched[customer_id] = max(at, touched.get(customer_id, 0.0))
    return touched


def _profiles(home: Path) -> None:
    """Build everybody's profile as of the evening before, and put it online."""
    catalog = load_catalog(home / "actions.yaml")
    tables = with_actions(open_tables(home / "data"), catalog.export_actions())
    ids = known_customers(tables).to_pyarrow()["customer_id"]
    everybody = ids.to_numpy(zero_copy_only=False).astype(object)
    evening = np.datetime64((PREPARED - timedelta(hours=1)).replace(tzinfo=None), "us")
    now = Spine(everybody, np.repeat(evening, len(everybody)))
    backfill(build.prepare(tables), layout_of(tables), Calendar(), now, now, home / "features")
    store = open_store(home, ROOT / "feature_repo")
    store.apply(define(home).everything())
    store.materialize(PREPARED)


def _tell(service: Service, client: httpx.Client, whole: Path) -> list[datetime]:
    """Tell the day in the order of time; return what the clock read after each step."""
    mailings = _rows(whole, "touchpoints", "touchpoint_id, customer_id, action_id")
    sent = [_mailed(client, *mailing) for mailing in mailings]
    _move(service, DAY)
    _post(client, "/v1/outcomes", sent)
    read = [_time_of(client)]
    for hour in range(0, 24, HOURS):
        # What happened in these hours is told at their end.
        _move(service, DAY + timedelta(hours=hour + HOURS))
        _post(client, "/v1/events", _baskets(whole, hour))
        read.append(_time_of(client))
    return read


def _mailed(client: httpx.Client, name: str, customer_id: str, action_id: str) -> dict[str, Any]:
    """Have a mailing decided the evening before; return the report that it went out at midnight."""
    question = {"customer_id": customer_id, "channel": "email", "direction": "outbound",
                "candidates": [action_id], "decision_request_id": name}  # fmt: skip
    answer = client.post("/v1/next-best-actions", json=question)
    assert answer.status_code == 200, answer.text
    assert [one["action_id"] for one in answer.json()["results"]] == [action_id]
    return {"event_id": name, "decision_id": answer.json()["decision_id"], "action_id": action_id,
            "outcome": "presented", "occurred_at": DAY.isoformat()}  # fmt: skip


def _baskets(whole: Path, hour: int) -> list[dict[str, Any]]:
    """Return the purchases of some hours as events, each with all its lines."""
    line = "line_id, item_id, category, category_group, quantity, amount, discount, coupon_discount"
    of_these_hours = f"hour(timestamp) BETWEEN {hour} AND {hour + HOURS - 1}"
    fields = f"transaction_id, customer_id, timestamp, channel, {line}"
    events: dict[str, dict[str, Any]] = {}
    for name, customer_id, at, channel, *told in _rows(
        whole, "transactions", fields, of_these_hours, order="timestamp, transaction_id, line_id"
    ):
        event = {"event_id": f"basket {name}", "type": "transaction", "transaction_id": name,
                 "customer_id": customer_id, "channel": channel, "lines": [],
                 "occurred_at": at.replace(tzinfo=UTC).isoformat()}  # fmt: skip
        known = {
            key: given
            for key, given in zip(line.split(", "), told, strict=True)
            if given is not None
        }
        events.setdefault(name, event)["lines"].append(known)
    return [*events.values()]


def _rows(
    whole: Path, table: str, fields: str, where: str = "true", order: str = "1"
) -> list[tuple[Any, ...]]:
    query = f"SELECT {fields} FROM '{whole / table}.parquet' WHERE {_OF_THE_DAY} AND {where}"
    return duckdb.sql(f"{query} ORDER BY {order}").fetchall()


def _post(client: httpx.Client, path: str, items: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(items), 500):
        answer = client.post(path, json=items[start : start + 500])
        assert answer.status_code == 200, answer.text
        assert {one["status"] for one in answer.json()["items"]} == {"stored"}, answer.text


def _move(service: Service, to: datetime) -> None:
    """Move the clock of the running service, as its operator does."""
    assert "pinned" in _nba(service, "clock", "--to", to.isoformat())


def _time_of(client: httpx.Client) -> datetime:
    """Return what time it is for the service."""
    return datetime.fromisoformat(client.get("/readyz").json()["clock"]["now"])


def _nba(service: Service, *words: str) -> str:
    own = {"NBA_HOME": str(service.home), "NBA_CATALOG": str(service.home / "actions.yaml"),
           "NBA_LEDGER": service.ledger}  # fmt: skip
    kept = {key: text for key, text in os.environ.items() if not key.startswith("NBA_")}
    done = subprocess.run(
        [sys.executable, "nba.py", *words],
        cwd=ROOT, env=kept | own, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _online(day: Day, ids: Sequence[str]) -> Profiles:
    store = open_store(day.service.home, ROOT / "feature_repo")
    vectors = np.concatenate([store.online(customer_id).vectors for customer_id in ids])
    return Profiles(store.layout, np.array(ids, dtype=object), vectors)


def _offline(day: Day, online: Profiles, tables: Path) -> Profiles:
    """Compute the same profiles by a build over tables, without the service's events."""
    settled = Generation.load(day.service.home / "features")
    as_of = np.round(online.profile_at * 1e6).astype("int64").astype("datetime64[us]")
    events = build.prepare(open_tables(tables), settled)
    return build.profiles(events, online.layout, Calendar(), online.customer_ids, as_of)


def test_the_clock_of_a_running_service_follows(day: Day) -> None:
    for number, read in enumerate(day.read):
        due = DAY + timedelta(hours=number * HOURS)
        assert due <= read < due + timedelta(minutes=30)


def test_the_service_was_told_everything_that_happened(day: Day) -> None:
    found = rows(day.service.ledger, "SELECT type, count(*) FROM events GROUP BY type")
    baskets = _rows(day.whole, "transactions", "count(DISTINCT transaction_id)")[0][0]
    mailings = _rows(day.whole, "touchpoints", "count(*)")[0][0]
    assert dict(found) == {"transaction": baskets, "presented": mailings}
    assert rows(day.service.ledger, "SELECT count(*) FROM quarantine") == [(0,)]
    assert len(day.touched) >= 500 and baskets > 300 and mailings > 300


def test_after_the_day_online_equals_a_build_over_everything_every_value(day: Day) -> None:
    found = duckdb.sql(f"SELECT customer_id FROM '{day.whole / 'customers.parquet'}' ORDER BY 1")
    everybody = [customer_id for (customer_id,) in found.fetchall()]
    give_up = time.monotonic() + PATIENCE_S
    while True:
        online = _online(day, everybody)
        at = dict(zip(online.customer_ids, online.profile_at, strict=True))
        behind = [one for one, last in day.touched.items() if not at[one] > last]
        differing = [] if behind else differences(online, _offline(day, online, day.whole))
        if not behind and not differing:
            break
        assert time.monotonic() < give_up, (behind[:5], differing[:5])
        time.sleep(1.0)
    assert online.known.all() and len(online) > 2_000
    # It is the day that did it: without its events whoever had any would have another profile.
    moved = online.take(np.isin(online.customer_ids, [*day.touched]))
    assert len(moved) == len(day.touched)
    without = differences(moved, _offline(day, moved, day.service.home / "data"))
    assert {one.customer_id for one in without} == {*day.touched}


def test_the_operators_own_check_finds_nothing_either(day: Day) -> None:
    told = _nba(day.service, "features", "parity", "--customers", str(len(day.touched)))
    assert f"{len(day.touched):,} customers" in told and " 0 differ" in told
