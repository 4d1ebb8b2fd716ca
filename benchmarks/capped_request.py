"""`request_capped`: an answer that reserves a place durably, to one bare durable commit."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from time import perf_counter

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample
from benchmarks.servers import Connection
from benchmarks.whole_request import (
    CANDIDATES,
    our_service,
    question,
    refuse_less_than_a_full_answer,
    seconds_of,
    some_customers,
)
from benchmarks.wide_world import POLICIES, widened
from decisioning.configuration import Configuration, load_configuration
from decisioning.policies.policy_file import PolicyFile

WARM_UP, BLOCK = 50, 25
_CAP = {
    "id": "never_reached",
    "per": "action",
    "at_most": 100_000,
    "days": 7,
    "words": {"en": "often enough", "de": "oft genug"},
}


def request_capped(home: DemoHome, blocks: int = 20) -> tuple[Figure, ...]:
    """Return the figure of one connection; every result of every answer is counted by a limit."""
    with tempfile.TemporaryDirectory(prefix=".capped-", dir=home.settings.home) as name:
        folder = Path(name)
        with our_service(folder, _capped(home)) as (port, key), _database(folder) as database:
            questions = cycle([question(one, key) for one in some_customers(home)])
            with closing(Connection(port)) as connection:
                answer = connection.send(next(questions))
            refuse_less_than_a_full_answer(*answer, logged="durable")
            seconds_of(port, questions, WARM_UP)
            ours: list[float] = []
            bare: list[float] = []
            for _ in range(blocks):
                ours += seconds_of(port, questions, BLOCK)
                bare += _commits(database, BLOCK)
    return (
        Figure(
            name="request_capped",
            workload=f"POST /v1/next-best-actions, {CANDIDATES} candidates, {POLICIES}, "
            "log, reasons, a durable reservation for each result, SQLite, 1 connection",
            against="one row committed durably by SQLite on the same disk",
            ours=Sample(tuple(ours)),
            baseline=Sample(tuple(bare)),
            target=2.0,
        ),
    )


def _capped(home: DemoHome) -> Configuration:
    configuration = widened(load_configuration(home.settings.catalog_file), CANDIDATES)
    content = configuration.policies.model_dump(exclude_defaults=True)
    content["contact_policies"] = [*content.get("contact_policies", ()), _CAP]
    return replace(configuration, policies=PolicyFile.model_validate(content))


@contextmanager
def _database(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that syncs the disk with every commit, as the ledger does."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, content BLOB)")
        yield database


_NUMBERS = count()


def _commits(database: sqlite3.Connection, rows: int) -> list[float]:
    seconds = []
    for _ in range(rows):
        started = perf_counter()
        database.execute("INSERT INTO rows VALUES (?, ?)", (next(_NUMBERS), b"x" * 3_000))
        seconds.append(perf_counter() - started)
    return seconds
