"""What Feast's online stores do not agree on, made the same on each of them.

Of two profiles of one customer the newer stays, whichever is written last; of two of the same
moment the one that is written last, since it is a correction. Feast alone lets an older one win on
SQLite and drops the correction on Redis.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite
from struct import Struct
from types import SimpleNamespace
from typing import Any

from features.errors import FeatureError

Row = tuple[Any, Any, datetime, datetime | None]
"""An entity key, its values, the moment they are of, and when they were computed."""
Progress = Callable[[int], Any] | None

_AT_ONCE = 500
_ATTEMPTS = 50
_FIRST = Struct("<d")


def newest_wins(online_store: Any) -> None:
    """Let no write to this store replace what is newer; every write of Feast goes through it.

    What is stored is read before it is written, and nobody writes in between, on this machine or
    another one: SQLite lets one writer in at a time, Redis refuses a transaction whose keys were
    changed meanwhile, and it is done again. Of any other store the two are not one step.
    """
    write = online_store.online_write_batch
    one_at_a_time = threading.Lock()

    def online_write_batch(
        config: Any, table: Any, data: Sequence[Row], progress: Progress
    ) -> None:
        rows = _newest_of_each(data)
        if _is_redis(online_store):
            for start in range(0, len(rows), _AT_ONCE):
                _write_to_redis(online_store, config, table, rows[start : start + _AT_ONCE])
        elif hasattr(online_store, "_get_conn"):
            # Threads share the connection, and with it the transaction.
            with one_at_a_time, _alone(online_store._get_conn(config)):
                _write_newer(online_store, write, config, table, rows)
        else:
            _write_newer(online_store, write, config, table, rows)
        if progress is not None:
            progress(len(data))

    online_store.online_write_batch = online_write_batch


def let_readers_pass(online_store: Any, config: Any) -> None:
    """Make readers of a SQLite store see the former rows while new ones are written."""
    if hasattr(online_store, "_get_conn"):
        online_store._get_conn(config).execute("PRAGMA journal_mode = WAL")


def wait_briefly(online_store: Any, config: Any, read_ms: float) -> None:
    """Let no lock of another process on a SQLite store hold a decision up."""
    if hasattr(online_store, "_get_conn"):
        online_store._get_conn(config).execute(f"PRAGMA busy_timeout = {round(read_ms)}")


def _write_newer(
    online_store: Any, write: Callable[..., None], config: Any, table: Any, rows: Sequence[Row]
) -> None:
    kept = _newer(rows, _stored(online_store, config, table, [row[0] for row in rows]))
    if kept:
        write(config, table, kept, None)


@contextmanager
def _alone(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold everybody else off a SQLite file; what is written in between is committed by Feast."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.rollback()


def _write_to_redis(online_store: Any, config: Any, table: Any, rows: Sequence[Row]) -> None:
    """Write what is newer than what is stored, in a transaction that nobody may come before."""
    from redis import WatchError

    keys = [row[0] for row in rows]
    names = online_store._generate_redis_keys_for_entities(config, keys)
    client = online_store._get_client(config.online_store)
    for _ in range(_ATTEMPTS):
        with client.pipeline(transaction=True) as transaction:
            transaction.watch(*names)
            # Over another connection: in the transaction nothing can be read any more.
            kept = _newer(rows, _stored(online_store, config, table, keys))
            if not kept:
                return
            transaction.multi()
            try:
                _writing_into(transaction, online_store).online_write_batch(
                    config, table, kept, None
                )
            except WatchError:
                continue
            return
    raise FeatureError(f"{table.name}: others wrote the same rows {_ATTEMPTS} times meanwhile")


def _writing_into(transaction: Any, online_store: Any) -> Any:
    """Return a store of Feast that writes into a transaction instead of a pipeline of its own."""
    writer = type(online_store)()
    writer._client = SimpleNamespace(pipeline=lambda **_: transaction)
    return writer


def _newer(rows: Sequence[Row], stored: Sequence[int | None]) -> list[Row]:
    return [
        row
        for row, moment in zip(rows, stored, strict=True)
        if moment is None or _microseconds(row[2]) >= moment
    ]


def _is_redis(online_store: Any) -> bool:
    return hasattr(online_store, "_generate_redis_keys_for_entities")


def _newest_of_each(data: Sequence[Row]) -> list[Row]:
    newest: dict[bytes, Row] = {}
    for row in data:
        key = row[0].SerializeToString(deterministic=True)
        if key not in newest or _microseconds(row[2]) >= _microseconds(newest[key][2]):
            newest[key] = row
    return list(newest.values())


def _stored(online_store: Any, config: Any, table: Any, keys: list[Any]) -> list[int | None]:
    """Return of which moment the stored rows are, in microseconds since 1970."""
    if not _is_redis(online_store):
        # Whole rows come back, so not of all customers at once.
        read = [
            row
            for start in range(0, len(keys), _AT_ONCE)
            for row in online_store.online_read(config, table, keys[start : start + _AT_ONCE], None)
        ]
        return [None if moment is None else _of_stored(moment, values) for moment, values in read]
    # Redis keeps them to the nanosecond, but Feast returns whole seconds.
    from google.protobuf.timestamp_pb2 import Timestamp

    pipeline = online_store._get_client(config.online_store).pipeline(transaction=False)
    for name in online_store._generate_redis_keys_for_entities(config, keys):
        pipeline.hget(name, f"_ts:{table.name}")
    found = pipeline.execute()
    return [None if not one else Timestamp.FromString(one).ToMicroseconds() for one in found]


def _of_stored(moment: datetime, values: Mapping[str, Any]) -> int:
    """Return the moment of a row of which the store has kept whole seconds.

    A profile begins with the moment that it is of, and so has the rest.
    """
    kept = _microseconds(moment)
    packed = values["vector"].bytes_val if "vector" in values else b""
    if len(packed) < _FIRST.size:
        return kept
    (seconds,) = _FIRST.unpack_from(packed)
    exact = round(seconds * 1_000_000) if isfinite(seconds) else kept
    return exact if kept <= exact < kept + 1_000_000 else kept


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
