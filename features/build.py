"""Profile rows from canonical tables: the same computation for a backfill and for one customer.

The expressions of the families run over one spine at a time; here their results are laid into
vectors. Nothing here knows a feature by name: families declare, the layout orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import action_history, contacts, declared, popularity, prepared
from features.calendar import Calendar
from features.canonical.schemas import TOUCHPOINTS, TRANSACTIONS
from features.canonical.tables import Tables
from features.generation import Generation
from features.history import make_spine
from features.layout import PREFIX, Layout
from features.prepared import Found
from features.profiles import Profiles
from features.spec import Block

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Events brought into the shape that the expressions read; made once for many spines.

    Attributes
    ----------
    group_of : the category group of each category, where it has one.
    action_items : one row per action and item.
    """

    tables: Tables
    baskets: ir.Table
    category_baskets: ir.Table
    group_of: dict[str, str]
    action_items: pa.Table


def prepare(tables: Tables, settled: Generation | None = None) -> Events:
    """Sum lines into baskets once, and keep the sums on the tables' connection.

    Parameters
    ----------
    settled : take the groups of categories and the items of actions from that build.
    """
    connection = tables.connection
    for name, table in (
        (prepared.SEEN_TRANSACTIONS, tables.transactions.select(*TRANSACTIONS.names)),
        (prepared.SEEN_TOUCHPOINTS, tables.touchpoints.select(*TOUCHPOINTS.names)),
    ):
        connection.create_view(name, table, overwrite=True)
    items = (
        action_history.action_items(tables.actions).to_pyarrow()
        if settled is None
        else settled.action_items
    )
    connection.con.register(prepared.ACTION_ITEMS, items)
    sum_lines(connection.con)
    category_baskets = connection.table(prepared.CATEGORY_BASKETS)
    return Events(
        tables=tables,
        baskets=connection.table(prepared.BASKETS),
        category_baskets=category_baskets,
        group_of=_groups(category_baskets) if settled is None else settled.group_of,
        action_items=items,
    )


def profiles(
    events: Events,
    layout: Layout,
    calendar: Calendar,
    customer_ids: npt.NDArray[np.object_],
    as_of: npt.NDArray[np.datetime64],
) -> Profiles:
    """Return the profile of each customer as of each moment (exclusive, naive UTC), shape (n,)."""
    spine = make_spine(customer_ids, as_of, calendar)
    return profile_rows(events.tables.connection.con, events.group_of, layout, spine)


