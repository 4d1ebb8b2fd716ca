"""Source files as DuckDB relations that know the file and the row of everything they hold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.canonical.quoting import identifier, literal
from features.errors import DataError

FILE, ROW = "_file", "_row"
"""Columns of every relation: the file within the source folder, and the 1-based data row in it."""

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Source:
    """One table of a source folder: a CSV file, a parquet file or a folder of parquet parts."""

    name: str
    root: Path
    files: tuple[Path, ...]

    @property
    def is_csv(self) -> bool:
        """Whether the source is a CSV file."""
        return self.files[0].suffix.lower() == ".csv"

    @property
    def label(self) -> str:
        """The source as messages name it."""
        return str(self.files[0] if len(self.files) == 1 else self.root / self.name)


@dataclass(frozen=True)
class Relation:
    """Source rows as SQL: a select list over `name` may use `columns` (name -> DuckDB type).

    `malformed` names a table (file, row, line, problem) of CSV lines that do not fit the header.
    """

    name: str
    label: str
    columns: dict[str, str]
    malformed: str | None = None


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that spills to `spill` and never downloads anything."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute(f"SET temp_directory = {literal(str(spill))}")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def find_sources(folder: Path) -> dict[str, Source]:
    """Return the tables of a folder by name: NAME.csv, NAME.parquet or NAME/*.parquet.

    Raises
    ------
    DataError
        The folder does not exist, or two sources share a name.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    sources: dict[str, Source] = {}
    for path in sorted(folder.iterdir()):
        source = _source(folder, path)
        if source is None:
            continue
        if source.name in sources:
            raise DataError(f"{folder}: {source.name} is there twice, keep one of them ({path})")
        sources[source.name] = source
    return sources


def open_source(connection: duckdb.DuckDBPyConnection, source: Source) -> Relation:
    """Make the source a relation; CSV cells are text, parquet cells keep their type.

    Raises
    ------
    DataError
        A file is not readable as what its name says, or a CSV file has no header.
    """
    return _open_csv(connection, source) if source.is_csv else _open_parquet(connection, source)


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the columns of a relation with their DuckDB types, without file and row."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {name: kind for name, kind, *_ in described if name not in (FILE, ROW)}


def reason_of(error: Exception) -> str:
    """Return the first line of a database error."""
    return str(error).strip().partition("\n")[0]


def _source(folder: Path, path: Path) -> Source | None:
    if path.name.startswith((".", "_")):
        return None
    if path.is_dir():
        parts = tuple(sorted(path.glob("*.parquet")))
        return Source(path.name, folder, parts) if parts else None
    if path.suffix.lower() in (".csv", ".parquet"):
        return Source(path.stem, folder, (path,))
    return None


def _open_parquet(connection: duckdb.DuckDBPyConnection, source: Source) -> Relation:
    for path in source.files:
        try:
            connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})")
        except duckdb.Error as error:
            raise DataError(f"{path}: not readable as parquet ({reason_of(error)})") from error
    files = ", ".join(literal(str(path)) for path in source.files)
    view = identifier(f"source {source.name}")
    # The parts' paths start with the folder: what is left names the part within it.
    name = f"substr(_path, {len(str(source.root)) + 2})"
    try:
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * EXCLUDE (_path, file_row_number), "
            f"{name} AS {FILE}, file_row_number + 1 AS {ROW} FROM read_parquet([{files}], "
            "union_by_name = true, filename = '_path', file_row_number = true)"
        )
        return Relation(view, source.label, columns_of(connection, view))
    except duckdb.Error as error:
        raise DataError(f"{source.label}: {reason_of(error)}") from error


def _open_csv(connection: duckdb.DuckDBPyConnection, source: Source) -> Relation:
    path = source.files[0]
    delimiter, header = _read_header(path)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    table, lines = identifier(f"source {source.name}"), _line_table(source.name)
    options = (
        f"auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', columns = {{{columns}}}, store_rejects = true, "
        f"rejects_table = {literal(lines)}, rejects_scan = {literal(lines + '_scan')}"
    )
    rows = f"read_csv({literal(str(path))}, {options})"
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {identifier('read ' + source.name)} AS "
            f"SELECT row_number() OVER () AS _read, * FROM {rows}"
        )
        _number_rows(connection, source.name, path.name)
    except duckdb.Error as error:
        raise DataError(f"{path}: not readable as CSV ({reason_of(error)})") from error
    bad = identifier(f"malformed {source.name}")
    return Relation(table, str(path), dict.fromkeys(header, "VARCHAR"), bad)


def _line_table(name: str) -> str:
    # DuckDB takes only a plain word here, whatever the file is called.
    return f"lines_{name.encode().hex()}"


def _number_rows(connection: duckdb.DuckDBPyConnection, name: str, file: str) -> None:
    """Give each row read its place in the file, counting the malformed lines between them."""
    bad, read = identifier(f"malformed {name}"), identifier(f"read {name}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {bad} AS SELECT {literal(file)} AS {FILE}, "
        f"CAST(line AS BIGINT) - 1 AS {ROW}, min(csv_line) AS line, "
        "min(CAST(error_type AS VARCHAR)) AS problem, "
        f"row_number() OVER (ORDER BY line) AS _nth FROM {_line_table(name)} "
        "GROUP BY line"
    )
    connection.execute(
        f"CREATE OR REPLACE VIEW {identifier(f'source {name}')} AS "
        f"SELECT read.* EXCLUDE (_read), {literal(file)} AS {FILE}, "
        f"_read + coalesce(before._count, 0) AS {ROW} FROM {read} AS read "
        f"ASOF LEFT JOIN (SELECT {ROW} - _nth + 1 AS _from, max(_nth) AS _count FROM {bad} "
        "GROUP BY _from) AS before ON read._read >= before._from"
    )


def _read_header(path: Path) -> tuple[str, list[str]]:
    try:
        with path.open("rb") as file:
            line = file.readline().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as UTF-8 text ({error})") from error
    delimiter = max(_DELIMITERS, key=line.count)
    header = next(csv.reader([line], delimiter=delimiter), [])
    if not header:
        raise DataError(f"{path}: empty file, a header line is needed")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise DataError(f"{path}: column {min(twice)!r} is in the header twice")
    if "" in header:
        raise DataError(f"{path}: column {header.index('') + 1} of the header has no name")
    return delimiter, header
