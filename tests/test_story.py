"""One person from an anonymous visit to being forgotten: the whole loop through the real service.

Told in docs/story.md. Nothing in the checks of the end is the product's own code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from profile_world import NOW, promote_model
from served_world import ROOT, Service, rows
from small_world import AS_OF, LINES, TOUCHES, write_world

from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.clock import pin_clock
from features.known_actions import layout_of

ANN, CARD, COOKIE = "customer-4711-ann", "card-0815-4711", "cookie-of-a-visitor-4711"
PATIENCE_S = 60.0
_SAID = "{en: {title: T, text: T.}, de: {title: T, text: T.}}"
ACTIONS = f"""
value: {{kind: fixed, amount: 1.0}}
treatments: {{web: {_SAID}, advisor: {_SAID}}}
default_action:
  id: nothing
  name: {{en: Nothing, de: Nichts}}
  treatments: {{web: {_SAID}, bot: {_SAID}, advisor: {_SAID}, email: {_SAID}}}
actions:
  - {{id: tea, name: {{en: Tea, de: Tee}}, issue: sell, group: food, category: TEA}}
  - {{id: bread, name: {{en: Bread, de: Brot}}, issue: sell, group: food, category: BREAD}}
  - {{id: make_good, name: {{en: Make it good, de: Wiedergutmachen}}, issue: service, group: help,
     propensity: 0.05, purpose: service, outcomes: {{positive: {{accepted: 1.0}}}}}}
"""
POLICIES = """
consent: {assumed: demo}
contact_policies:
  - {id: once, at_most: 1, per: action, window: rolling, days: 7, concerns: {actions: [make_good]},
     words: {en: Once a week, de: Einmal die Woche}}
"""
ARBITRATION = """
contexts:
  - {type: journey, key: experience, value: bad,
     when: "journey.lowest_rating_28d <= 4.0 || journey.open_complaints >= 1.0"}
context_weights:
  - {type: journey, key: experience, value: bad, issue: service, weight: 5000}
"""
IDENTITY = """
namespaces:
  - {id: loyalty_card, strength: strong}
  - {id: cookie, strength: weak, on_login: merge}
"""
PROBLEM = """
name: response
description: takes what was shown
label_model: response
catalog: actions.yaml
decisions: {kind: presentations, first: 2024-03-01}
window_days: 28
slices: {validate_from: 2024-04-01, calibrate_from: 2024-05-01, test_from: 2024-06-01}
log: {use: true}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("story")
    lines = [(ANN, *line[1:]) if line[0] == "007" else line for line in LINES]
    touches = [(one[0], ANN, *one[2:]) for one in TOUCHES if one[-1] is None]
    tables = write_world(home / "data", lines, touches)
    now = Spine(np.array([ANN, "b", "c", "d"], dtype=object), np.repeat(AS_OF, 4))
    layout = layout_of(tables)
    backfill(build.prepare(tables), layout, Calendar(), now, now, home / "features")
    pin_clock(home / "clock.json", NOW)
    promote_model(home / "models")
    for name, text in (("actions", ACTIONS), ("policies", POLICIES), ("arbitration", ARBITRATION),
                       ("identity", IDENTITY), ("response", PROBLEM)):  # fmt: skip
        (home / f"{name}.yaml").write_text(text)
    made = Service(home, str(home / "ledger.db"))
    nba(made, "features", "materialize")
    made.start()
    yield made
    made.stop()


