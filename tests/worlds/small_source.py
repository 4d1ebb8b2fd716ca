"""Small source folders for ingest, and a look at what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from features.canonical.ingest import IngestReport, ingest_folder
from features.clock import FixedClock

NOW = FixedClock(datetime(2024, 6, 1, 12, tzinfo=UTC))
HEADER = "transaction_id,line_id,customer_id,timestamp,amount"


def write(source: Path, name: str, *lines: str) -> None:
    (source / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_parquet(path: Path, query: str) -> None:
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def ingest(source: Path, mapping: Path | None = None) -> IngestReport:
    return ingest_folder(source, source.parent / "target", NOW, mapping)


def rejects(source: Path) -> list[tuple[object, ...]]:
    path = source.parent / "target" / "rejects.parquet"
    return duckdb.connect().execute(f"SELECT * FROM '{path}' ORDER BY ALL").fetchall()


def rows(source: Path, table: str, *columns: str) -> list[tuple[object, ...]]:
    path = source.parent / "target" / f"{table}.parquet"
    query = f"SELECT {', '.join(columns)} FROM '{path}' ORDER BY ALL"
    return duckdb.connect().execute(query).fetchall()
