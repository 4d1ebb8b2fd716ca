"""What only a server needs: settings it must have, time limits, and no password in a message."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from ledger_rows import NEEDS, NOON, decision, outcome, slot

from decisioning.ledger.open import open_ledger
from decisioning.ledger.postgres import MOST_READERS
from features.errors import LedgerBusy, LedgerError


def test_a_server_that_may_forget_commits_is_refused_unless_allowed(postgres_home) -> None:
    name = postgres_home.place.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_home.place, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    with pytest.raises(LedgerError, match="synchronous_commit is off"):
        postgres_home.open()
    ledger = postgres_home.open(allow_unsafe_server=True)
    assert ledger.log_decision(decision()).result(10).new


def test_a_server_that_is_not_there_is_an_error_without_the_password(tmp_path: Path) -> None:
    place = f"postgresql://ann:topsecret@/ledger?host={tmp_path}"
    with pytest.raises(LedgerError, match="cannot be opened") as refused:
        open_ledger(place, spool=tmp_path / "spool")
    assert "topsecret" not in str(refused.value)


def test_a_stranger_who_locks_a_table_fails_writes_after_a_second(postgres_home) -> None:
    ledger = postgres_home.open()
    ledger.take_decision(decision()).result(10)
    with psycopg.connect(postgres_home.place) as stranger:
        stranger.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        with pytest.raises(LedgerBusy, match="timeout"):
            ledger.store_outcomes([outcome("e1")], NOON).result(20)
        assert ledger.history("007", NOON, NEEDS).contacts == ()
        stranger.rollback()
    assert ledger.store_outcomes([outcome("e1")], NOON).result(10) == ["stored"]


def test_connections_that_the_server_closed_are_replaced(postgres_home) -> None:
    ledger = postgres_home.open()
    ledger.take_decision(decision(), (slot(),)).result(10)
    assert ledger.history("007", NOON, NEEDS).contacts
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with psycopg.connect(postgres_home.place, autocommit=True) as stranger:
        stranger.execute(f"{end} AND application_name = 'nba-ledger'".encode())
    assert ledger.take_decision(decision("d2")).result(10).stored
    # A reader notices while it reads; the connections that wait beside it are replaced with it.
    with pytest.raises(LedgerError):
        ledger.history("007", NOON, NEEDS)
    assert ledger.history("007", NOON, NEEDS).contacts


def test_many_readers_share_few_connections(postgres_home) -> None:
    ledger = postgres_home.open()
    ledger.take_decision(decision(), (slot(),)).result(10)
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda _: ledger.history("007", NOON, NEEDS), range(400)))
    assert len(set(found)) == 1
    with psycopg.connect(postgres_home.place) as stranger:
        query = b"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nba-ledger'"
        (count,) = stranger.execute(query).fetchone() or (0,)
    assert count <= MOST_READERS + 1
