"""Which source fills which canonical table, by name or by the mapping."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.canonical.casting import Cell, shown
from features.canonical.mapping import ColumnMapping, Constant, Mapping, TableMapping
from features.canonical.quoting import identifier, literal
from features.canonical.reader import Relation, Source, open_source
from features.canonical.schemas import SCHEMAS, Column, TableSchema
from features.canonical.validate import Feed
from features.errors import DataError
from features.spelling import did_you_mean

_CONSTANT_TYPES = {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}


@dataclass(frozen=True)
class Rules:
    """A mapping and the file it came from; `path` is None when there is none."""

    mapping: Mapping = Mapping()
    path: Path | None = None

    def of(self, table: str) -> tuple[TableMapping, ...]:
        """Return the source files of a table; an unmapped table has the file of its name."""
        return self.mapping.tables.get(table, (TableMapping(),))


def feed_tables(
    connection: duckdb.DuckDBPyConnection, sources: dict[str, Source], rules: Rules
) -> dict[str, list[Feed]]:
    """Return the feeds of every canonical table that has a source.

    Raises
    ------
    DataError
        The mapping names a file or column that is not there, or a required column is missing.
    """
    opened: dict[str, Relation] = {}
    feeds: dict[str, list[Feed]] = {}
    for table, schema in SCHEMAS.items():
        for entry in rules.of(table):
            file = entry.file or table
            if file not in sources:
                _refuse_unknown_file(file, table, sources, rules)
                continue
            if file not in opened:
                opened[file] = open_source(connection, sources[file])
            feed = feed_table(connection, schema, opened[file], entry, rules)
            feeds.setdefault(table, []).append(feed)
    return feeds


def feed_table(
    connection: duckdb.DuckDBPyConnection,
    schema: TableSchema,
    relation: Relation,
    entry: TableMapping | None = None,
    rules: Rules | None = None,
) -> Feed:
    """Return the feed of one table from one relation; without a mapping, names must agree."""
    entry, rules = entry or TableMapping(), rules or Rules()
    cells = {}
    for column in schema.columns:
        cell = _cell(column.name, relation, entry, rules)
        if cell is not None:
            cells[column.name] = cell
        elif column.required and column.numbered_within is None:
            raise DataError(
                f"{relation.label}: required column {column.name!r} of {schema.name} is missing"
                f"{did_you_mean(column.name, relation.columns)} (found: "
                f"{', '.join(relation.columns)}; is the first line a header?)"
            )
    further = _further_columns(schema, relation, entry)
    if not schema.attributes:
        return Feed(schema, relation, cells, unused=further)
    more = {name: _cell(name, relation, entry, rules) for name in further}
    attributes = {name: cell for name, cell in more.items() if cell is not None}
    kinds = tuple(
        Column(name, "number" if _holds_numbers(connection, relation, cell) else "text")
        for name, cell in attributes.items()
    )
    return Feed(schema, relation, {**cells, **attributes}, kinds)


def _cell(name: str, relation: Relation, entry: TableMapping, rules: Rules) -> Cell | None:
    if name in entry.constants:
        return _constant(entry.constants[name])
    reading = entry.columns.get(name, ColumnMapping())
    source = reading.source or name
    if source in relation.columns:
        missing, zone = rules.mapping.missing, rules.mapping.time_zone
        return Cell(identifier(source), relation.columns[source], reading, missing, zone)
    if name in entry.columns:
        raise DataError(
            f"{rules.path}: column {name!r} comes from {source!r}, but {relation.label} has no "
            f"such column{did_you_mean(source, relation.columns)} "
            f"(found: {', '.join(relation.columns)})"
        )
    return None


def _constant(value: Constant) -> Cell:
    return Cell(literal(value), _CONSTANT_TYPES[type(value)])


def _further_columns(
    schema: TableSchema, relation: Relation, entry: TableMapping
) -> tuple[str, ...]:
    """Columns beyond the schema: those the mapping adds, then the source's that nothing uses."""
    added = [name for name in (*entry.columns, *entry.constants) if name not in schema.names]
    used = {reading.source or name for name, reading in entry.columns.items()}
    left = [name for name in relation.columns if name not in used and name not in schema.names]
    return tuple(dict.fromkeys([*added, *left]))


def _holds_numbers(connection: duckdb.DuckDBPyConnection, relation: Relation, cell: Cell) -> bool:
    """Whether an attribute is a number: by its type, in CSV by all of its cells.

    A text with a leading zero such as "007" is a code, not a number.
    """
    if cell.is_number or relation.malformed is None or cell.data_type != "VARCHAR":
        return cell.is_number
    text = shown(cell, Column("attribute", "text"))
    counted = connection.execute(
        f"SELECT count(*), count(*) FILTER (try_cast(cell AS DOUBLE) IS NULL "
        "OR regexp_matches(cell, '^[+-]?0[0-9]')) "
        f"FROM (SELECT {text} AS cell FROM {relation.name}) WHERE cell IS NOT NULL"
    ).fetchone()
    return counted is not None and counted[0] > 0 and counted[1] == 0


def _refuse_unknown_file(file: str, table: str, sources: dict[str, Source], rules: Rules) -> None:
    if table in rules.mapping.tables:
        raise DataError(
            f"{rules.path}: tables.{table}: no file {file}.csv, {file}.parquet or folder {file}/ "
            f"with parquet parts in the source{did_you_mean(file, sources)} "
            f"(found: {', '.join(sources) or 'nothing'})"
        )
