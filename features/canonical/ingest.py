"""Ingest: source tables in, canonical tables, rejects and a report out, all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

import duckdb

from features.canonical.feeds import Rules, feed_tables
from features.canonical.mapping import read_mapping
from features.canonical.quoting import identifier, literal
from features.canonical.reader import connect, find_sources
from features.canonical.schemas import SCHEMAS, TableSchema
from features.canonical.validate import REJECTS, Feed, check_rows, count_rows, create_rejects
from features.clock import Clock
from features.errors import DataError
from features.spelling import did_you_mean

EVENT_TABLES = ("transactions", "touchpoints")
"""At least one of them must hold a row."""

_REPORT = "ingest.json"
_ROW_GROUP = 10_240
"""Rows that are read together: small, as a refresh wants those of few customers."""
_ALL_REJECTS = f'SELECT file, "row", "column", value, reason FROM {REJECTS} ORDER BY ALL'
Progress = Callable[[str], None]


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table: read = loaded + all rejected + dropped duplicates."""

    read: int
    loaded: int
    rejected: dict[str, int]
    dropped_duplicates: int
    rows_per_second: int
    attributes: tuple[str, ...] = ()
    unused_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did; the same as `ingest.json` in the target folder.

    `period` is the first and last event time (ISO, UTC); `ingested_at` the clock's time; digests
    are SHA-256 of the source files and of the written tables.
    """

    source: str
    ingested_at: str
    tables: dict[str, TableReport]
    period: tuple[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    unused_files: tuple[str, ...] = ()

    @property
    def rejected(self) -> int:
        """How many rows were rejected in all."""
        return sum(sum(table.rejected.values()) for table in self.tables.values())


@dataclass(frozen=True)
class Origin:
    """Where the feeds come from: its name, the SHA-256 of each file, the files not used."""

    source: str
    digests: dict[str, str]
    unused_files: tuple[str, ...] = ()


def silent(message: str) -> None:
    """Show no progress."""


def ingest_folder(
    source: Path,
    target: Path,
    clock: Clock,
    mapping: Path | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Ingest a folder of NAME.csv, NAME.parquet or NAME/*.parquet into `target`.

    Events after `clock.now()` are rejected. A failed ingest leaves `target` as it was.

    Raises
    ------
    DataError
        A file, the mapping or the folder cannot be used, or no event is left to load.
    """
    rules = Rules(read_mapping(mapping), mapping) if mapping else Rules()
    sources = find_sources(source)
    with workshop(target) as (draft, connection):
        feeds = feed_tables(connection, sources, rules)
        names = {name for table in feeds for name in (e.file or table for e in rules.of(table))}
        unused = tuple(sorted(sources.keys() - names))
        if not feeds.keys() & set(EVENT_TABLES):
            near = "".join(did_you_mean(name, SCHEMAS) for name in unused[:1])
            raise DataError(
                f"{source}: neither transactions nor touchpoints is there "
                f"(found: {', '.join(sources) or 'nothing'}){near}"
            )
        files = [path for name in sorted(names) for path in sources[name].files]
        digests = {str(path.relative_to(source)): digest(path) for path in files}
        origin = Origin(str(source), digests, unused)
        return load(connection, feeds, origin, draft, target, clock, progress)


@contextmanager
def workshop(target: Path) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Give a draft folder beside `target` and a connection that spills into it; both go away."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    connection = connect(draft / "spill")
    try:
        yield draft, connection
    finally:
        connection.close()
        shutil.rmtree(draft)


def load(
    connection: duckdb.DuckDBPyConnection,
    feeds: dict[str, list[Feed]],
    origin: Origin,
    draft: Path,
    target: Path,
    clock: Clock,
    progress: Progress = silent,
) -> IngestReport:
    """Check and write the feeds to `draft`, then move the files into `target`."""
    now = clock.now()
    create_rejects(connection)
    tables = {}
    for name, table_feeds in feeds.items():
        started = perf_counter()
        good = check_rows(connection, SCHEMAS[name], table_feeds, now)
        _write_table(connection, SCHEMAS[name], good, draft)
        tables[name] = _report_table(connection, name, table_feeds, perf_counter() - started)
        progress(describe(name, tables[name]))
    report = IngestReport(
        source=origin.source,
        ingested_at=now.isoformat(),
        tables=tables,
        period=_period(connection, origin.source, draft, tables),
        sources=origin.digests,
        digests={f"{name}.parquet": digest(draft / f"{name}.parquet") for name in tables},
        unused_files=origin.unused_files,
    )
    _write_rejects(connection, draft)
    (draft / _REPORT).write_text(json.dumps(asdict(report), indent=2) + "\n")
    former = _source_of(target)
    _publish(draft, target)
    if former not in (None, origin.source):
        progress(f"the tables of {former} that lay in {target} are replaced")
    return report


