"""Processes that are killed while they write: nothing that was acknowledged is missing or doubled.

What is in the database is read with SQL of this file's own.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import sleep

import psycopg
import pytest
from postgres_world import Server

ROOT = Path(__file__).parents[3]
WORLDS = ROOT / "tests" / "worlds"
RUNS = 5


def start(home, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, WORLDS / "ledger_child.py", home.place, home.folder / "spool", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{WORLDS}"},
    )


def kill_after(child: subprocess.Popen[str], seconds: float) -> list[tuple[str, str]]:
    """Let a child write for so long, kill it, and return what it had acknowledged."""
    assert child.stdout is not None
    first = child.stdout.readline()
    sleep(seconds)
    child.send_signal(signal.SIGKILL)
    lines = [first, *child.stdout.read().splitlines(keepends=True)]
    child.wait(10)
    child.stdout.close()
    assert child.stdin is not None
    child.stdin.close()
    # The pipe may end in half a line: that was not read, so not acknowledged.
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(what, name) for what, name in whole]


def rows_of(home, query: str) -> list[tuple]:
    if home.is_postgres:
        with psycopg.connect(home.place) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(home.place)) as connection:
        return connection.execute(query).fetchall()


def check(home, acknowledged: list[tuple[str, str]]) -> None:
    stored = Counter(row[0] for row in rows_of(home, "SELECT decision_id FROM decisions"))
    decisions = {name for what, name in acknowledged if what != "outcome"}
    assert decisions - set(stored) == set()
    assert set(stored.values()) == {1}
    events = Counter(row[0] for row in rows_of(home, "SELECT event_id FROM events"))
    assert {name for what, name in acknowledged if what == "outcome"} - set(events) == set()
    # None at all where the machine was so busy that it was killed before the first one.
    assert set(events.values()) <= {1}
    # Each taken decision has its one reservation, and its presentation is counted once.
    taken = {row[0] for row in rows_of(home, "SELECT decision_id FROM reservations")}
    assert {name for what, name in acknowledged if what == "taken"} - taken == set()
    confirmed = "SELECT count(*) FROM reservations WHERE confirmed_at IS NOT NULL"
    presented = "SELECT coalesce(sum(presented), 0) FROM volumes"
    assert rows_of(home, confirmed) == rows_of(home, presented)
    unconfirmed = "SELECT count(*) FROM reservations WHERE confirmed_at IS NULL"
    reserved = "SELECT coalesce(sum(open), 0) FROM reserved"
    assert rows_of(home, unconfirmed) == rows_of(home, reserved)
    assert rows_of(home, "SELECT count(*) FROM quarantine") == [(0,)]


def test_what_a_killed_process_acknowledged_is_there_exactly_once(home) -> None:
    chance = random.Random(5)
    acknowledged: list[tuple[str, str]] = []
    for run in range(RUNS):
        acknowledged += kill_after(start(home, f"run{run}"), chance.uniform(0.05, 0.5))
        home.open()
        home.close()
        check(home, acknowledged)
    assert {what for what, _ in acknowledged} == {"decision", "taken", "outcome"}
    report = home.open().verify()
    assert report.whole and report.rows >= len(acknowledged) / 3
    assert list((home.folder / "spool").glob("*.rejected")) == []


def test_of_two_processes_one_may_die_and_the_other_goes_on(home) -> None:
    children = [start(home, "dies"), start(home, "lives")]
    acknowledged = kill_after(children[0], 0.3)
    acknowledged += kill_after(children[1], 0.3)
    ledger = home.open()
    check(home, acknowledged)
    assert {name.split("-")[0] for _, name in acknowledged} == {"dies", "lives"}
    assert ledger.verify().whole


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT])
def test_a_server_that_is_killed_loses_nothing_and_the_ledger_goes_on(
    postgres_home, postgres: Server, how: signal.Signals
) -> None:
    from ledger_rows import NOON, decision, outcome

    from features.errors import LedgerError

    ledger = postgres_home.open()
    ledger.take_decision(decision("before")).result(10)
    server = postgres.process
    assert server is not None
    server.send_signal(how)
    server.wait(10)
    logged = ledger.log_decision(decision("meanwhile"))
    with pytest.raises(LedgerError):
        ledger.store_outcomes([outcome("e1", decision_id="before")], NOON).result(20)
    with pytest.raises(LedgerError):
        ledger.decision("before")
    postgres.start()
    assert logged.result(20).new
    assert ledger.store_outcomes([outcome("e1", decision_id="before")], NOON).result(10) == [
        "stored"
    ]
    assert ledger.decision("before") is not None
    assert ledger.verify().whole
