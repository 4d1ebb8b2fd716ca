"""`redis_faults`: what an answer costs while Redis hangs, is gone or empty, and until all is well.

The service runs on a copy of the demo with its profiles on a Redis of its own; breaker and deadline
are those of production.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from benchmarks.databases import RedisServer, running_redis
from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample
from benchmarks.own_service import copied, served, told
from benchmarks.servers import Connection
from benchmarks.whole_request import question, some_customers
from serving.breaker import REST_SECONDS
from serving.settings import Settings

ANSWERS = 60
PAUSE_SECONDS = 0.02
LONGEST_SECONDS = 180.0


@dataclass
class _Asking:
    """Asks for one customer after the other; a connection that is idle for seconds is closed."""

    port: int
    questions: Iterator[bytes]

    def once(self, connection: Connection) -> tuple[float, list[str]]:
        """Return how long an answer took and what it lacks; an answer there has to be."""
        started = perf_counter()
        status, body = connection.send(next(self.questions))
        taken = perf_counter() - started
        if status != 200:
            raise AssertionError(f"status {status}: {body[:300]!r}")
        return taken, json.loads(body)["degraded"]

    def often(self, answers: int, *lacking: str) -> np.ndarray:
        """Return how long answers took, each of which lacks one of these, or nothing."""
        taken = []
        with closing(Connection(self.port)) as connection:
            for _ in range(answers):
                seconds, degraded = self.once(connection)
                if not {*lacking} & {*degraded} if lacking else degraded:
                    raise AssertionError(f"degraded {degraded} where {lacking} was expected")
                taken.append(seconds)
                sleep(PAUSE_SECONDS)
        return np.array(taken)

    def until_full(self) -> float:
        """Return after how long an answer lacks nothing again; nobody does anything about it."""
        started = perf_counter()
        with closing(Connection(self.port)) as connection:
            while perf_counter() - started < LONGEST_SECONDS:
                if not self.once(connection)[1]:
                    return perf_counter() - started
                sleep(PAUSE_SECONDS)
        raise AssertionError(f"not a full answer {LONGEST_SECONDS:g} s after Redis was whole again")


def redis_faults(home: DemoHome, answers: int = ANSWERS) -> tuple[Figure, ...]:
    """Return two figures for each fault: the worst answer, and the time until all is well."""
    with (
        tempfile.TemporaryDirectory(prefix="nba-bench-") as name,
        running_redis(Path(name) / "redis") as redis,
    ):
        folder = Path(name)
        own = copied(home, folder, {"NBA_ONLINE_STORE": redis.url})
        started = perf_counter()
        told(own, "features", "materialize")
        filling = perf_counter() - started
        with served(own, folder) as (port, key):
            asking = _Asking(port, cycle([question(one, key) for one in some_customers(home)]))
            asking.often(answers)
            usual = float(np.median(asking.often(answers)))
            return (
                *_faults(asking, redis, answers, usual),
                *_flushed(asking, redis, answers, usual, filling),
            )


def _faults(asking: _Asking, redis: RedisServer, answers: int, usual: float) -> Iterator[Figure]:
    faults: tuple[tuple[str, Callable[[], None], Callable[[], None]], ...] = (
        ("frozen (SIGSTOP)", redis.freeze, redis.thaw),
        ("stopped", redis.stop, redis.start),
    )
    for fault, make, mend in faults:
        make()
        taken = asking.often(answers, "features_unavailable")
        mend()
        again = asking.until_full()
        yield _answers(fault, taken, usual)
        yield Figure(
            name="redis_faults",
            workload=f"Redis no longer {fault}: until an answer is full again, by itself",
            against="the rest of the breaker",
            ours=Sample((again,)),
            baseline=Sample((REST_SECONDS,)),
            target=1.1,
        )


def _flushed(
    asking: _Asking, redis: RedisServer, answers: int, usual: float, filling: float
) -> Iterator[Figure]:
    emptied = perf_counter()
    redis.flush()
    # Until the service has noticed, it takes everybody for unknown.
    taken = asking.often(answers, "unknown_customer", "features_unavailable")
    asking.until_full()
    # Nobody mends anything here: the time runs from the fault.
    again = perf_counter() - emptied
    yield _answers("emptied (FLUSHALL)", taken, usual)
    yield Figure(
        name="redis_faults",
        workload="Redis emptied (FLUSHALL): from then until an answer is full again, by itself",
        against="`nba features materialize` into an empty Redis, without a service",
        ours=Sample((again,)),
        baseline=Sample((filling,)),
        target=2.0,
    )


def _answers(fault: str, taken: np.ndarray, usual: float) -> Figure:
    deadline = Settings.model_fields["deadline_ms"].default / 1_000
    return Figure(
        name="redis_faults",
        workload=f"Redis {fault}: the worst of {len(taken)} answers (median "
        f"{np.median(taken) * 1_000:.1f} ms; with a whole Redis {usual * 1_000:.1f} ms)",
        against="the deadline of what is read and an answer of a whole Redis",
        ours=Sample((float(taken.max()),)),
        baseline=Sample((deadline + usual,)),
        target=1.0,
    )
