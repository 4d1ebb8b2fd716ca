"""A person is found in every kind of file, and nobody else is taken for them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ledger_rows import event

from decisioning.ledger.open import open_ledger
from features.errors import DataError
from serving.remains import named, naming

NOW = 1_700_000_000.0


def found(folder: Path, *customer_ids: str) -> list[str]:
    return [path.name for path in naming(folder, customer_ids)]


def test_a_person_is_found_in_tables_databases_and_texts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"who": ["x", "1053"], "n": [1, 2]}), tmp_path / "a.parquet")
    (tmp_path / "b.json").write_text('{"customer": "1053"}')
    with closing(sqlite3.connect(tmp_path / "c.db")) as file, file:
        file.execute("CREATE TABLE t (who TEXT, what BLOB)")
        file.execute("INSERT INTO t VALUES ('x', ?)", (zlib.compress(b'{"id": "1053"}'),))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "e.html").write_text("<td>1053</td>")
    assert found(tmp_path, "1053") == ["a.parquet", "b.json", "c.db", "e.html"]
    assert found(tmp_path, "nobody", "1053") == ["a.parquet", "b.json", "c.db", "e.html"]
    assert found(tmp_path, "105") == []


def test_numbers_that_only_contain_the_id_are_not_the_person(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"n": 10530, "m": 0.1053, "x": "a1053"}')
    pq.write_table(pa.table({"who": ["10530"], "n": [1053]}), tmp_path / "b.parquet")
    assert found(tmp_path, "1053") == []


def test_what_a_database_has_deleted_and_not_overwritten_is_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db")) as file:
        file.execute("PRAGMA secure_delete = OFF")
        file.execute("CREATE TABLE t (who TEXT)")
        file.execute("INSERT INTO t VALUES ('customer-4711')")
        file.commit()
        file.execute("DELETE FROM t")
        file.commit()
    assert found(tmp_path, "customer-4711") == ["c.db"]


def test_a_database_that_somebody_holds_is_read_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None)) as file:
        file.execute("CREATE TABLE t (who TEXT)")
        file.execute("INSERT INTO t VALUES ('1053')")
        file.execute("BEGIN EXCLUSIVE")
        assert found(tmp_path, "1053") == ["held.db"]
        assert found(tmp_path, "1054") == []
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 20)
    assert found(tmp_path, "1054") == ["damaged.db"]


def test_looking_through_a_ledger_that_is_open_leaves_it_to_its_owner(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    try:
        ledger.store_events([event("before")], NOW).result()
        assert named(tmp_path, ["nobody-at-all"]) == []
        # Another process opens the database and closes it again, as any verb does.
        assert _count(tmp_path / "ledger.db") == 1
        ledger.store_events([event("after")], NOW).result()
        assert not [one for one in _open_files(tmp_path) if one.endswith("(deleted)")]
        assert _count(tmp_path / "ledger.db") == 2
    finally:
        ledger.close()


def test_a_folder_that_cannot_be_looked_through_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="cannot be looked through"):
        named(tmp_path, ["1053"])


def _count(path: Path) -> int:
    read = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1])\n"
    read += "print(c.execute('SELECT count(*) FROM events').fetchone()[0]); c.close()"
    told = subprocess.run([sys.executable, "-c", read, path], capture_output=True, check=True)
    return int(told.stdout)


def _open_files(folder: Path) -> list[str]:
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(os.readlink(one))
    return [one for one in found if one.startswith(str(folder))]
