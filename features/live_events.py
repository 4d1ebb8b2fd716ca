"""Events as the ledger keeps them, turned into the canonical tables beside those of the sources.

The rows are handed in: who keeps them is no business of the features.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import ibis.expr.types as ir
import pyarrow as pa

from features.canonical.schemas import TOUCHPOINT_TYPES, TOUCHPOINTS, TRANSACTIONS, TableSchema
from features.canonical.tables import Tables, empty_schema

TRANSACTION = "transaction"
"""The type of an event with money; every other type that counts is one of a touchpoint."""
UNDONE = "undone"
"""The flag of an event that was taken back."""


class EventRow(NamedTuple):
    """One stored event.

    Attributes
    ----------
    occurred_at, received_at : seconds since 1970, UTC.
    attributes : a JSON object; that of a transaction has `transaction_id` and `lines`.
    flags : words separated by spaces.
    """

    event_id: str
    type: str
    customer_id: str | None
    occurred_at: float
    received_at: float
    channel: str | None = None
    action_id: str | None = None
    decision_id: str | None = None
    value: float | None = None
    rating: float | None = None
    amount: float | None = None
    category: str | None = None
    refers_to: str | None = None
    attributes: str = "{}"
    flags: str = ""


@dataclass(frozen=True)
class LiveEvents:
    """Canonical `transactions` and `touchpoints` of stored events, each key once per customer."""

    transactions: pa.Table
    touchpoints: pa.Table


def live_events(rows: Iterable[EventRow], owner_of: Mapping[str, str] | None = None) -> LiveEvents:
    """Return what happened according to stored events; what was taken back did not.

    Where two events have the same key, the one that came first counts.

    Parameters
    ----------
    owner_of : under which id the events of a customer are counted, where it is another one.
    """
    owners = owner_of or {}
    lines: list[dict[str, Any]] = []
    touches: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: (row.received_at, row.event_id)):
        if row.customer_id is None or UNDONE in row.flags.split():
            continue
        customer_id = owners.get(row.customer_id, row.customer_id)
        if row.type == TRANSACTION:
            lines += _lines(row, customer_id)
        elif row.type in TOUCHPOINT_TYPES:
            touches.append(_touchpoint(row, customer_id))
    return LiveEvents(_table(TRANSACTIONS, lines), _table(TOUCHPOINTS, touches))


def with_events(tables: Tables, live: LiveEvents) -> Tables:
    """Return the tables with stored events beside those of the sources.

    An event that the sources have already, by customer and key, is counted once.
    """
    found = {
        name: _kept(tables, name, getattr(tables, name), getattr(live, name), schema)
        for name, schema in (("transactions", TRANSACTIONS), ("touchpoints", TOUCHPOINTS))
    }
    return replace(tables, **found)


def new_rows(source: ir.Table, live: ir.Table, schema: TableSchema) -> ir.Table:
    """Return the live rows that the source does not have."""
    return live.anti_join(source, _identity(schema)).select(*schema.names)


def owners(people: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return under which id the events of a customer are counted, where it is another one.

    >>> owners({"7": ["7", "cookie-1"], "8": ["8"]})
    {'cookie-1': '7'}
    """
    return {
        member: customer_id
        for customer_id, members in people.items()
        for member in members
        if member != customer_id
    }


def with_people(tables: Tables, people: Mapping[str, Sequence[str]]) -> Tables:
    """Return the tables with the events of all ids of a person under one."""
    owner_of = owners(people)
    if not owner_of:
        return tables
    moved = {
        name: table.mutate(customer_id=table.customer_id.substitute(owner_of))
        for name, table in (
            ("transactions", tables.transactions),
            ("touchpoints", tables.touchpoints),
        )
    }
    return replace(tables, **moved)


@cache
def arrow_schema(schema: TableSchema) -> pa.Schema:
    """Return the Arrow schema of a canonical table."""
    return empty_schema(schema).to_pyarrow()


def _kept(
    tables: Tables, name: str, source: ir.Table, live: pa.Table, schema: TableSchema
) -> ir.Table:
    # Names of their own, as the tables may be given events more than once.
    connection, mark = tables.connection, uuid.uuid4().hex
    handed, new = f"live_{name}_{mark}", f"new_{name}_{mark}"
    connection.con.register(f"handed_{name}", live)
    # Ibis 12 writes a DROP that DuckDB 2 cannot parse, so tables are made by hand.
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {handed} AS SELECT * FROM handed_{name}")
    connection.con.unregister(f"handed_{name}")
    found = new_rows(source, connection.table(handed), schema)
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {new} AS {connection.compile(found)}")
    return source.select(*schema.names).union(connection.table(new))


def _identity(schema: TableSchema) -> list[str]:
    return ["customer_id", *schema.key]


def _lines(row: EventRow, customer_id: str) -> list[dict[str, Any]]:
    told = json.loads(row.attributes)
    given = told.get("lines") or [{"amount": row.amount, "category": row.category}]
    return [
        {
            "transaction_id": str(told.get("transaction_id") or row.event_id),
            "line_id": str(line.get("line_id") or place),
            "customer_id": customer_id,
            "timestamp": _microseconds(row.occurred_at),
            "amount": _number(line.get("amount")) or 0.0,
            "item_id": line.get("item_id"),
            "category": line.get("category"),
            "category_group": line.get("category_group"),
            "quantity": _number(line.get("quantity")),
            "discount": _unsigned(line.get("discount")),
            "coupon_discount": _unsigned(line.get("coupon_discount")),
            "channel": row.channel,
        }
        for place, line in enumerate(given, start=1)
    ]


def _touchpoint(row: EventRow, customer_id: str) -> dict[str, Any]:
    return {
        "touchpoint_id": row.event_id,
        "customer_id": customer_id,
        "timestamp": _microseconds(row.occurred_at),
        "channel": row.channel,
        "type": row.type,
        "action_id": row.action_id,
        "decision_id": row.decision_id,
        "refers_to": row.refers_to,
        "value": row.value,
        "rating": row.rating,
    }


def _table(schema: TableSchema, rows: list[dict[str, Any]]) -> pa.Table:
    identity = _identity(schema)
    once: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        once.setdefault(tuple(row[name] for name in identity), row)
    return pa.Table.from_pylist(list(once.values()), arrow_schema(schema))


def _microseconds(epoch_seconds: float) -> int:
    return round(epoch_seconds * 1e6)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _unsigned(value: float | None) -> float | None:
    return None if value is None else abs(float(value))
