"""An online store of each kind, SQLite and a real Redis, with the profiles of a small world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from redis_world import RedisServer, running_redis
from small_world import AS_OF

from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.known_actions import layout_of
from features.places import Places
from features.store import VECTOR_VIEW, ProfileStore, open_store

REPO = Path(__file__).resolve().parents[2] / "feature_repo"
CUSTOMERS = np.array(["007", "b", "c", "d"], dtype=object)
MOMENT = datetime(2030, 1, 1, 12, tzinfo=UTC)


@dataclass
class Kind:
    """A store of one kind, filled by a materialisation."""

    name: str
    home: Path
    store: ProfileStore
    server: RedisServer | None

    def put(self, customer_id: str, at: datetime, number: float, layout: str | None = None) -> None:
        """Write a profile through Feast; its second number tells it from others."""
        vector = np.full(self.store.layout.size, np.nan)
        vector[0], vector[1] = at.timestamp(), number
        row = {
            "customer_id": [customer_id],
            "as_of": [at],
            "created": [at],
            "vector": [vector.astype("<f8").tobytes()],
            "layout": [layout or self.store.layout.hash],
        }
        self.store._feast.write_to_online_store(VECTOR_VIEW, pd.DataFrame(row))

    def number(self, customer_id: str) -> float:
        return float(self.store.online(customer_id).vectors[0, 1])

    def opened_again(self) -> ProfileStore:
        return open_store(self.home, REPO, self.store.places)

    def on_another_machine(self) -> Kind:
        """Return the same store with connections of its own; `put` knows no lock of a machine."""
        return Kind(self.name, self.home, self.opened_again(), self.server)

    def empty(self) -> None:
        """Lose everything that was written."""
        if self.server is not None:
            self.server.flush()
            return
        connection = self.store._online_store._get_conn(self.store._config)
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            connection.execute(f'DELETE FROM "{table}"')
        connection.commit()


def online_home(world: Tables, path: Path) -> Path:
    """Build the profiles of a world in a folder and register them."""
    now = Spine(CUSTOMERS, np.repeat(AS_OF, 4))
    backfill(build.prepare(world), layout_of(world), Calendar(), now, now, path / "features")
    open_store(path, REPO).apply(define(path).everything())
    return path


@contextmanager
def online_kind(name: str, home: Path) -> Iterator[Kind]:
    """Return the filled store of a home, on `sqlite` or `redis`."""
    if name == "sqlite":
        yield Kind("sqlite", home, filled(open_store(home, REPO)), None)
        return
    # A comma and digits alone: what Feast's own text for a connection would break.
    with running_redis(password="1,2") as server:
        places = Places(online=server.url, read_ms=30_000)
        yield Kind("redis", home, filled(open_store(home, REPO, places)), server)


def filled(store: ProfileStore) -> ProfileStore:
    """Materialise what was built."""
    store.materialize(datetime(2024, 3, 11, tzinfo=UTC))
    return store
