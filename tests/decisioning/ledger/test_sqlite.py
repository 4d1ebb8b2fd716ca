"""What only a file needs: its settings, its mode, damage, locks of strangers and a full disk."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from ledger_rows import NEEDS, NOON, decision, outcome
from small_disk import small_disk

from features.errors import LedgerBusy, LedgerError, LedgerFull

ROOT = Path(__file__).parents[3]

SETTINGS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 250,
    "mmap_size": 0,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "secure_delete": 1,
    "journal_size_limit": 64 * 2**20,
}


def test_every_connection_has_the_settings_that_durability_rests_on(sqlite_home) -> None:
    store = sqlite_home.open()._store
    with store.writing() as writing, store.readers.lend() as reading:
        for session, checkpoints in ((writing, 1_000), (reading, 0)):
            for name, value in (SETTINGS | {"wal_autocheckpoint": checkpoints}).items():
                found = session.connection.execute(f"PRAGMA {name}").fetchone()
                assert (name, found) == (name, (value,))
    with store.readers.lend() as reading:
        assert reading.connection.execute("PRAGMA query_only").fetchone() == (1,)


def test_nobody_but_the_owner_reads_the_files(sqlite_home) -> None:
    ledger = sqlite_home.open()
    ledger.take_decision(decision()).result(10)
    files = [path for path in sqlite_home.folder.rglob("*") if path.is_file()]
    assert {"ledger.db", "ledger.db-wal", "ledger.db.lock"} <= {path.name for path in files}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_damaged_file_is_refused_when_it_is_opened(sqlite_home) -> None:
    ledger = sqlite_home.open()
    for number in range(200):
        ledger.log_decision(decision(f"d{number}"))
    sqlite_home.close()
    path = Path(sqlite_home.place)
    content = bytearray(path.read_bytes())
    for page in range(2, 30):
        content[page * 4_096 : page * 4_096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"ledger\.db: .*damaged"):
        sqlite_home.open()


@pytest.mark.parametrize("content", [b"not a database at all " * 500, b"SQLite format 3\0" * 9])
def test_a_file_that_is_no_ledger_is_refused(sqlite_home, content: bytes) -> None:
    Path(sqlite_home.place).write_bytes(content)
    with pytest.raises(LedgerError, match=r"ledger\.db"):
        sqlite_home.open()
    assert Path(sqlite_home.place).read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(sqlite_home) -> None:
    Path(sqlite_home.place).mkdir(parents=True)
    with pytest.raises(LedgerError, match=r"ledger\.db: cannot be opened"):
        sqlite_home.open()


def test_an_address_of_another_database_is_refused(tmp_path: Path) -> None:
    from decisioning.ledger.open import open_ledger

    with pytest.raises(LedgerError, match="mysql"):
        open_ledger("mysql://localhost/ledger", spool=tmp_path)
    with pytest.raises(LedgerError, match="spool"):
        open_ledger("postgresql://localhost/ledger")


def test_a_stranger_who_locks_the_file_fails_writes_and_not_reads(sqlite_home) -> None:
    ledger = sqlite_home.open()
    ledger.take_decision(decision()).result(10)
    with closing(sqlite3.connect(sqlite_home.place, isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerBusy, match="locked"):
            ledger.store_outcomes([outcome("e1")], NOON).result(20)
        logged = ledger.log_decision(decision("d2"))
        assert ledger.history("007", NOON, NEEDS).contacts == ()
        stranger.execute("ROLLBACK")
    assert logged.result(20).new
    assert ledger.store_outcomes([outcome("e1")], NOON).result(10) == ["stored"]


@pytest.fixture
def disk(tmp_path: Path):
    with small_disk(tmp_path / "small", 1) as disk:
        yield disk


def test_a_full_disk_refuses_writes_serves_reads_and_recovers(disk, sqlite_home) -> None:
    sqlite_home.place, sqlite_home.folder = str(disk.folder / "ledger.db"), disk.folder
    ledger = sqlite_home.open(min_free_bytes=0, warn_free_bytes=0)
    acknowledged = []
    with pytest.raises(LedgerError) as refused:
        for number in range(5_000):
            row = decision(f"d{number}", payload=os.urandom(2_000))
            ledger.take_decision(row).result(20)
            acknowledged.append(row.decision_id)
    assert isinstance(refused.value, LedgerFull) and len(acknowledged) > 5
    assert ledger.decision("d0") is not None and ledger.health().trouble is not None
    with suppress(LedgerFull):
        for number in range(200):
            ledger.log_decision(decision(f"logged{number}", payload=os.urandom(2_000)))
            acknowledged.append(f"logged{number}")
    disk.grow(32)
    assert ledger.take_decision(decision("after")).result(20).stored
    sqlite_home.close()
    with closing(sqlite3.connect(sqlite_home.place)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = [row[0] for row in connection.execute("SELECT decision_id FROM decisions")]
    assert {*acknowledged, "after"} - set(stored) == set()
    assert len(stored) == len(set(stored))


WRITE_ERROR = """
import resource, sys
from pathlib import Path
from ledger_rows import decision
from decisioning.ledger.open import open_ledger
from features.errors import LedgerError

_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
with open_ledger(sys.argv[1]) as ledger:
    ledger.take_decision(decision("before")).result()
    # From here on the system refuses to write behind the end of the log.
    size = Path(sys.argv[1] + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    for number in range(3):
        try:
            ledger.take_decision(decision(f"refused{number}")).result()
            raise SystemExit("was written")
        except LedgerError:
            assert ledger.decision("before") is not None
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert ledger.take_decision(decision("after")).result().stored
    assert ledger.verify().rows == 2 and ledger.verify().whole
print("recovered")
"""


def test_after_a_write_error_of_the_system_the_next_write_works(sqlite_home) -> None:
    worlds = ROOT / "tests" / "worlds"
    ran = subprocess.run(
        [sys.executable, "-c", WRITE_ERROR, sqlite_home.place],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{worlds}"},
    )  # fmt: skip
    assert (ran.stdout, ran.returncode) == ("recovered\n", 0), ran.stderr


def test_a_log_that_cannot_be_emptied_is_an_error_of_the_ledger(sqlite_home) -> None:
    ledger = sqlite_home.open()
    ledger.flush()
    place = Path(sqlite_home.place)
    aside = place.with_name("aside.db")
    place.rename(aside)
    place.mkdir()
    try:
        with pytest.raises(LedgerError, match="its log cannot be emptied"):
            ledger._store.tidy()
    finally:
        place.rmdir()
        aside.rename(place)
