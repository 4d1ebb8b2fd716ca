"""Looks for a person in every file of a folder, whatever the format hides."""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_SQLITE = b"SQLite format 3\0"
_LONG = 8
"""From so many bytes on an id is looked for without regard to what stands beside it."""


class Wanted:
    """Some customer ids, as they may stand in bytes."""

    def __init__(self, customer_ids: Sequence[str]) -> None:
        self.ids = tuple(sorted(set(customer_ids)))
        whole = b"|".join(re.escape(one.encode()) for one in self.ids)
        self._word = re.compile(rb"(?<![0-9A-Za-z_.-])(?:" + whole + rb")(?![0-9A-Za-z_.-])")
        self._long = [one.encode() for one in self.ids if len(one.encode()) >= _LONG]

    def within(self, content: bytes) -> bool:
        """Tell whether one of them stands there as a word; a long one also within a word."""
        if self._word.search(content) is not None:
            return True
        return any(one in content for one in self._long)

    def loose(self, content: bytes) -> bool:
        """Tell whether a long one stands there: between the fields of a database nothing is."""
        return any(one in content for one in self._long)


def naming(home: Path, customer_ids: Sequence[str]) -> Iterator[Path]:
    """Yield the files below a folder that name one of the customers.

    Tables are read column by column and databases value by value, compressed ones too, since bytes
    alone hide what is in them.
    """
    wanted = Wanted(customer_ids)
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink() and _names(path, wanted):
            yield path


def _names(path: Path, wanted: Wanted) -> bool:
    if path.suffix == ".parquet":
        return _in_table(path, wanted)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        # It went while it was looked at.
        return False
    if content.startswith(_SQLITE):
        return wanted.loose(content) or _in_database(path, wanted)
    if path.name.endswith(("-wal", "-shm", "-journal")):
        return wanted.loose(content)
    return wanted.within(content)


def _in_table(path: Path, wanted: Wanted) -> bool:
    ids = pa.array(wanted.ids, pa.string())
    with pq.ParquetFile(path) as source:
        kinds = (pa.string(), pa.large_string())
        texts = [one.name for one in source.schema_arrow if one.type in kinds]
        batches = source.iter_batches(columns=texts) if texts else iter(())
        return any(
            pc.any(pc.is_in(column.cast(pa.string()), ids)).as_py()
            for batch in batches
            for column in batch.columns
        )


def _in_database(path: Path, wanted: Wanted) -> bool:
    """Look through a database as it is, or where somebody keeps it busy, through its file alone.

    One that cannot be read at all counts as one that names somebody.
    """
    for how in ("mode=ro", "immutable=1"):
        with suppress(sqlite3.Error):
            return _in_values(f"{path.resolve().as_uri()}?{how}", wanted)
    return True


def _in_values(address: str, wanted: Wanted) -> bool:
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            quoted = name.decode().replace('"', '""')
            for row in connection.execute(f'SELECT * FROM "{quoted}"'):
                if any(wanted.within(_plain(v)) for v in row if isinstance(v, bytes)):
                    return True
    return False


def _plain(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value
