"""`read`: one customer's features through our door to the raw read of the same packed row."""

from __future__ import annotations

import sqlite3
from itertools import cycle

import numpy as np
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, by_turns
from features.canonical.tables import known_customers
from features.spec import Array
from features.store import VECTOR_VIEW

CUSTOMERS = 200
_ONE_VALUE = f"""SELECT value FROM nba_{VECTOR_VIEW}
  WHERE entity_key = ? AND feature_name = 'vector'"""


def read(home: DemoHome, repetitions: int = 1_000) -> tuple[Figure, ...]:
    """Return the figure of reads that the page cache answers."""
    store = home.store
    ids = known_customers(home.project.tables(home.tasks)).to_pyarrow()["customer_id"].to_pylist()
    chosen = np.random.default_rng(7).choice(np.array(ids, dtype=object), CUSTOMERS).tolist()
    keys = [_key_of(customer_id) for customer_id in chosen]
    path = home.settings.home / "feast" / "online.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        for customer_id, key in zip(chosen, keys, strict=True):
            ours, raw = store.online(customer_id).vectors[0], _raw(connection, key)
            if not np.array_equal(ours, raw, equal_nan=True):
                raise AssertionError(f"customer {customer_id!r}: not the vector in {path}")
        next_id, next_key = cycle(chosen), cycle(keys)
        turns = by_turns(
            lambda: store.online(next(next_id)),
            lambda: _raw(connection, next(next_key)),
            repetitions,
        )
    connection.close()
    return (
        Figure(
            name="read",
            workload=f"one customer's {store.layout.size:,} numbers by features.store",
            against="the raw read of the same row, SQLite",
            ours=turns.ours,
            baseline=turns.baseline,
            target=6.0,
        ),
    )


def _key_of(customer_id: str) -> bytes:
    """Return the key of a customer as Feast's online stores have it."""
    key = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=customer_id)])
    return serialize_entity_key(key, entity_key_serialization_version=3)


def _raw(connection: sqlite3.Connection, key: bytes) -> Array:
    (packed,) = connection.execute(_ONE_VALUE, (key,)).fetchone()
    value = Value()
    value.ParseFromString(packed)
    return np.frombuffer(value.bytes_val, dtype="<f8")
