"""Profile rows that were computed since the last build: each process appends to a file of its own.

A file is a stream of Arrow batches, so that adding a few rows costs no rewriting and what a killed
process left is readable up to its last whole batch. `fold` makes one Parquet file of all of them,
beside that of the build, for point-in-time joins. The next build computes its rows anew and begins
without any.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.backfill import named
from features.layout import Layout
from features.profiles import Profiles

FOLDED = "profile-fresh.parquet"
_FOLDER, _ENDING = "fresh", ".arrows"


class FreshRows:
    """The rows that this process adds to the build in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER
        self._path = _new(self._folder)
        self._file: pa.NativeFile | None = None
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None

    def append(self, rows: pa.Table) -> None:
        """Add packed profile rows."""
        if self._stream is not None and not self._path.exists():
            # Somebody was taken out of it: what is left lies in another file.
            self.close()
            self._path = _new(self._folder)
        if self._stream is None or self._file is None:
            self._path.parent.mkdir(exist_ok=True)
            self._file = pa.OSFile(str(self._path), "wb")
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            self._stream = pa.ipc.new_stream(self._file, rows.schema, options=options)
        self._stream.write_table(rows)
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        if self._stream is not None and self._file is not None:
            self._stream.close()
            self._file.close()
        self._stream = self._file = None


def fold(folder: Path, layout: Layout) -> int:
    """Put all fresh rows of a layout into one Parquet file; return how many there are."""
    draft = folder / f"{uuid.uuid4().hex}.tmp"
    writer: pq.ParquetWriter | None = None
    folded = 0
    try:
        for path in sorted((folder / _FOLDER).glob(f"*{_ENDING}")):
            for batch in _batches(path):
                rows = [row for row in batch.to_pylist() if row["layout"] == layout.hash]
                if not rows:
                    continue
                table = named(_unpacked(rows, layout))
                if writer is None:
                    writer = pq.ParquetWriter(draft, table.schema, compression="zstd")
                writer.write_table(table)
                folded += len(rows)
    finally:
        if writer is not None:
            writer.close()
    if writer is not None:
        os.replace(draft, folder / FOLDED)
    return folded


def forget(folder: Path, customer_ids: Collection[str]) -> int:
    """Take customers out of all fresh rows; return how many rows went.

    Whoever calls holds the right to write profiles (`writing_online`).
    """
    wanted, gone = pa.array(sorted(customer_ids), pa.string()), 0
    for path in sorted((folder / _FOLDER).glob(f"*{_ENDING}")):
        batches = list(_batches(path))
        kept = [one.filter(pc.invert(pc.is_in(one["customer_id"], wanted))) for one in batches]
        lost = sum(map(len, batches)) - sum(map(len, kept))
        if lost:
            with closing(FreshRows(folder)) as fresh:
                for batch in kept:
                    fresh.append(pa.Table.from_batches([batch]))
            path.unlink()
            gone += lost
    return gone


def _new(folder: Path) -> Path:
    return folder / f"{uuid.uuid4().hex}{_ENDING}"


def _unpacked(rows: list[dict[str, Any]], layout: Layout) -> Profiles:
    vectors = np.stack([np.frombuffer(row["vector"], dtype="<f8") for row in rows])
    return Profiles(layout, np.array([row["customer_id"] for row in rows], dtype=object), vectors)


@contextmanager
def writing_online(home: Path) -> Iterator[None]:
    """Hold the one right to write profiles online, among all processes of this machine.

    A refresh that read less must not write over one that read more.
    """
    with (home / "online.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def written_by_another(home: Path) -> bool:
    """Tell whether a process of this machine is writing profiles online just now."""
    with (home / "online.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
            yield from stream
    except (OSError, pa.ArrowInvalid):
        # Whoever wrote it is writing, or died: what is whole was read.
        return
