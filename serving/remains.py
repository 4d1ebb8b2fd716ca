"""Looks for a person in every file of a folder, whatever the format hides.

As a program, `python -m serving.remains FOLDER`, it takes customer ids as JSON on standard input
and prints the files as JSON. A process that has a SQLite file open must not read the bytes of it:
closing any file gives up every lock that the process has on it, and whoever opens the database next
takes its log for forgotten and deletes it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import DataError

_ROOT = Path(__file__).parents[1]
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


def named(home: Path, customer_ids: Sequence[str]) -> list[Path]:
    """Return the files below a folder that name one of the customers; a child process looks.

    Raises
    ------
    DataError : it could not.
    """
    child = subprocess.run(
        [sys.executable, "-m", "serving.remains", str(home.resolve())],
        input=json.dumps(list(customer_ids)).encode(),
        cwd=_ROOT,
        capture_output=True,
        check=False,
    )
    if child.returncode != 0:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DataError(f"{home}: cannot be looked through ({' '.join(last)[:200]})")
    return [Path(home, name) for name in json.loads(child.stdout)]


def main(home: Path) -> int:
    """Print which files below a folder name a customer of standard input."""
    found = [str(path.relative_to(home)) for path in naming(home, json.load(sys.stdin))]
    print(json.dumps(found))
    return 0


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


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
