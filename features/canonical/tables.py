"""The canonical tables opened as Ibis tables, each complete whatever the source lacked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import duckdb
import ibis
from ibis import ir
from ibis.backends.duckdb import Backend

from features.canonical.schemas import SCHEMAS, Column, Kind, TableSchema
from features.errors import DataError

_DATA_TYPES: dict[Kind, str] = {
    "id": "string",
    "text": "string",
    "time": "timestamp(6)",
    "number": "float64",
    "ids": "array<string>",
}


@dataclass(frozen=True)
class Tables:
    """The canonical tables of one folder on one DuckDB connection.

    Every canonical column is there with its type, null where the source lacked it; an absent table
    is empty. `customers` and `actions` carry their attribute columns after the canonical ones.
    """

    folder: Path
    connection: Backend
    transactions: ir.Table
    touchpoints: ir.Table
    customers: ir.Table
    identities: ir.Table
    consents: ir.Table
    actions: ir.Table


def open_tables(folder: Path) -> Tables:
    """Open the tables that an ingest wrote to `folder`.

    Raises
    ------
    DataError
        The folder does not exist, or a file in it is not readable as parquet.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; run an ingest into it first")
    connection = ibis.duckdb.connect()
    opened = {
        name: _open_table(connection, folder / f"{name}.parquet", schema)
        for name, schema in SCHEMAS.items()
    }
    return Tables(folder, connection, **opened)


def known_customers(tables: Tables) -> ir.Table:
    """Return one row per customer_id seen in any table, sorted.

    A customer known only from transactions, touchpoints or identities is a customer.
    """
    seen = [
        table.select("customer_id")
        for table in (tables.customers, tables.transactions, tables.touchpoints, tables.identities)
    ]
    return reduce(lambda left, right: left.union(right), seen).distinct().order_by("customer_id")


def empty_schema(schema: TableSchema) -> ibis.Schema:
    """Return the Ibis schema of a canonical table without attributes.

    >>> from features.canonical.schemas import IDENTITIES
    >>> empty_schema(IDENTITIES)["valid_from"]
    Timestamp(timezone=None, scale=6, nullable=True)
    """
    return ibis.schema({column.name: _DATA_TYPES[column.kind] for column in schema.columns})


def _open_table(connection: Backend, path: Path, schema: TableSchema) -> ir.Table:
    if not path.exists():
        return connection.create_table(schema.name, schema=empty_schema(schema))
    try:
        source = connection.read_parquet(path.resolve(), table_name=f"{schema.name}_file")
    except duckdb.Error as error:
        raise DataError(f"{path}: not readable as parquet ({_first_line(error)})") from error
    attributes = [name for name in source.columns if name not in schema.names]
    columns = [_canonical(source, column) for column in schema.columns]
    return connection.create_view(schema.name, source.select(*columns, *attributes))


def _canonical(source: ir.Table, column: Column) -> ir.Value:
    data_type = _DATA_TYPES[column.kind]
    if column.name not in source.columns:
        return ibis.null(data_type).name(column.name)
    return source[column.name].cast(data_type).name(column.name)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
