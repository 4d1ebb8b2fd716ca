"""From source rows to canonical rows: every row is loaded, rejected with a reason, or a duplicate.

All of it is set-wise SQL; no row passes through Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from features.canonical.casting import Cell, shown, typed
from features.canonical.quoting import identifier, literal
from features.canonical.reader import FILE, ROW, Relation, columns_of, reason_of
from features.canonical.schemas import Column, TableSchema
from features.errors import DataError

REJECT_REASONS = (
    "malformed_line",
    "missing_value",
    "not_a_number",
    "not_a_time",
    "out_of_range",
    "unknown_type",
    "unknown_status",
    "in_the_future",
    "conflicting_duplicate",
)
"""Every reason a row can be rejected for, in the order they are looked for."""

REJECTS = "rejects"
_FAULT, _COPY = "_fault", "_copy"


@dataclass(frozen=True)
class Feed:
    """One source of a canonical table: which cell of the relation fills which column.

    `cells` holds the columns that the source has; `attributes` are those beyond the schema and
    `unused` the source columns that go nowhere.
    """

    schema: TableSchema
    relation: Relation
    cells: dict[str, Cell]
    attributes: tuple[Column, ...] = ()
    unused: tuple[str, ...] = ()


def create_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table of rejected rows."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {REJECTS} "
        '("table" VARCHAR, file VARCHAR, "row" BIGINT, "column" VARCHAR, value VARCHAR, '
        "reason VARCHAR)"
    )


def check_rows(
    connection: duckdb.DuckDBPyConnection, schema: TableSchema, feeds: list[Feed], now: datetime
) -> str:
    """Return a relation of the good rows of a table; the faulty ones are added to the rejects.

    A row shows its first fault only, in the order of the columns. Two rows with the same key are
    one row when all their columns agree; else both are rejected.
    """
    name = identifier(f"checked {schema.name}")
    rows = " UNION ALL BY NAME ".join(f"({_checked(feed, now)})" for feed in feeds)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}")
    except duckdb.Error as error:
        labels = ", ".join(feed.relation.label for feed in feeds)
        raise DataError(f"{labels}: not readable ({reason_of(error)})") from error
    _reject_faulty(connection, schema, name)
    for feed in feeds:
        _reject_malformed(connection, feed)
    copies = _find_copies(connection, schema, name)
    return (
        f"(SELECT * EXCLUDE ({FILE}, {ROW}, {_FAULT}) FROM {name} WHERE {_FAULT} IS NULL "
        f"AND ({FILE}, {ROW}) NOT IN (SELECT ({FILE}, {ROW}) FROM {copies}))"
    )


def count_rows(connection: duckdb.DuckDBPyConnection, schema: TableSchema) -> tuple[int, int]:
    """Return how many rows were read (malformed lines apart) and how many were dropped copies."""
    checked, copies = identifier(f"checked {schema.name}"), identifier(f"copies {schema.name}")
    counted = connection.execute(
        f"SELECT (SELECT count(*) FROM {checked}), "
        f"(SELECT count(*) FROM {copies} WHERE {_COPY} = 'identical')"
    ).fetchone()
    assert counted is not None
    return int(counted[0]), int(counted[1])


def _checked(feed: Feed, now: datetime) -> str:
    columns = (*feed.schema.columns, *feed.attributes)
    cast = [
        f"{typed(feed.cells[column.name], column)} AS {_typed_name(column)}"
        for column in columns
        if column.name in feed.cells
    ]
    chosen = [f"{_value(feed, column)} AS {identifier(column.name)}" for column in columns]
    faults = [
        fault
        for column in columns
        if column.name in feed.cells
        for fault in _faults(feed, column, now)
    ]
    return (
        f"SELECT {FILE}, {ROW}, {', '.join(chosen)}, CASE {' '.join(faults)} END AS {_FAULT} "
        f"FROM (SELECT *, {', '.join(cast)} FROM {feed.relation.name})"
    )


def _typed_name(column: Column) -> str:
    return identifier(f"typed {column.name}")


def _value(feed: Feed, column: Column) -> str:
    if column.name in feed.cells:
        return _typed_name(column)
    if column.numbered_within is not None:
        within = _typed_name(feed.schema.column(column.numbered_within))
        number = f"row_number() OVER (PARTITION BY {within} ORDER BY {FILE}, {ROW})"
        return f"CAST({number} AS VARCHAR)"
    return f"CAST(NULL AS {_SQL_TYPES[column.kind]})"


def _faults(feed: Feed, column: Column, now: datetime) -> list[str]:
    value, cell = _typed_name(column), feed.cells[column.name]
    present = shown(cell, column)
    faults = []
    if column.required:
        faults.append((f"{present} IS NULL", "missing_value"))
    if column.kind in ("number", "time"):
        unread = "not_a_number" if column.kind == "number" else "not_a_time"
        faults.append((f"{value} IS NULL AND {present} IS NOT NULL", unread))
    if column.low is not None and column.high is not None:
        faults.append((f"{value} NOT BETWEEN {column.low} AND {column.high}", "out_of_range"))
    if column.choices:
        choices = ", ".join(literal(choice) for choice in column.choices)
        faults.append((f"{value} NOT IN ({choices})", f"unknown_{column.name}"))
    if column.name == "timestamp" and feed.schema.past_only:
        moment = literal(now.astimezone(UTC).replace(tzinfo=None).isoformat())
        faults.append((f"{value} > TIMESTAMP {moment}", "in_the_future"))
    text = f"CAST({cell.expression} AS VARCHAR)"
    return [
        f"WHEN {test} THEN struct_pack(col := {literal(column.name)}, val := {text}, "
        f"reason := {literal(reason)})"
        for test, reason in faults
    ]


def _reject_faulty(
    connection: duckdb.DuckDBPyConnection, schema: TableSchema, checked: str
) -> None:
    connection.execute(
        f"INSERT INTO {REJECTS} SELECT {literal(schema.name)}, {FILE}, {ROW}, {_FAULT}.col, "
        f"{_FAULT}.val, {_FAULT}.reason FROM {checked} WHERE {_FAULT} IS NOT NULL"
    )


def _reject_malformed(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    if feed.relation.malformed is not None:
        connection.execute(
            f"INSERT INTO {REJECTS} SELECT {literal(feed.schema.name)}, {FILE}, {ROW}, NULL, "
            f"left(trim(line, chr(10) || chr(13)), 200), 'malformed_line' "
            f"FROM {feed.relation.malformed}"
        )


def _find_copies(connection: duckdb.DuckDBPyConnection, schema: TableSchema, checked: str) -> str:
    """Mark the rows that share their key: all of a conflicting key, all but one of an equal one."""
    copies = identifier(f"copies {schema.name}")
    key = ", ".join(identifier(name) for name in schema.key)
    names = [name for name in columns_of(connection, checked) if name != _FAULT]
    content = ", ".join(identifier(name) for name in names)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {copies} AS WITH repeated AS ("
        f"SELECT {key} FROM {checked} WHERE {_FAULT} IS NULL GROUP BY ALL HAVING count(*) > 1), "
        f"members AS (SELECT {FILE}, {ROW}, {key}, row({content}) AS same "
        f"FROM {checked} SEMI JOIN repeated USING ({key}) WHERE {_FAULT} IS NULL), "
        f"judged AS (SELECT *, count(DISTINCT same) OVER (PARTITION BY {key}) AS versions, "
        f"row_number() OVER (PARTITION BY {key} ORDER BY {FILE}, {ROW}) AS nth FROM members) "
        f"SELECT {FILE}, {ROW}, {key}, "
        f"CASE WHEN versions > 1 THEN 'conflicting' ELSE 'identical' END AS {_COPY} "
        "FROM judged WHERE versions > 1 OR nth > 1"
    )
    values = ", ".join(f"CAST({identifier(name)} AS VARCHAR)" for name in schema.key)
    connection.execute(
        f"INSERT INTO {REJECTS} SELECT {literal(schema.name)}, {FILE}, {ROW}, "
        f"{literal(', '.join(schema.key))}, concat_ws(', ', {values}), 'conflicting_duplicate' "
        f"FROM {copies} WHERE {_COPY} = 'conflicting'"
    )
    return copies


_SQL_TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "ids": "VARCHAR[]",
    "time": "TIMESTAMP",
    "number": "DOUBLE",
}
