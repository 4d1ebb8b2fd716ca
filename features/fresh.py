"""Profiles of a few customers computed anew, as of now, and put online: after an event.

The same SQL as in a backfill (`features.prepared`), over the rows of these customers alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import prepared
from features.backfill import packed
from features.build import profile_rows, sum_lines
from features.calendar import Calendar
from features.canonical.quoting import literal
from features.canonical.schemas import SCHEMAS, TOUCHPOINTS, TRANSACTIONS, TableSchema
from features.canonical.tables import open_tables
from features.clock import Clock
from features.errors import FeatureError
from features.fresh_rows import FreshRows, writing_online
from features.generation import Generation
from features.history import make_spine
from features.kept_purchases import KeptPurchases
from features.live_events import EventRow, live_events, owners
from features.places import Places
from features.profiles import Profiles
from features.source_rows import SourceRows
from features.store import ProfileStore, open_store

People = Mapping[str, Sequence[str]]
"""The id that a profile is stored under, with all ids whose events belong to it."""

MOST_AT_ONCE = 200
"""Most customers of one query; it takes about 1 kB of memory per event of theirs."""
_COMMIT_S = 60.0
_OF_PEOPLE = ("customers", "identities")


def themselves(customer_ids: Iterable[str]) -> People:
    """Return every customer as a person of their own."""
    return {customer_id: (customer_id,) for customer_id in customer_ids}


@dataclass(frozen=True)
class _Opened:
    """Everything that a refresh reads, or writes to."""

    stamp: object
    connection: duckdb.DuckDBPyConnection
    generation: Generation
    sources: SourceRows
    purchases: KeptPurchases
    store: ProfileStore
    rows: FreshRows


class Refresher:
    """Computes profiles as of now and writes them to the online and the offline store.

    One refresh at a time, among all processes of this machine. Nothing is opened before it is
    needed, and all of it anew when the tables or the build have changed, or after a failure.

    Parameters
    ----------
    home : has `data` and `features`.
    events_of : returns all stored events of customers.
    people_of : returns whose profiles are meant by ids of customers, and which ids each one has.
    places : servers that profiles are kept on instead of files.
    """

    def __init__(
        self,
        home: Path,
        feature_repo: Path,
        calendar: Calendar,
        clock: Clock,
        events_of: Callable[[Iterable[str]], Iterable[EventRow]],
        people_of: Callable[[Iterable[str]], People] = themselves,
        places: Places | None = None,
    ) -> None:
        self._home, self._feature_repo = home, feature_repo
        self._calendar, self._clock = calendar, clock
        self._events_of, self._people_of = events_of, people_of
        self._places = places
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def now(self, customer_ids: Iterable[str]) -> Profiles:
        """Refresh the profiles of customers; return those that were written.

        What happened before the clock's time of this call is in them, if it is stored. Customers
        that neither tables nor events know get no profile.

        Raises
        ------
        FeatureError, DataError : a profile cannot be computed or written, or there is no build.
        LedgerError : the events cannot be read.
        """
        people = self._people_of(sorted(set(customer_ids)))
        with self._lock, writing_online(self._home):
            opened = self._current()
            try:
                written = [self._write(opened, some) for some in _pages(people)]
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                self._forget()
                raise FeatureError(f"profiles not refreshed: {type(error).__name__}") from error
            except BaseException:
                self._forget()
                raise
        layout = opened.generation.layout
        return Profiles(
            layout,
            np.concatenate([np.empty(0, dtype=object), *(some.customer_ids for some in written)]),
            np.concatenate([np.empty((0, layout.size)), *(some.vectors for some in written)]),
        )

    def behind(self, newest: Iterable[tuple[str, float]]) -> Iterator[str]:
        """Yield customers whose profile does not know their newest event for sure.

        Parameters
        ----------
        newest : customers and when their newest event was received, seconds since 1970 in UTC. Its
            commit came later, so a profile of the minute after may be without it.
        """
        for customer_id, received_at in newest:
            for stored_under in self._people_of([customer_id]):
                with self._lock:
                    profile = self._current().store.online(stored_under)
                if not profile.profile_at[0] > received_at + _COMMIT_S:
                    yield customer_id

    def built_at(self) -> float | None:
        """Return what the newest build was computed for, seconds since 1970 in UTC; None: no build.

        Raises
        ------
        FeatureError : the build, the tables or the store cannot be read.
        """
        if not (self._home / "features" / "layout.json").exists():
            return None
        with self._lock:
            return self._current().generation.as_of

    def close(self) -> None:
        """Let go of files and connections."""
        with self._lock:
            self._forget()

    def _write(self, opened: _Opened, people: People) -> Profiles:
        found = self._compute(opened, people)
        if len(found):
            rows = packed(found)
            opened.store.write(rows)
            opened.rows.append(rows)
        return found

    def _compute(self, opened: _Opened, people: People) -> Profiles:
        connection = opened.connection
        # The time is taken first: what is stored while the events are read is not missed for good,
        # as whoever stores it asks for another refresh.
        as_of = np.datetime64(self._clock.now().replace(tzinfo=None), "us")
        members = sorted({member for ids in people.values() for member in ids})
        events = list(self._events_of(members))
        owner_of = owners(people)
        live = live_events(events, owner_of)
        whose = {member: owner_of.get(member, member) for member in members}
        theirs: dict[str, list[EventRow]] = {customer_id: [] for customer_id in people}
        for row in events:
            if row.customer_id in whose:
                theirs[whose[row.customer_id]].append(row)
        kept = opened.purchases
        states = {one: kept.state(ids, theirs[one], as_of) for one, ids in people.items()}
        former = {one: kept.former(one, state, as_of) for one, state in states.items()}
        bought = {one: vector for one, vector in former.items() if vector is not None}
        changed = {member: owner for member, owner in whose.items() if owner not in bought}
        met = {customer_id for customer_id, rows in theirs.items() if rows} | bought.keys()
        met |= _see(opened, TOUCHPOINTS, whose, live.touchpoints)
        newest: dict[str, np.datetime64] = {}
        if changed:
            met |= _see(opened, TRANSACTIONS, changed, live.transactions)
            sum_lines(connection)
            newest = prepared.newest_purchases(connection)
        unmet = [member for member, owner in whose.items() if owner not in met]
        known = sorted(people.keys() & (met | {whose[one] for one in _named(connection, unmet)}))
        spine = make_spine(
            np.array(known, dtype=object), np.repeat(as_of, len(known)), self._calendar
        )
        generation, rows = opened.generation, {known.index(one): bought[one] for one in bought}
        found = profile_rows(connection, generation.group_of, generation.layout, spine, rows)
        for place, customer_id in enumerate(known):
            if customer_id not in bought:
                state, vector = states[customer_id], found.vectors[place]
                kept.keep(customer_id, state, as_of, newest.get(customer_id), vector)
        return found

    def _current(self) -> _Opened:
        stamp = self._stamp()
        if self._opened is None or self._opened.stamp != stamp:
            self._forget()
            self._opened = self._open(stamp)
        return self._opened

    def _open(self, stamp: object) -> _Opened:
        generation = Generation.load(self._home / "features")
        connection: duckdb.DuckDBPyConnection = open_tables(self._home / "data").connection.con
        # More threads would take the cores from requests, and win nothing on so few rows.
        connection.execute("SET threads = 1")
        connection.execute("SET parquet_metadata_cache = true")
        connection.register("handed_items", generation.action_items)
        prepared.keep(connection, prepared.ACTION_ITEMS, "SELECT * FROM handed_items")
        connection.unregister("handed_items")
        store = open_store(self._home, self._feature_repo, self._places)
        rows = FreshRows(self._home / "features")
        sources = SourceRows(connection)
        purchases = KeptPurchases(generation.action_items, self._calendar)
        return _Opened(stamp, connection, generation, sources, purchases, store, rows)

    def _stamp(self) -> object:
        paths = [self._home / "features" / "layout.json"]
        paths += [self._home / "data" / f"{name}.parquet" for name in SCHEMAS]
        return [_stat(path) for path in paths]

    def _forget(self) -> None:
        if self._opened is not None:
            self._opened.rows.close()
            self._opened.connection.close()
        self._opened = None


def _pages(people: People) -> Iterator[People]:
    ids = sorted(people)
    for start in range(0, len(ids), MOST_AT_ONCE):
        yield {
            customer_id: people[customer_id] for customer_id in ids[start : start + MOST_AT_ONCE]
        }


def _see(
    opened: _Opened, schema: TableSchema, whose: Mapping[str, str], live: pa.Table
) -> set[str]:
    """Keep the rows of sources and of stored events together; return whom sources have rows of."""
    source = opened.sources.of(schema, whose)
    opened.connection.register(f"source_{schema.name}", source)
    opened.connection.register(f"live_{schema.name}", live)
    prepared.keep_seen(opened.connection, schema, bool(len(live)))
    return set(pc.unique(source["customer_id"]).to_pylist())


def _named(connection: duckdb.DuckDBPyConnection, members: Sequence[str]) -> set[str]:
    """Return which customers the tables know although nothing happened to them."""
    if not members:
        return set()
    among = f"customer_id IN ({', '.join(map(literal, members))})"
    tables = (f"SELECT customer_id FROM {name} WHERE {among}" for name in _OF_PEOPLE)
    return {str(row[0]) for row in connection.execute(" UNION ".join(tables)).fetchall()}


def _stat(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
