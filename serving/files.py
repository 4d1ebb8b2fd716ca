"""Tables that come from and go to other people's tools, as CSV or Parquet.

A text stays the text that it was: an id with leading zeros, or one that looks like a number, is
read as it is written.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from features.errors import ConfigError
from features.spelling import did_you_mean

KINDS = (".csv", ".parquet")
"""The endings of files that can be read and written."""


def read_columns(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, list[Any]]:
    """Return columns of a file by name; optional ones that are not there are left out.

    Of CSV every value is a text and an empty one is None; of Parquet what the file says.

    Raises
    ------
    ConfigError : no such file, not a table, a column is missing, or an id is no text.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    table = read_table(path)
    for name in (*needed, *(one for one in optional if one.endswith("_id"))):
        if name not in table.column_names:
            if name in optional:
                continue
            near = did_you_mean(name, table.column_names)
            raise ConfigError(f"{path}: has no column {name!r}{near}")
        kind = str(table.schema.field(name).type)
        if kind.removeprefix("large_") != "string":
            raise ConfigError(f"{path}: column {name!r} is {kind}; ids are texts, so write texts")
    wanted = [name for name in (*needed, *optional) if name in table.column_names]
    return {name: table.column(name).to_pylist() for name in wanted}


def read_table(path: Path) -> Any:
    """Return a file as a table.

    Raises
    ------
    ConfigError : it is none.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as parquet

    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
        options = arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        )
        parse = arrow_csv.ParseOptions(newlines_in_values=True)
        return arrow_csv.read_csv(path, parse_options=parse, convert_options=options)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: is not a table ({str(error).splitlines()[0]})") from error


@contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """Yield where to write a file; it is put in place once it is whole and on disk."""
    draft = path.with_name(f"{path.name}.part")
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_out(path: Path, option: str = "--out") -> None:
    """Refuse a file that cannot be written, before there is anything to write into it.

    Raises
    ------
    ConfigError : of another kind, or its folder is not there.
    """
    if path.suffix not in KINDS:
        raise ConfigError(f"{option} {path}: ends in neither of {' and '.join(KINDS)}")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise ConfigError(f"{option} {path}: not a file in a folder that exists")


class TableWriter:
    """Writes tables of one schema one after another into a CSV or Parquet file."""

    def __init__(self, path: Path, kind: str, schema: Any) -> None:
        import pyarrow.parquet as parquet

        self._schema = schema
        self._parquet = parquet.ParquetWriter(path, schema) if kind == ".parquet" else None
        self._csv = None if self._parquet else path.open("w", encoding="utf-8", newline="")
        if self._csv is not None:
            csv.writer(self._csv).writerow(schema.names)

    def write(self, table: Any) -> None:
        """Add the rows of a table."""
        if self._parquet is not None:
            self._parquet.write_table(table.select(self._schema.names).cast(self._schema))
            return
        writer = csv.writer(cast(Any, self._csv))
        for row in table.to_pylist():
            writer.writerow([_as_text(row[name]) for name in self._schema.names])

    def close(self) -> None:
        """Finish the file."""
        (self._parquet or cast(Any, self._csv)).close()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
