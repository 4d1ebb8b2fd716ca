"""Takes customers out of files: tables are written anew without their rows.

A file is replaced whole or not at all, and only if it names one of them. Nothing is kept of what
was taken out.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import DataError

CUSTOMER_COLUMN = "customer_id"
_REJECTED = "value"
"""In the list of rejected rows: what could not be used, which may be an id."""


def ids_in_folder(folder: Path) -> set[str]:
    """Return the customers that the packed tables of a folder name.

    Raises
    ------
    DataError : a table cannot be read.
    """
    found: set[str] = set()
    for path in sorted(folder.glob("*.parquet")):
        try:
            with pq.ParquetFile(path) as source:
                if CUSTOMER_COLUMN in source.schema_arrow.names:
                    for batch in source.iter_batches(columns=[CUSTOMER_COLUMN]):
                        found |= set(pc.unique(batch.column(0)).to_pylist())
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not readable as parquet ({error})") from error
    return {one for one in found if one is not None}


def erase_from_folder(folder: Path, customer_ids: Collection[str]) -> dict[str, int]:
    """Take customers out of every table of a folder and its subfolders.

    Returns
    -------
    rows : how many rows were taken out, by file that named one of them, relative to `folder`.

    Raises
    ------
    DataError : a table cannot be read; nothing of it was changed.
    """
    ways: dict[str, Callable[[Path, frozenset[str]], int]] = {
        ".parquet": _erase_from_parquet,
        ".csv": _erase_from_csv,
        ".jsonl": _erase_from_lines,
    }
    wanted, found = frozenset(customer_ids), {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        erase = ways.get(path.suffix)
        if erase is not None and path.is_file() and (rows := erase(path, wanted)):
            found[str(path.relative_to(folder))] = rows
    return found


def _erase_from_parquet(path: Path, customer_ids: frozenset[str]) -> int:
    try:
        with pq.ParquetFile(path) as source:
            columns = _naming(source.schema_arrow.names)
            if not columns or not _names(source, columns, customer_ids):
                return 0
            with _replacing(path) as draft:
                return _copy_without(source, draft, columns, customer_ids)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: customers cannot be taken out ({error})") from error


def _naming(columns: list[str]) -> list[str]:
    """Return the columns that may name a customer."""
    rejects = {"file", "row", "column", _REJECTED, "reason"} <= set(columns)
    wanted = (CUSTOMER_COLUMN, _REJECTED) if rejects else (CUSTOMER_COLUMN,)
    return [name for name in wanted if name in columns]


def _names(source: pq.ParquetFile, columns: list[str], customer_ids: frozenset[str]) -> bool:
    batches = source.iter_batches(columns=columns)
    return any(pc.any(_mask(batch, columns, customer_ids)).as_py() for batch in batches)


def _mask(batch: pa.RecordBatch, columns: list[str], customer_ids: frozenset[str]) -> pa.Array:
    """Tell which rows name one of the customers."""
    wanted = pa.array(sorted(customer_ids), pa.string())
    named = [pc.is_in(batch.column(name).cast(pa.string()), wanted) for name in columns]
    mask = named[0]
    for other in named[1:]:
        mask = pc.or_(mask, other)
    return mask


def _copy_without(
    source: pq.ParquetFile, draft: Path, columns: list[str], customer_ids: frozenset[str]
) -> int:
    gone = 0
    with pq.ParquetWriter(draft, source.schema_arrow, compression="zstd") as writer:
        # In pieces as large as they were: whoever reads one customer reads one piece.
        for batch in source.iter_batches(batch_size=_piece(source)):
            kept = batch.filter(pc.invert(_mask(batch, columns, customer_ids)))
            gone += len(batch) - len(kept)
            writer.write_batch(kept)
    return gone


def _piece(source: pq.ParquetFile) -> int:
    found = source.metadata
    return max((found.row_group(at).num_rows for at in range(found.num_row_groups)), default=1)


def _erase_from_csv(path: Path, customer_ids: frozenset[str]) -> int:
    """Take out the rows in which a whole cell is one of the ids."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    kept = [row for number, row in enumerate(rows) if not number or customer_ids.isdisjoint(row)]
    if len(kept) == len(rows):
        return 0
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(kept)
    with _replacing(path) as draft:
        draft.write_text(text.getvalue(), encoding="utf-8")
    return len(rows) - len(kept)


def _erase_from_lines(path: Path, customer_ids: frozenset[str]) -> int:
    """Take out the lines of JSON in which one of the ids is a whole string."""
    quoted = [json.dumps(one) for one in customer_ids]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not any(one in line for one in quoted)]
    if len(kept) == len(lines):
        return 0
    with _replacing(path) as draft:
        draft.write_text("".join(kept), encoding="utf-8")
    return len(lines) - len(kept)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside a file; put it in the file's place when the block ends well."""
    draft = path.with_name(f".{path.name}.erasing")
    mode = path.stat().st_mode & 0o777
    try:
        yield draft
        draft.chmod(mode)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
