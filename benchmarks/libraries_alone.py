"""What an answer costs at least: the libraries that it needs, and nothing that decides.

A service of BentoML, as lean as ours, that does for each question only what no such service can
leave out: it reads JSON, asks Feast for the profile and SQLite for person, history and consents,
asks the model about a matrix that is ready, writes a record that is ready into a file, and turns an
answer that is ready into JSON. No key is checked, nothing is looked up by a policy, no row of the
matrix is made, nothing is ranked, nothing put into words.
"""

# BentoML's decorators carry no types.
# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import gc
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bentoml
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

_NOON = 1_514_808_000.0


class Ready(NamedTuple):
    """What is prepared for one customer."""

    keys: list[Any]
    matrix: Any
    record: bytes
    answer: dict[str, Any]


class Runtime:
    """What the worker has once it has started."""

    answer: Callable[[bytes], bytes] | None = None


RUNTIME = Runtime()


class Door:
    """Answers questions; everything else is BentoML's."""

    def __init__(self, app: ASGIApp) -> None:
        self._bento = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != "/recommend" or RUNTIME.answer is None:
            await self._bento(scope, receive, send)
            return
        body = RUNTIME.answer((await receive())["body"])
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@bentoml.service(
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
class LibrariesAlone:
    """Loads everything when its worker starts."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Prepare an answer for each customer."""
        from serving.large_pages import use_large_pages

        RUNTIME.answer = prepared(Path(os.environ["NBA_BENCH_FOLDER"]))
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1_000)
        use_large_pages()


LibrariesAlone.add_asgi_middleware(Door)


def prepared(folder: Path) -> Callable[[bytes], bytes]:
    """Return what turns a question into an answer."""
    from benchmarks.demo_home import open_demo_home
    from benchmarks.whole_request import CANDIDATES, some_customers

    home = open_demo_home()
    ready = _ready(home, some_customers(home), CANDIDATES)
    reader, config = home.store._reader, home.store._config
    view, names = home.store._view("profile_vector"), ["vector", "layout"]
    model, select = home.champion, _select(folder)
    spool, _ = tempfile.mkstemp(dir=folder)

    def answer(body: bytes) -> bytes:
        customer_id = orjson.loads(body)["customer_id"]
        keys, matrix, record, told = ready[customer_id]
        reader.online_read(config, view, keys, names)
        select(customer_id)
        model.score(matrix)
        os.write(spool, record)
        return orjson.dumps(told)

    return answer


def _ready(home: Any, customers: list[str], candidates: int) -> dict[str, Ready]:
    """Return what is prepared, by customer; answers and records as the product makes them."""
    from benchmarks.one_decision import recorded
    from benchmarks.wide_world import WideWorld, questions
    from features.store import _keys
    from serving.answers import answer_of, bytes_of

    wide = WideWorld.of(home, candidates)
    watched, model = recorded(home, wide)
    ready = {}
    for question in questions(home, customers):
        customer_id = str(question.request.customer_id)
        decision = watched.answer(question, explain="top")
        answer = answer_of(decision, "advisor", "top", "spooled", wide.world)
        told = orjson.loads(bytes_of(answer))
        # A record is the profile's numbers and some thousands of bytes of JSON.
        record = question.profiles.vectors.tobytes() + bytes_of(answer)
        ready[customer_id] = Ready(_keys("customer_id", [customer_id]), model.asked, record, told)
    return ready


def _select(folder: Path) -> Callable[[str], None]:
    """Return what asks an empty ledger all that a decision asks it."""
    from decisioning.ledger import history_reads, identities
    from decisioning.ledger.open import open_ledger
    from decisioning.ledger.statements import Compiler

    path = folder / "alone.db"
    open_ledger(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    text = Compiler("sqlite").text
    person = text(identities.MERGES, 1)
    history = [text(history_reads.CONTACTS, 1), text(history_reads.CONSENTS, 1)]

    def select(customer_id: str) -> None:
        asked = {"of_0": customer_id, "since": 0.0, "now": _NOON}
        connection.execute(person, {"of_0": customer_id}).fetchall()
        for statement in history:
            connection.execute(statement, asked).fetchall()

    return select
