"""Profile rows from canonical tables: the same computation for a backfill and for one customer.

The expressions of the families run over one spine at a time; here their results are laid into
vectors. Nothing here knows a feature by name: families declare, the layout orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import action_history, affinity, contacts, declared, popularity, purchases
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.history import make_spine
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Events brought into the shape that the expressions read; made once for many spines."""

    tables: Tables
    baskets: ir.Table
    category_baskets: ir.Table
    action_items: ir.Table
    group_of: dict[str, str]


def prepare(tables: Tables) -> Events:
    """Sum lines into baskets once, and keep the sums on the tables' connection."""
    category_baskets = _keep(
        tables, "category_baskets", affinity.category_baskets(tables.transactions)
    )
    grouped = category_baskets.group_by("category").agg(group=category_baskets.category_group.max())
    groups = grouped.filter(grouped.group.notnull()).to_pyarrow().to_pylist()
    return Events(
        tables=tables,
        baskets=_keep(tables, "baskets", purchases.baskets(tables.transactions)),
        category_baskets=category_baskets,
        action_items=_keep(tables, "action_items", action_history.action_items(tables.actions)),
        group_of={row["category"]: row["group"] for row in groups},
    )


def profiles(
    events: Events,
    layout: Layout,
    calendar: Calendar,
    customer_ids: npt.NDArray[np.object_],
    as_of: npt.NDArray[np.datetime64],
) -> Profiles:
    """Return the profile of each customer as of each moment (exclusive, naive UTC), shape (n,)."""
    spine = ibis.memtable(make_spine(customer_ids, as_of, calendar))
    vectors = np.empty((len(customer_ids), layout.size))
    moments = as_of.astype("datetime64[us]").astype("int64") / 1e6
    bought = _keep(events.tables, "affinity", affinity.affinity(events.category_baskets, spine))
    _fill_scalars(layout.scalar_block(vectors), layout, events, spine, bought)
    _fill_categories(layout.category_block(vectors), layout, events, bought)
    _fill_actions(layout.action_block(vectors), layout, events, spine)
    scalars = layout.scalar_block(vectors)
    scalars[:, 0] = moments
    newest = [layout.scalars.index(name) for name in ("last_purchase_at", "last_contact_at")]
    scalars[:, 1] = np.fmax(scalars[:, newest[0]], scalars[:, newest[1]])
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


def _keep(tables: Tables, name: str, expression: ir.Table) -> ir.Table:
    """Compute an expression once and keep its rows under a name on the tables' connection."""
    # Ibis 12 writes a DROP that DuckDB 2 cannot parse, so `overwrite=True` is not to be had.
    tables.connection.raw_sql(f'DROP TABLE IF EXISTS "kept_{name}"')
    return tables.connection.create_table(f"kept_{name}", expression, temp=True)


def _days(calendar: Calendar, midnights: npt.NDArray[np.datetime64]) -> pa.Table:
    moments = midnights.astype("datetime64[us]")
    return pa.table(
        {
            "midnight": pa.array(moments),
            "since_28": pa.array(calendar.window_start(moments, 28)),
            "since_91": pa.array(calendar.window_start(moments, 91)),
        }
    )


def _fill_scalars(
    block: Array, layout: Layout, events: Events, spine: ir.Table, bought: ir.Table
) -> None:
    _set_defaults(block, layout.scalars)
    for expression in (
        purchases.purchases(events.baskets, spine),
        contacts.contacts(events.tables.touchpoints, spine),
        affinity.breadth(bought),
    ):
        _set(block, layout.scalars, expression.to_pyarrow())


def _fill_categories(block: Array, layout: Layout, events: Events, bought: ir.Table) -> None:
    _set_defaults(block, layout.category_features)
    wanted = bought.filter(bought.category.isin(layout.categories or ("",)))
    found = wanted.drop("category_group").to_pyarrow()
    place = _place(found, "category", layout.category_position)
    _set(block, layout.category_features, found, place)
    _fill_groups(block, layout, events, affinity.group_affinity(bought).to_pyarrow())


def _fill_groups(block: Array, layout: Layout, events: Events, found: pa.Table) -> None:
    names = found["category_group"].to_pylist()
    for place, category in enumerate(layout.categories):
        group = events.group_of.get(category)
        rows = np.array([name == group for name in names], dtype=bool)
        if group is None or not rows.any():
            continue
        mine = found.filter(pa.array(rows))
        _set(block, layout.category_features, mine, np.full(len(mine), place))


def _fill_actions(block: Array, layout: Layout, events: Events, spine: ir.Table) -> None:
    _set_defaults(block, layout.action_features)
    tables = events.tables
    for expression in (
        action_history.action_history(tables.touchpoints, spine),
        action_history.item_fit(tables.transactions, events.action_items, spine),
    ):
        found = expression.to_pyarrow()
        place = _place(found, "action_id", layout.action_position)
        _set(block, layout.action_features, found, place)


def _place(found: pa.Table, column: str, position: dict[str, int]) -> Index:
    return np.array([position.get(name, -1) for name in found[column].to_pylist()], dtype=np.int64)


def _set_defaults(block: Array, names: tuple[str, ...]) -> None:
    for at, name in enumerate(names):
        known = declared.BY_NAME.get(name)
        block[..., at] = known.default if known else np.nan


def _set(block: Array, names: tuple[str, ...], found: pa.Table, place: Index | None = None) -> None:
    """Lay the found rows into a block at (row, place); places of -1 are not in the layout."""
    rows = found["row"].to_numpy()
    inside = slice(None) if place is None else place >= 0
    for at, name in enumerate(names):
        if name not in found.column_names:
            continue
        values = found[name].cast(pa.float64()).to_numpy()[inside]
        if place is None:
            block[rows, at] = values
        else:
            block[rows[inside], place[inside], at] = values
