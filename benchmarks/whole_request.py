"""`request`: a full answer over HTTP to BentoML's own empty service."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import numpy as np
import yaml

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample
from benchmarks.servers import Connection, free_port, request_bytes, running
from benchmarks.wide_world import POLICIES, widened
from decisioning.configuration import PARTS, Configuration, beside, load_configuration
from features.canonical.tables import known_customers
from serving.keys import DECIDE_SCOPES, create_key

CANDIDATES = 50
CUSTOMERS = 100
WARM_UP, BLOCK = 200, 50

# Both servers close a connection that is idle for seconds, so each block has its own.
Side = tuple[int, Iterator[bytes]]


def request(home: DemoHome, blocks: int = 20) -> tuple[Figure, ...]:
    """Return the figure of one connection, blocks of requests to each server by turns."""
    demo = load_configuration(home.settings.catalog_file)
    configuration = widened(demo, CANDIDATES)
    with (
        tempfile.TemporaryDirectory(prefix="nba-bench-") as folder,
        our_service(Path(folder), configuration) as (port, key),
        _bento("no_op:NoOp", Path(folder)) as empty_port,
        _bento("libraries_alone:LibrariesAlone", Path(folder)) as floor_port,
    ):
        chosen = some_customers(home)
        questions = [question(customer_id, key) for customer_id in chosen]
        nothing = [_no_question(customer_id) for customer_id in chosen]
        for asked in questions:
            with closing(Connection(port)) as connection:
                refuse_less_than_a_full_answer(*connection.send(asked), logged="spooled")
        ours, floor, empty = _by_blocks(
            [
                (port, cycle(questions)),
                (floor_port, cycle(nothing)),
                (empty_port, cycle(nothing)),
            ],
            blocks,
        )
    return (
        Figure(
            name="request",
            workload=f"POST /v1/next-best-actions, {CANDIDATES} candidates, {POLICIES}, "
            "log, reasons, SQLite, 1 worker, 1 connection",
            against="BentoML's default no-op service",
            ours=ours,
            baseline=empty,
            target=2.0,
        ),
        Figure(
            name="request_floor",
            workload="the libraries of that alone: Feast, SQLite, the model, a file, JSON",
            against="BentoML's default no-op service",
            ours=floor,
            baseline=empty,
        ),
    )


def some_customers(home: DemoHome) -> list[str]:
    """Return the ids of some customers, always the same."""
    ids = known_customers(home.project.tables(home.tasks)).to_pyarrow()["customer_id"].to_pylist()
    chosen: list[str] = (
        np.random.default_rng(7).choice(np.array(ids, dtype=object), CUSTOMERS).tolist()
    )
    return chosen


@contextmanager
def our_service(folder: Path, configuration: Configuration) -> Iterator[tuple[int, str]]:
    """Run the service with a configuration and a new ledger; yield its port and a key."""
    port, keys = free_port(), folder / "keys.json"
    key = create_key(keys, DECIDE_SCOPES, datetime.now(UTC))
    own = {
        "NBA_HTTP_HOST": "127.0.0.1",
        "NBA_HTTP_PORT": str(port),
        "NBA_WORKERS": "1",
        "NBA_KEYS_FILE": str(keys),
        "NBA_CATALOG": str(written(configuration, folder)),
        "NBA_LEDGER": str(folder / "ledger.db"),
    }
    with running(["nba.py", "serve"], port, own, folder / "ours.log"):
        yield port, key


@contextmanager
def _bento(service: str, folder: Path) -> Iterator[int]:
    """Run a service of this folder as it is; yield its port."""
    port = free_port()
    bento = ["-m", "bentoml", "serve", f"benchmarks.{service}"]
    bento += ["--host", "127.0.0.1", "--port", str(port)]
    own = {"BENTOML_DO_NOT_TRACK": "True", "NBA_BENCH_FOLDER": str(folder)}
    with running(bento, port, own, folder / f"{service.partition(':')[0]}.log"):
        yield port


def written(configuration: Configuration, folder: Path) -> Path:
    """Write a configuration as the files that people write; return that of the catalog."""
    catalog = folder / "actions.yaml"
    files = {"catalog": catalog} | {part: beside(catalog, part) for part in PARTS}
    for part, content in json.loads(configuration.content).items():
        files[part].write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return catalog


def question(customer_id: str, key: str) -> bytes:
    """Return an advisor's question with reasons."""
    asked = {"customer_id": customer_id, "channel": "advisor", "max_results": 3, "explain": "top"}
    return request_bytes("POST", "/v1/next-best-actions", json.dumps(asked).encode(), key)


def _no_question(customer_id: str) -> bytes:
    asked = {"customer_id": customer_id, "channel": "advisor", "max_results": 3}
    return request_bytes("POST", "/recommend", json.dumps(asked).encode())


def refuse_less_than_a_full_answer(status: int, body: bytes, logged: str) -> None:
    """Raise AssertionError unless an answer has everything, and is logged as it should be."""
    answer = json.loads(body)
    if status != 200 or answer["degraded"] or answer["logged"] != logged:
        raise AssertionError(f"status {status}, not a full answer: {body[:500]!r}")
    for result in answer["results"]:
        if result["propensity"] is not None and not result["reasons"]:
            raise AssertionError(f"{result['action_id']}: an answer without reasons")


def _by_blocks(sides: Sequence[Side], blocks: int) -> list[Sample]:
    taken: list[list[float]] = [[] for _ in sides]
    for side in sides:
        seconds_of(*side, WARM_UP)
    for _ in range(blocks):
        for side, seconds in zip(sides, taken, strict=True):
            seconds += seconds_of(*side, BLOCK)
    return [Sample(tuple(seconds)) for seconds in taken]


def seconds_of(port: int, questions: Iterator[bytes], requests: int) -> list[float]:
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
