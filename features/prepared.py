"""The expressions of all profile features as SQL over named tables, compiled once per process.

Compiling them costs more than running them for one customer, and having DuckDB parse them a third
as much as that; it is done once too. DuckDB plans them anew each time all the same: since its
version 2 it keeps no plan of a statement that reads a table. The names are the same wherever they
run: a backfill keeps whole tables under them, a refresh those of a few customers.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from features import action_history, affinity, contacts, purchases
from features.calendar import Calendar
from features.canonical.schemas import TOUCHPOINTS, TRANSACTIONS, TableSchema
from features.canonical.tables import empty_schema
from features.history import empty_spine
from features.live_events import new_rows

Found = dict[str, npt.NDArray[Any]]
"""The rows of a result by column."""

SEEN_TRANSACTIONS, SEEN_TOUCHPOINTS = "seen_transactions", "seen_touchpoints"
"""The canonical events that profiles are computed from."""
ACTION_ITEMS, SPINE = "action_items", "spine"
BASKETS, CATEGORY_BASKETS, AFFINITY = "kept_baskets", "kept_category_baskets", "kept_affinity"

_KEYS = ("row", "category", "category_group", "action_id")


@dataclass(frozen=True)
class Prepared:
    """SQL by what it computes.

    Attributes
    ----------
    seen_transactions, seen_touchpoints : the rows of sources and of stored events together.
    baskets, category_baskets : sums of the lines, to be kept under their names; made once for many
        spines.
    affinity : per profile and category, to be kept for every spine.
    purchases, breadth, contacts : one row per profile.
    categories, groups : one row per profile and category, or category group.
    action_history, item_fit : one row per profile and action.
    """

    seen_transactions: str
    seen_touchpoints: str
    baskets: str
    category_baskets: str
    affinity: str
    purchases: str
    breadth: str
    contacts: str
    categories: str
    groups: str
    action_history: str
    item_fit: str


@cache
def prepared() -> Prepared:
    """Return the SQL of all stored profile features."""
    lines = ibis.table(empty_schema(TRANSACTIONS), name=SEEN_TRANSACTIONS)
    touches = ibis.table(empty_schema(TOUCHPOINTS), name=SEEN_TOUCHPOINTS)
    spine = ibis.table(ibis.schema(empty_spine(Calendar()).schema), name=SPINE)
    items = ibis.table(action_history.ITEM_SCHEMA, name=ACTION_ITEMS)
    baskets, category_baskets = purchases.baskets(lines), affinity.category_baskets(lines)
    kept_baskets = ibis.table(baskets.schema(), name=BASKETS)
    kept_by_category = ibis.table(category_baskets.schema(), name=CATEGORY_BASKETS)
    bought = affinity.affinity(kept_by_category, spine)
    kept_affinity = ibis.table(bought.schema(), name=AFFINITY)
    made = Prepared(
        seen_transactions=_sql(_together(TRANSACTIONS)),
        seen_touchpoints=_sql(_together(TOUCHPOINTS)),
        baskets=_sql(baskets),
        category_baskets=_sql(category_baskets),
        affinity=_sql(bought),
        purchases=_numbers(purchases.purchases(kept_baskets, spine)),
        breadth=_numbers(affinity.breadth(kept_affinity)),
        contacts=_numbers(contacts.contacts(touches, spine)),
        categories=_numbers(kept_affinity.drop("category_group")),
        groups=_numbers(affinity.group_affinity(kept_affinity)),
        action_history=_numbers(action_history.action_history(touches, spine)),
        item_fit=_numbers(action_history.item_fit(lines, items, spine)),
    )
    # Read now, as this is done before anything is waited for.
    for name, sql in (
        (SEEN_TRANSACTIONS, made.seen_transactions),
        (SEEN_TOUCHPOINTS, made.seen_touchpoints),
        (BASKETS, made.baskets),
        (CATEGORY_BASKETS, made.category_baskets),
        (AFFINITY, made.affinity),
    ):
        _parsed(_keeping(name, sql))
    for sql in (made.purchases, made.breadth, made.contacts, made.categories, made.groups):
        _parsed(sql)
    for sql in (made.action_history, made.item_fit):
        _parsed(sql)
    # What is left of a library at the end of a process, it complains of.
    atexit.register(_parsed.cache_clear)
    return made


def keep(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    """Compute a query once and keep its rows under a name."""
    connection.execute(_parsed(_keeping(name, sql)))


def keep_seen(connection: duckdb.DuckDBPyConnection, schema: TableSchema, happened: bool) -> None:
    """Keep the rows of a canonical table that profiles are computed from.

    Parameters
    ----------
    connection : has the rows of the sources as `source_<table>`, those of stored events as
        `live_<table>`.
    happened : whether there are any of the latter.
    """
    name, sql = {
        TRANSACTIONS.name: (SEEN_TRANSACTIONS, prepared().seen_transactions),
        TOUCHPOINTS.name: (SEEN_TOUCHPOINTS, prepared().seen_touchpoints),
    }[schema.name]
    keep(connection, name, sql if happened else f"SELECT * FROM source_{schema.name}")


def newest_purchases(connection: duckdb.DuckDBPyConnection) -> dict[str, np.datetime64]:
    """Return when the last transaction of each customer is that is seen."""
    sql = f"SELECT customer_id, max(timestamp) AS newest FROM {SEEN_TRANSACTIONS} GROUP BY 1"
    found = rows_of(connection, sql)
    return dict(zip(found["customer_id"].tolist(), found["newest"], strict=True))


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> Found:
    """Return all rows of a query; NaN or None where a value is missing."""
    # A relation would be planned twice, which is most of the cost for one customer.
    found: dict[str, Any] = connection.execute(_parsed(sql)).fetchnumpy()
    return {name: _filled(values) for name, values in found.items()}


def _keeping(name: str, sql: str) -> str:
    return f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}'


@cache
def _parsed(sql: str) -> duckdb.Statement:
    """Return one of a few queries as DuckDB reads it, which is a third of what it costs to run."""
    with duckdb.connect() as connection:
        (statement,) = connection.extract_statements(sql)
    return statement


def _filled(values: Any) -> npt.NDArray[Any]:
    plain: npt.NDArray[Any] = np.array(values)
    missing = np.ma.getmaskarray(values)
    if missing.any():
        plain[missing] = np.nan if plain.dtype.kind == "f" else None
    return plain


def _together(schema: TableSchema) -> ir.Table:
    source = ibis.table(empty_schema(schema), name=f"source_{schema.name}")
    live = ibis.table(empty_schema(schema), name=f"live_{schema.name}")
    return source.union(new_rows(source, live, schema))


def _numbers(expression: ir.Table) -> str:
    """Return the SQL of a result, with every feature as a 64-bit float."""
    columns = {
        name: expression[name].cast("float64") for name in expression.columns if name not in _KEYS
    }
    return _sql(expression.mutate(**columns))


def _sql(expression: ir.Table) -> str:
    return str(ibis.to_sql(expression, dialect="duckdb", pretty=False))