def nba(service: Service, *words: str) -> str:
    """Run a verb of the command line for that home."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith("NBA_")}
    own = {"NBA_HOME": str(service.home), "NBA_CATALOG": str(service.home / "actions.yaml"),
           "NBA_MODELS": str(service.home / "models"), "NBA_LEDGER": service.ledger}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "nba.py", *words],
        cwd=ROOT, env=kept | own, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def send(client: httpx.Client, *events: dict[str, Any], path: str = "/v1/events") -> None:
    answer = client.post(path, json=list(events))
    assert answer.status_code == 200, answer.text
    assert {one["status"] for one in answer.json()["items"]} == {"stored"}, answer.text


def ask(client: httpx.Client, **question: Any) -> dict[str, Any]:
    asked = {"channel": "advisor", "explain": "all", "max_results": 1} | question
    answer = client.post("/v1/next-best-actions", json=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def until(what: Callable[[], Any]) -> Any:
    """Ask until something is so; what is tested is that it becomes so, not how soon."""
    give_up = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return found


def actions(answer: dict[str, Any]) -> list[str]:
    return [one["action_id"] for one in answer["results"]]


def files_with(folder: Path, word: str) -> list[str]:
    """Return the files in which a word stands, also in what is packed or compressed."""
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        content = path.read_bytes()
        texts = [content]
        if path.suffix == ".parquet":
            texts.append(json.dumps(pq.read_table(path).to_pylist(), default=str).encode())
        if content.startswith(b"SQLite format 3"):
            tables = rows(str(path), "SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in tables:
                texts += [one for row in rows(str(path), f'SELECT * FROM "{name}"')
                          for one in map(plain, row) if one]  # fmt: skip
        if any(word.encode() in text for text in texts):
            found.append(str(path.relative_to(folder)))
    return found


def plain(value: Any) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def test_the_story_of_one_person(service: Service, client: httpx.Client) -> None:
    visitor, known = {"cookie": [COOKIE]}, {"loyalty_card": [CARD]}
    words = ("--customer", ANN, "--namespace", "loyalty_card", "--id", CARD)
    nba(service, "identity", "link", *words)

    # A visitor whom nobody knows browses, and is answered.
    seen = {"type": "page_view", "channel": "web", "category": "TEA", "identities": visitor}
    send(client, {"event_id": "s1", **seen}, {"event_id": "s2", **seen})
    assert ask(client, identities=visitor, channel="web")["results"]

    # They log in: what they did before is theirs.
    send(client, {"event_id": "s3", "type": "login", "channel": "web",
                  "identities": visitor | known})  # fmt: skip
    journey = client.get(f"/v1/customers/{ANN}/journey").json()
    assert {"s1", "s2", "s3"} <= {one["id"] for one in journey["entries"]}
    assert len(journey["customer_ids"]) == 2
    before = ask(client, identities=known)
    assert actions(before)[0] == "tea"

    # They complain on the phone; a moment later service comes first, whichever id is shown.
    send(client, {"event_id": "s4", "type": "complaint", "channel": "phone", "rating": 2,
                  "identities": known})  # fmt: skip
    for whose in (known, visitor):
        until(lambda whose=whose: actions(ask(client, identities=whose, mode="dry_run"))
              == ["make_good"])  # fmt: skip
    # The advisor's question brings the call itself: it is known to the very answer.
    call = {"event_id": "s5", "type": "call", "channel": "phone"}
    during = ask(client, identities=known, events=[call], durable=True)
    assert (actions(during), during["degraded"]) == (["make_good"], [])
    assert during["feature_age_s"] < before["feature_age_s"]

    # They accept: the limit counts it, under whichever id they come next.
    shown = {"decision_id": during["decision_id"], "action_id": "make_good"}
    send(client, {"event_id": "o1", **shown, "outcome": "presented"},
         {"event_id": "o2", **shown, "outcome": "accepted"}, path="/v1/outcomes")  # fmt: skip
    for whose in (known, visitor):
        after = ask(client, identities=whose)
        assert actions(after) == ["tea"]
        reasons = {one["action_id"]: one["policy_id"] for one in after["removed"]}
        assert reasons["make_good"] == "once"

    # What happened is a row to learn from, and online equals offline.
    nba(service, "dataset", "build", "--config", str(service.home / "response.yaml"))
    learnt = pq.read_table(service.home / "datasets" / "response.parquet").to_pylist()
    assert [(one["action_id"], one["state"], one["grade"]) for one in learnt] == [
        ("make_good", "positive", 1.0)
    ]
    assert " 0 differ" in nba(service, "features", "parity", "--customers", "10")
    _is_forgotten(service, client)


def _is_forgotten(service: Service, client: httpx.Client) -> None:
    """They see everything that is known, ask to be forgotten, and nothing is left."""
    export = client.get(f"/v1/customers/{ANN}/export").json()
    told = {one["event_id"] for one in export["events"]}
    assert told >= {"s1", "s2", "s3", "s4", "s5", "o1", "o2"}
    assert len(export["tables"]["transactions"]) == len([one for one in LINES if one[0] == "007"])
    assert len(export["decisions"]) >= 4 and export["profiles"]
    names = [*export["customer_ids"], CARD, COOKIE]
    assert files_with(service.home, ANN) and not files_with(service.home, CARD)
    erased = client.delete(f"/v1/customers/{ANN}")
    assert erased.status_code == 200, erased.text
    assert erased.json()["left"] == []
    time.sleep(1.0)
    assert {word: files_with(service.home, word) for word in names} == {word: [] for word in names}
    assert client.get(f"/v1/customers/{ANN}/export").json()["events"] == []
    assert ask(client, customer_id=ANN)["degraded"][0] == "unknown_customer"
    assert "0 faults" in nba(service, "log", "verify")