def describe(name: str, table: TableReport) -> str:
    """Return the accounts of one table as one line.

    >>> describe("transactions", TableReport(4, 2, {"in_the_future": 1}, 1, 100))
    'transactions: 4 rows read, 2 loaded, 1 rejected (in_the_future 1), 1 duplicate dropped, 100/s'
    """
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in table.rejected.items())
    rejected = f"{sum(table.rejected.values()):,} rejected" + (f" ({reasons})" if reasons else "")
    duplicates = "duplicate" if table.dropped_duplicates == 1 else "duplicates"
    return (
        f"{name}: {table.read:,} rows read, {table.loaded:,} loaded, {rejected}, "
        f"{table.dropped_duplicates:,} {duplicates} dropped, {table.rows_per_second:,}/s"
    )


def _source_of(target: Path) -> str | None:
    """Return where the tables of a folder came from; None where nothing is known to be there."""
    try:
        return str(json.loads((target / _REPORT).read_text(encoding="utf-8"))["source"])
    except (OSError, ValueError, KeyError):
        return None


def _write_table(
    connection: duckdb.DuckDBPyConnection, schema: TableSchema, good: str, draft: Path
) -> None:
    # One order for one content: the digests of two equal ingests agree, and one customer's events
    # lie together.
    order = ("customer_id", "timestamp", *schema.key) if schema.past_only else schema.key
    columns = ", ".join(identifier(name) for name in order)
    path = literal(str(draft / f"{schema.name}.parquet"))
    connection.execute(
        f"COPY (SELECT * FROM {good} ORDER BY {columns}) TO {path} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    )


def _report_table(
    connection: duckdb.DuckDBPyConnection, name: str, feeds: list[Feed], seconds: float
) -> TableReport:
    checked, copies = count_rows(connection, SCHEMAS[name])
    reasons = connection.execute(
        f'SELECT reason, count(*) FROM {REJECTS} WHERE "table" = {literal(name)} '
        "GROUP BY reason ORDER BY reason"
    ).fetchall()
    rejected = {str(reason): int(count) for reason, count in reasons}
    read = checked + rejected.get("malformed_line", 0)
    return TableReport(
        read=read,
        loaded=read - sum(rejected.values()) - copies,
        rejected=rejected,
        dropped_duplicates=copies,
        rows_per_second=round(read / max(seconds, 1e-9)),
        attributes=tuple(dict.fromkeys(column.name for f in feeds for column in f.attributes)),
        unused_columns=tuple(dict.fromkeys(name for feed in feeds for name in feed.unused)),
    )


def _period(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    draft: Path,
    tables: dict[str, TableReport],
) -> tuple[str, str]:
    files = [literal(str(draft / f"{name}.parquet")) for name in EVENT_TABLES if name in tables]
    selects = [f"SELECT timestamp FROM read_parquet({file})" for file in files]
    found = connection.execute(
        f"SELECT min(timestamp), max(timestamp) FROM ({' UNION ALL '.join(selects)})"
    ).fetchone()
    if found is None or found[0] is None:
        kept = draft.parent / "rejected.csv"
        _write_csv(connection, kept)
        raise DataError(
            f"{source}: no event is left to load. {_first_reject(connection)}; all: {kept}"
        )
    return f"{found[0].isoformat()}Z", f"{found[1].isoformat()}Z"


def _first_reject(connection: duckdb.DuckDBPyConnection) -> str:
    first = connection.execute(
        f'SELECT file, "row", "column", value, reason, count(*) OVER () FROM {REJECTS} '
        'ORDER BY file, "row" LIMIT 1'
    ).fetchone()
    if first is None:
        return "The tables of events have no rows."
    file, row, column, value, reason, count = first
    place = f"{file} row {row}, {column or 'line'} = {value!r}"
    return f"{count:,} rows were rejected, first {place}: {reason}"


def _write_rejects(connection: duckdb.DuckDBPyConnection, draft: Path) -> None:
    path = literal(str(draft / "rejects.parquet"))
    connection.execute(f"COPY ({_ALL_REJECTS}) TO {path} (FORMAT parquet)")
    _write_csv(connection, draft / "rejects.csv")


def _write_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute(f"COPY ({_ALL_REJECTS}) TO {literal(str(path))} (FORMAT csv)")


def _publish(draft: Path, target: Path) -> None:
    """Move the finished files into place; files that are not the ingest's own stay.

    The report goes first and comes back last: a folder without it was left in the middle.
    """
    target.mkdir(exist_ok=True)
    (target / _REPORT).unlink(missing_ok=True)
    for name in SCHEMAS:
        if not (draft / f"{name}.parquet").exists():
            (target / f"{name}.parquet").unlink(missing_ok=True)
    files = [path for path in sorted(draft.iterdir()) if path.is_file()]
    for path in sorted(files, key=lambda path: path.name == _REPORT):
        os.replace(path, target / path.name)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
