"""`freshness`: from an event that is confirmed to a decision that knows of it, under load."""

from __future__ import annotations

import json
import tempfile
import threading
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np

from benchmarks.databases import running_postgres, running_redis
from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample
from benchmarks.own_service import copied, served, told
from benchmarks.servers import Connection, request_bytes
from benchmarks.whole_request import some_customers

EVENTS_PER_SECOND = 50
SECONDS = 20
POLL_SECONDS = 0.02


class _Load(NamedTuple):
    """What is sent: page views, and purchases, of which more is computed."""

    told: str
    purchase_every: int | None

    def event(self, number: int, customer_id: str) -> dict[str, object]:
        event: dict[str, object] = {"event_id": f"bench-{self.purchase_every}-{number}"}
        event |= {"channel": "web", "customer_id": customer_id}
        if self.purchase_every is None or number % self.purchase_every:
            return event | {"type": "page_view"}
        return event | {"type": "transaction", "amount": 12.5, "category": "COFFEE"}


_LOADS = (_Load("all page views", None), _Load("every tenth a purchase", 10))


def freshness(home: DemoHome, seconds: int = SECONDS) -> tuple[Figure, ...]:
    """Return how long it takes at the 95th percentile, on files; the goal is a second."""
    with tempfile.TemporaryDirectory(prefix="nba-bench-") as name:
        folder = Path(name)
        return _figures("freshness", "files", home, copied(home, folder), folder, seconds)


def freshness_redis(home: DemoHome, seconds: int = SECONDS) -> tuple[Figure, ...]:
    """Return the same with profiles on Redis, and definitions and ledger on PostgreSQL."""
    with (
        tempfile.TemporaryDirectory(prefix="nba-bench-") as name,
        running_redis(Path(name) / "redis") as redis,
        running_postgres() as database,
    ):
        folder = Path(name)
        registry = database("registry").replace("postgresql://", "postgresql+psycopg://")
        places = {
            "NBA_ONLINE_STORE": redis.url,
            "NBA_FEATURE_REGISTRY": registry,
            "NBA_LEDGER": database("ledger"),
        }
        own = copied(home, folder, places)
        told(own, "features", "materialize")
        where = "Redis and PostgreSQL"
        return _figures("freshness_redis", where, home, own, folder, seconds)


def _figures(
    name: str, where: str, home: DemoHome, own: dict[str, str], folder: Path, seconds: int
) -> tuple[Figure, ...]:
    with served(own, folder) as (port, key):
        return tuple(
            _figure(name, f"{where}, {load.told}", _measured(port, key, home, load, seconds))
            for load in _LOADS
        )


def _figure(name: str, workload: str, taken: list[float]) -> Figure:
    return Figure(
        name=name,
        workload=f"{EVENTS_PER_SECOND} events a second, {workload}; {len(taken)} followed until "
        f"a decision knows of them (median {np.median(taken) * 1_000:.0f} ms)",
        against="a second; ours is the 95th percentile",
        ours=Sample((float(np.percentile(taken, 95)),)),
        baseline=Sample((1.0,)),
        target=1.0,
    )


def _measured(port: int, key: str, home: DemoHome, load: _Load, seconds: int) -> list[float]:
    """Send events at their pace, follow one at a time, and return how long each took."""
    stop, latest = threading.Event(), list[tuple[str, float]]()
    sender = threading.Thread(target=_send, args=(port, key, home, load, stop, latest))
    sender.start()
    taken: list[float] = []
    until = perf_counter() + seconds
    try:
        with closing(Connection(port)) as connection:
            while perf_counter() < until and sender.is_alive():
                if latest:
                    customer_id, confirmed_at = latest[-1]
                    taken.append(_follow(connection, key, customer_id, confirmed_at))
                sleep(POLL_SECONDS)
    finally:
        stop.set()
        sender.join()
    if len(taken) < seconds // 2:
        raise AssertionError(f"only {len(taken)} events were followed in {seconds} s")
    return taken


def _send(
    port: int,
    key: str,
    home: DemoHome,
    load: _Load,
    stop: threading.Event,
    latest: list[tuple[str, float]],
) -> None:
    customers = cycle(some_customers(home))
    began = perf_counter()
    with closing(Connection(port)) as connection:
        for number in count():
            if stop.wait(max(0.0, began + number / EVENTS_PER_SECOND - perf_counter())):
                return
            customer_id = next(customers)
            event = json.dumps(load.event(number, customer_id)).encode()
            status, body = connection.send(request_bytes("POST", "/v1/events", event, key))
            if status != 200:
                raise AssertionError(f"status {status}: {body[:300]!r}")
            latest[:] = [(customer_id, perf_counter())]


def _follow(connection: Connection, key: str, customer_id: str, confirmed_at: float) -> float:
    """Ask until the profile was computed after the confirmation; return how long that took."""
    asked = {"customer_id": customer_id, "channel": "advisor", "mode": "dry_run"}
    question = request_bytes("POST", "/v1/next-best-actions", json.dumps(asked).encode(), key)
    while True:
        status, body = connection.send(question)
        answered_at = perf_counter()
        if status != 200:
            raise AssertionError(f"status {status}: {body[:300]!r}")
        age = json.loads(body)["feature_age_s"]
        if age is not None and age < answered_at - confirmed_at:
            return answered_at - confirmed_at
        if answered_at - confirmed_at > 30.0:
            raise AssertionError(f"customer {customer_id!r}: nothing new after 30 s")
        sleep(POLL_SECONDS)
