"""`request`: a full answer over HTTP to BentoML's own empty service."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample
from benchmarks.servers import Connection, free_port, request_bytes, running
from features.canonical.tables import known_customers
from serving.keys import DECIDE_SCOPES, create_key

CUSTOMERS = 100
WARM_UP, BLOCK = 200, 50

# Both servers close a connection that is idle for seconds, so each block has its own.
Side = tuple[int, Iterator[bytes]]


def request(home: DemoHome, blocks: int = 20) -> tuple[Figure, ...]:
    """Return the figure of one connection, blocks of requests to each server by turns."""
    ids = known_customers(home.project.tables(home.tasks)).to_pyarrow()["customer_id"].to_pylist()
    chosen = np.random.default_rng(7).choice(np.array(ids, dtype=object), CUSTOMERS).tolist()
    with tempfile.TemporaryDirectory(prefix="nba-bench-") as folder, _servers(Path(folder)) as up:
        port, empty_port, key = up
        questions = [_question(customer_id, key) for customer_id in chosen]
        nothing = [_no_question(customer_id) for customer_id in chosen]
        for question in questions:
            with closing(Connection(port)) as connection:
                _refuse_less_than_a_full_answer(*connection.send(question))
        samples = _by_blocks((port, cycle(questions)), (empty_port, cycle(nothing)), blocks)
    candidates = len(home.task.catalog.action_ids)
    return (
        Figure(
            name="request",
            workload=f"POST /v1/next-best-actions, {candidates} candidates, reasons, SQLite, "
            "1 worker, 1 connection",
            against="BentoML's default no-op service",
            ours=samples[0],
            baseline=samples[1],
            target=2.0,
        ),
    )


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[int, int, str]]:
    port, empty_port, keys = free_port(), free_port(), folder / "keys.json"
    key = create_key(keys, DECIDE_SCOPES, datetime.now(UTC))
    own = {
        "NBA_HTTP_HOST": "127.0.0.1",
        "NBA_HTTP_PORT": str(port),
        "NBA_WORKERS": "1",
        "NBA_KEYS_FILE": str(keys),
    }
    bento = ["-m", "bentoml", "serve", "benchmarks.no_op:NoOp"]
    bento += ["--host", "127.0.0.1", "--port", str(empty_port)]
    quiet = {"BENTOML_DO_NOT_TRACK": "True"}
    with (
        running(["nba.py", "serve"], port, own, folder / "ours.log"),
        running(bento, empty_port, quiet, folder / "no_op.log"),
    ):
        yield port, empty_port, key


def _question(customer_id: str, key: str) -> bytes:
    asked = {"customer_id": customer_id, "channel": "advisor", "max_results": 3, "explain": "top"}
    return request_bytes("POST", "/v1/next-best-actions", json.dumps(asked).encode(), key)


def _no_question(customer_id: str) -> bytes:
    asked = {"customer_id": customer_id, "channel": "advisor", "max_results": 3}
    return request_bytes("POST", "/recommend", json.dumps(asked).encode())


def _refuse_less_than_a_full_answer(status: int, body: bytes) -> None:
    answer = json.loads(body)
    if status != 200 or answer["degraded"]:
        raise AssertionError(f"status {status}, not a full answer: {body[:500]!r}")
    for result in answer["results"]:
        if result["propensity"] is not None and not result["reasons"]:
            raise AssertionError(f"{result['action_id']}: an answer without reasons")


def _by_blocks(ours: Side, empty: Side, blocks: int) -> tuple[Sample, Sample]:
    taken: tuple[list[float], list[float]] = ([], [])
    for side in (ours, empty):
        _seconds(*side, WARM_UP)
    for _ in range(blocks):
        for side, seconds in zip((ours, empty), taken, strict=True):
            seconds += _seconds(*side, BLOCK)
    return Sample(tuple(taken[0])), Sample(tuple(taken[1]))


def _seconds(port: int, questions: Iterator[bytes], requests: int) -> list[float]:
    """Send requests one after the other on one connection; return how long each took."""
    seconds = []
    with closing(Connection(port)) as connection:
        connection.send(next(questions))
        for question in islice(questions, requests):
            started = perf_counter()
            status, body = connection.send(question)
            seconds.append(perf_counter() - started)
            if status != 200:
                raise AssertionError(f"status {status}: {body[:300]!r}")
    return seconds
