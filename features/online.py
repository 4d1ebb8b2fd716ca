"""What Feast's online stores do not agree on, made the same on each of them.

Of two profiles of one customer the newer stays, whichever is written last; of two of the same
moment the one that is written last, since it is a correction. Feast alone lets an older one win on
SQLite and drops the correction on Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

Row = tuple[Any, Any, datetime, datetime | None]
"""An entity key, its values, the moment they are of, and when they were computed."""
Progress = Callable[[int], Any] | None

_AT_ONCE = 500


def newest_wins(online_store: Any) -> None:
    """Let no write to this store replace what is newer; every write of Feast goes through it.

    What is stored is read before it is written. Between the two another process may write: its row
    is then replaced until the next write for that customer.
    """
    write = online_store.online_write_batch

    def online_write_batch(
        config: Any, table: Any, data: Sequence[Row], progress: Progress
    ) -> None:
        rows = _newest_of_each(data)
        stored = _stored(online_store, config, table, [row[0] for row in rows])
        kept = [
            row
            for row, moment in zip(rows, stored, strict=True)
            if moment is None or _microseconds(row[2]) >= moment
        ]
        if kept:
            write(config, table, kept, None)
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


def _newest_of_each(data: Sequence[Row]) -> list[Row]:
    newest: dict[bytes, Row] = {}
    for row in data:
        key = row[0].SerializeToString(deterministic=True)
        if key not in newest or _microseconds(row[2]) >= _microseconds(newest[key][2]):
            newest[key] = row
    return list(newest.values())


def _stored(online_store: Any, config: Any, table: Any, keys: list[Any]) -> list[int | None]:
    """Return of which moment the stored rows are, in microseconds since 1970."""
    if not hasattr(online_store, "_generate_redis_keys_for_entities"):
        # Whole rows come back, so not of all customers at once.
        read = [
            row
            for start in range(0, len(keys), _AT_ONCE)
            for row in online_store.online_read(config, table, keys[start : start + _AT_ONCE], None)
        ]
        return [None if moment is None else _microseconds(moment) for moment, _ in read]
    # Redis keeps them to the nanosecond, but Feast returns whole seconds.
    from google.protobuf.timestamp_pb2 import Timestamp

    pipeline = online_store._get_client(config.online_store).pipeline(transaction=False)
    for name in online_store._generate_redis_keys_for_entities(config, keys):
        pipeline.hget(name, f"_ts:{table.name}")
    found = pipeline.execute()
    return [None if not one else Timestamp.FromString(one).ToMicroseconds() for one in found]


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
