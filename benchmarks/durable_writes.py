"""`ledger`: outcomes stored durably by 64 clients at once to the same rows committed one by one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Turns, by_turns
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger
from decisioning.ledger.rows import DecisionRow, OutcomeRow, ReturnedAction

CLIENTS = 64
EACH = 10
"""Outcomes of one client in one turn, one after the other."""
DECISIONS = 640
_Job = tuple[OutcomeRow, Future[None]]
_NOON = 1_514_808_000.0
_ACTION = ReturnedAction("coffee", "breakfast", "win_back", 28)
_BY_HAND = """
CREATE TABLE decisions (decision_id TEXT PRIMARY KEY, customer_id TEXT, actions TEXT);
CREATE TABLE events (event_id TEXT PRIMARY KEY, body_digest TEXT, type TEXT, customer_id TEXT,
  occurred_at REAL, received_at REAL, day INTEGER, channel TEXT, action_id TEXT, action_group TEXT,
  issue TEXT, decision_id TEXT, attributes TEXT, flags TEXT);
CREATE INDEX by_customer ON events (customer_id, occurred_at);
CREATE INDEX by_decision ON events (decision_id);
"""


def ledger(home: DemoHome, repetitions: int = 5) -> tuple[Figure, ...]:
    """Return the figure of durable outcomes, and what the bare least of them costs.

    Both sides sync the disk before they answer. The second figure is a floor: nothing of the
    product is in it.
    """
    with TemporaryDirectory(prefix=".durable-", dir=home.settings.home) as folder:
        turns = measure(Path(folder), repetitions)
        floor = measure_floor(Path(folder), repetitions)
    return (
        Figure(
            name="ledger",
            workload=f"{CLIENTS * EACH} outcomes stored durably by {CLIENTS} clients at once",
            against="the same outcomes looked up, inserted and committed one by one, SQLite",
            ours=turns.ours,
            baseline=turns.baseline,
            target=0.1,
        ),
        Figure(
            name="ledger_floor",
            workload=f"{CLIENTS * EACH} outcomes of {CLIENTS} clients at once, looked up and "
            "inserted by hand, all that wait in one commit",
            against="the same outcomes looked up, inserted and committed one by one, SQLite",
            ours=floor.ours,
            baseline=floor.baseline,
        ),
    )


def measure(folder: Path, repetitions: int) -> Turns[None, None]:
    """Store the same number of outcomes in both ways, by turns, and see that all are there."""
    with (
        open_ledger(folder / "ledger.db") as opened,
        asyncio.Runner() as loop,
        closing(_by_hand(folder / "by_hand.db")) as connection,
    ):
        for number in range(DECISIONS):
            opened.log_decision(_decision(number))
        opened.flush()
        ours, theirs = _outcomes(), _outcomes()
        turns = by_turns(
            lambda: loop.run(_together(opened, ours)),
            lambda: _one_by_one(connection, theirs),
            repetitions,
        )
        stored = sum(len(opened.outcomes_of(f"d{number}")) for number in range(DECISIONS))
        (by_hand,) = connection.execute("SELECT count(*) FROM events").fetchone()
    if stored != by_hand or stored != repetitions * CLIENTS * EACH:
        raise AssertionError(f"{stored} outcomes stored, {by_hand} by hand")
    return turns


def measure_floor(folder: Path, repetitions: int) -> Turns[None, None]:
    """Store outcomes by hand, all that wait in one commit, by turns with commits one by one.

    Nothing of the product is in it: it is what handing over, SQLite and the disk cost.
    """
    jobs: SimpleQueue[_Job | None] = SimpleQueue()

    def write() -> None:
        with closing(_by_hand(folder / "together.db")) as connection:
            while (first := jobs.get()) is not None:
                together = [first]
                with suppress(Empty):
                    while (job := jobs.get_nowait()) is not None:
                        together.append(job)
                _commit(connection, [outcome for outcome, _ in together])
                for _, waiting in together:
                    waiting.set_result(None)

    writing = Thread(target=write)
    writing.start()
    with asyncio.Runner() as loop, closing(_by_hand(folder / "floor.db")) as connection:
        ours, theirs = _outcomes(), _outcomes()

        async def store() -> None:
            waiting: Future[None] = Future()
            jobs.put((next(ours), waiting))
            await asyncio.wrap_future(waiting)

        turns = by_turns(
            lambda: loop.run(_all_clients(store)),
            lambda: _one_by_one(connection, theirs),
            repetitions,
        )
    jobs.put(None)
    writing.join()
    return turns


async def _all_clients(do: Callable[[], Awaitable[None]]) -> None:
    """Let every client do one thing after the other, all clients at once.

    They are coroutines of one event loop, as the requests of the service are.
    """

    async def client() -> None:
        for _ in range(EACH):
            await do()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _together(opened: Ledger, outcomes: Iterator[OutcomeRow]) -> None:
    async def store() -> None:
        await asyncio.wrap_future(opened.store_outcomes([next(outcomes)], _NOON))

    await _all_clients(store)


def _one_by_one(connection: sqlite3.Connection, outcomes: Iterator[OutcomeRow]) -> None:
    for _ in range(CLIENTS * EACH):
        _commit(connection, [next(outcomes)])


def _commit(connection: sqlite3.Connection, outcomes: Iterable[OutcomeRow]) -> None:
    """Do what a careful service does by hand: is it new, whose is it, insert; then commit."""
    connection.execute("BEGIN IMMEDIATE")
    for one in outcomes:
        seen = connection.execute(
            "SELECT body_digest FROM events WHERE event_id = ?", (one.event_id,)
        ).fetchone()
        customer_id, _ = connection.execute(
            "SELECT customer_id, actions FROM decisions WHERE decision_id = ?", (one.decision_id,)
        ).fetchone()
        if seen is None:
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    one.event_id, one.body_digest, one.outcome, customer_id, one.occurred_at,
                    _NOON, one.day, "web", one.action_id, _ACTION.group, _ACTION.issue,
                    one.decision_id, one.attributes, "",
                ),
            )  # fmt: skip
    connection.execute("COMMIT")


def _outcomes() -> Iterator[OutcomeRow]:
    for number in count():
        yield OutcomeRow(
            event_id=f"e{number}",
            body_digest=f"{number:064x}",
            decision_id=f"d{number % DECISIONS}",
            action_id=_ACTION.action_id,
            outcome="clicked",
            occurred_at=_NOON,
            day=int(_NOON // 86_400),
        )


def _decision(number: int) -> DecisionRow:
    day = int(_NOON // 86_400)
    customer_id = str(number)
    return DecisionRow(f"d{number}", _NOON, day, customer_id, "web", actions=(_ACTION,))


def _by_hand(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_BY_HAND)
    rows = [(f"d{number}", str(number), "[]") for number in range(DECISIONS)]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO decisions VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")
    return connection