def sum_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the baskets of the transactions that are seen on a connection."""
    sql = prepared.prepared()
    prepared.keep(connection, prepared.BASKETS, sql.baskets)
    prepared.keep(connection, prepared.CATEGORY_BASKETS, sql.category_baskets)


def profile_rows(
    connection: duckdb.DuckDBPyConnection,
    group_of: Mapping[str, str],
    layout: Layout,
    spine: pa.Table,
    bought: Mapping[int, Array] | None = None,
) -> Profiles:
    """Return the profile of every row of a spine from what is kept on a connection.

    Parameters
    ----------
    connection : holds every table that `features.prepared` names, but the spine.
    group_of : the category group of each category, where it has one.
    bought : vectors by row, whose numbers of purchases are taken over instead of computed.
    """
    vectors = _defaults(layout, len(spine))
    connection.register(prepared.SPINE, spine)
    _fill_contacts(vectors, layout, connection)
    changed = np.ones(len(spine), dtype=bool)
    for row, vector in (bought or {}).items():
        of_purchases = _of_purchases(layout)
        vectors[row, of_purchases] = vector[of_purchases]
        changed[row] = False
    if changed.any():
        connection.register(prepared.SPINE, spine.filter(pa.array(changed)))
        _fill_purchases(vectors, layout, group_of, connection)
    scalars = layout.scalar_block(vectors)
    scalars[:, 0] = spine["as_of"].to_numpy().astype("datetime64[us]").astype("int64") / 1e6
    newest = [layout.scalars.index(name) for name in ("last_purchase_at", "last_contact_at")]
    scalars[:, 1] = np.fmax(scalars[:, newest[0]], scalars[:, newest[1]])
    customer_ids = spine["customer_id"].to_numpy(zero_copy_only=False).astype(object)
    return Profiles(layout, customer_ids, vectors)


def action_popularity(
    events: Events, calendar: Calendar, midnights: npt.NDArray[np.datetime64]
) -> pa.Table:
    """Return one row per (midnight, action) with its popularity features."""
    days = ibis.memtable(_days(calendar, midnights))
    actions = events.tables.actions.select("action_id", "category")
    every = days.select("midnight").cross_join(actions)
    bought = popularity.category_popularity(events.category_baskets, events.baskets, days)
    met = popularity.response_popularity(events.tables.touchpoints, days)
    both = every.left_join(bought, ["midnight", "category"]).drop(
        "midnight_right", "category_right"
    )
    both = both.left_join(met, ["midnight", "action_id"]).drop("midnight_right", "action_id_right")
    names = declared.stored(Block.POPULARITY)
    filled = {
        name: both[name].cast("float64").fill_null(declared.BY_NAME[name].default) for name in names
    }
    return both.select("midnight", "action_id", **filled).to_pyarrow()


def chunks(
    customer_ids: npt.NDArray[np.object_], as_of: npt.NDArray[np.datetime64], rows: int
) -> Iterator[tuple[npt.NDArray[np.object_], npt.NDArray[np.datetime64]]]:
    """Yield the spine in pieces of at most `rows`, earliest first."""
    order = np.argsort(as_of, kind="stable")
    for start in range(0, len(order), rows):
        piece = order[start : start + rows]
        yield customer_ids[piece], as_of[piece]


def _groups(category_baskets: ir.Table) -> dict[str, str]:
    grouped = category_baskets.group_by("category").agg(group=category_baskets.category_group.max())
    groups = grouped.filter(grouped.group.notnull()).to_pyarrow().to_pylist()
    return {row["category"]: row["group"] for row in groups}


def _days(calendar: Calendar, midnights: npt.NDArray[np.datetime64]) -> pa.Table:
    moments = midnights.astype("datetime64[us]")
    return pa.table(
        {
            "midnight": pa.array(moments),
            "since_28": pa.array(calendar.window_start(moments, 28)),
            "since_91": pa.array(calendar.window_start(moments, 91)),
        }
    )


@lru_cache(maxsize=4)
def _of_purchases(layout: Layout) -> npt.NDArray[np.bool_]:
    """Tell which numbers of a vector come from transactions alone."""
    vector = np.zeros((1, layout.size))
    others = {*PREFIX, *(feature.name for feature in contacts.STORED)}
    layout.scalar_block(vector)[:] = [name not in others for name in layout.scalars]
    layout.category_block(vector)[:] = 1.0
    fits = [name in action_history.ITEM_STORED for name in layout.action_features]
    layout.action_block(vector)[:] = fits
    chosen: npt.NDArray[np.bool_] = vector[0] == 1.0
    return chosen


def _defaults(layout: Layout, rows: int) -> Array:
    vectors = np.empty((rows, layout.size))
    _set_defaults(layout.scalar_block(vectors), layout.scalars)
    _set_defaults(layout.category_block(vectors), layout.category_features)
    _set_defaults(layout.action_block(vectors), layout.action_features)
    return vectors


def _fill_contacts(vectors: Array, layout: Layout, connection: duckdb.DuckDBPyConnection) -> None:
    sql = prepared.prepared()
    _fill_scalars(vectors, layout, connection, sql.contacts)
    _fill_actions(vectors, layout, connection, sql.action_history)


def _fill_purchases(
    vectors: Array,
    layout: Layout,
    group_of: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
) -> None:
    sql = prepared.prepared()
    prepared.keep(connection, prepared.AFFINITY, sql.affinity)
    _fill_scalars(vectors, layout, connection, sql.purchases)
    _fill_scalars(vectors, layout, connection, sql.breadth)
    block = layout.category_block(vectors)
    found = prepared.rows_of(connection, sql.categories)
    _set(
        block, layout.category_features, found, _place(found, "category", layout.category_position)
    )
    _fill_groups(block, layout, group_of, prepared.rows_of(connection, sql.groups))
    _fill_actions(vectors, layout, connection, sql.item_fit)


def _fill_scalars(
    vectors: Array, layout: Layout, connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    block = layout.scalar_block(vectors)
    _set(block, layout.scalars, prepared.rows_of(connection, sql))


def _fill_groups(block: Array, layout: Layout, group_of: Mapping[str, str], found: Found) -> None:
    names = found["category_group"]
    for place, category in enumerate(layout.categories):
        group = group_of.get(category)
        mine = names == group
        if group is not None and mine.any():
            at = np.full(int(mine.sum()), place)
            _set(block, layout.category_features, {k: v[mine] for k, v in found.items()}, at)


def _fill_actions(
    vectors: Array, layout: Layout, connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    found = prepared.rows_of(connection, sql)
    place = _place(found, "action_id", layout.action_position)
    _set(layout.action_block(vectors), layout.action_features, found, place)


def _place(found: Found, column: str, position: dict[str, int]) -> Index:
    return np.array([position.get(name, -1) for name in found[column]], dtype=np.int64)


def _set_defaults(block: Array, names: tuple[str, ...]) -> None:
    for at, name in enumerate(names):
        known = declared.BY_NAME.get(name)
        block[..., at] = known.default if known else np.nan


def _set(block: Array, names: tuple[str, ...], found: Found, place: Index | None = None) -> None:
    """Lay the found rows into a block at (row, place); places of -1 are not in the layout."""
    rows = found["row"]
    inside = slice(None) if place is None else place >= 0
    for at, name in enumerate(names):
        if name not in found:
            continue
        if place is None:
            block[rows, at] = found[name]
        else:
            block[rows[inside], place[inside], at] = found[name][inside]
