"""A data set of logged rows as a file: Parquet for the rows, JSON for what they were made from."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.frozen import Wanted
from training.logged import LoggedRow, LoggedRows

REPORT_KEY = b"nba.report"
"""Under which the file's metadata hold what `report_of` returns, as JSON."""
_MOMENTS = ("decided_at", "shown_at", "closes_at")
_TYPES = {
    "rank": pa.int64(),
    "grade": pa.float64(),
    "settled": pa.bool_(),
    "explored": pa.bool_(),
    "revenue": pa.float64(),
    "propensity": pa.float64(),
    "model_propensity": pa.float64(),
    "value": pa.float64(),
    "priority": pa.float64(),
    "probability": pa.float64(),
    "probability_error": pa.float64(),
    **dict.fromkeys(_MOMENTS, pa.timestamp("us", "UTC")),
}


def report_of(
    logged: LoggedRows, wanted: Wanted, problem: str, now: datetime, since: str, until: str
) -> dict[str, Any]:
    """Return what is told beside the rows, as JSON holds it."""
    return {
        "problem": problem,
        "built_at": now.isoformat(),
        "since": since,
        "until": until,
        "features": list(logged.names),
        "encodings": {name: dict(codes) for name, codes in wanted.encodings.items()},
        "reconciliation": logged.reconciliation.as_dict(),
    }


def table_of(logged: LoggedRows) -> pa.Table:
    """Return the rows as a table: what is known of each, then its inputs by name.

    An input has the prefix `x.`, so that none can be taken for a column of the decision.
    """
    columns = {
        name: _column(name, [getattr(row, name) for row in logged.rows])
        for name in LoggedRow._fields
    }
    inputs = {f"x.{name}": pa.array(logged.inputs.x[:, at]) for at, name in enumerate(logged.names)}
    return pa.table(columns | inputs)


def write_dataset(logged: LoggedRows, report: dict[str, Any], path: Path) -> tuple[Path, Path]:
    """Write the rows to a Parquet file and the report beside it; return both paths.

    Both appear under their names only when they are whole, and only their owner may read them: they
    hold customer ids.
    """
    table = table_of(logged)
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    kept = {**(table.schema.metadata or {}), REPORT_KEY: text.encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".json")
    _replace(path, lambda draft: pq.write_table(table.replace_schema_metadata(kept), draft))
    _replace(beside, lambda draft: draft.write_text(text, encoding="utf-8"))
    return path, beside


def _replace(path: Path, write: Any) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        write(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _column(name: str, values: list[Any]) -> pa.Array:
    if name in _MOMENTS:
        values = [round(value * 1e6) for value in values]
        return pa.array(values, pa.int64()).cast(_TYPES[name])
    # A grade that is not known yet is missing and not a number.
    return pa.array(values, _TYPES.get(name, pa.string()), from_pandas=name == "grade")
