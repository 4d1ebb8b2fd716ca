"""Whatever the service said it has kept is there, once, however often its processes are killed."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
import pytest
from load_world import Client, Diary, merged
from served_world import Service, a_ledger, action, kill, limit, rows

CLIENTS = 4
EACH, ALL, BUDGET = 3, 12, 8
_TEN_KILLS = ("one",) * 4 + ("both",) + ("one",) * 3 + ("everything",) + ("one",)
ROUNDS = _TEN_KILLS * (int(os.environ.get("TORTURE_ROUNDS", "20")) // 10)
"""What is killed: a worker, both workers, or the supervisor as well."""
DRAINED_S = 30.0

ACTIONS = (
    action("free")
    + action("each", "each")
    + action("all", "all")
    + action("budgeted", "budgeted", budget=f"{{presentations: {BUDGET}}}")
)
POLICIES = limit("each", EACH, "actions: [each]") + limit(
    "all", ALL, "actions: [all]", everyone="true", window="ever"
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def killed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Diary]]:
    """A service killed under load `ROUNDS` times and then stopped, and the clients' diary."""
    home = tmp_path_factory.mktemp("killed")
    with a_ledger(request.param, home) as ledger:
        service = Service(home, ledger)
        service.write(ACTIONS, POLICIES)
        try:
            service.start()
            diary = _load(service, Random(request.param))
            _drain(service)
        finally:
            ended = service.stop()
        assert ended == 0
        yield service, diary


def _load(service: Service, dice: Random) -> Diary:
    stop = threading.Event()
    clients = [Client(service, f"client{at}", stop) for at in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for what in ROUNDS:
            service.wait_until_ready()
            time.sleep(0.5 + dice.random())
            _kill(service, what)
        service.wait_until_ready()
        time.sleep(1.0)
    finally:
        stop.set()
        for client in clients:
            client.join(60)
    assert not any(client.is_alive() for client in clients)
    return merged(client.diary for client in clients)


def _kill(service: Service, what: str) -> None:
    if what == "everything":
        service.kill_everything()
        service.start()
        return
    # The oldest is sure to be answering.
    workers = sorted(service.workers(), key=psutil.Process.create_time)
    for worker in workers if what == "both" else workers[:1]:
        kill(worker)


def _drain(service: Service) -> None:
    """Wait until nothing waits in a spool any more."""
    give_up = time.monotonic() + DRAINED_S
    spool = _spool(service)
    while any(_size(path) for path in spool.glob("*.log")):
        assert time.monotonic() < give_up, list(spool.iterdir())
        time.sleep(0.1)


def _spool(service: Service) -> Path:
    """Return where decisions wait: beside a file, or in a folder of its own for each server."""
    (spool,) = service.home.rglob("spool")
    return spool


def _size(path: Path) -> int:
    # A file may go while it is looked at.
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_the_service_was_really_used(killed):
    _, diary = killed
    assert diary.surprises == []
    logged = Counter(answer["logged"] for answer, _ in diary.answers.values())
    assert logged["durable"] > 50 and logged["spooled"] > 20
    assert len(diary.kept) > 50 and len(diary.noted) > 100
    named = {one["action_id"] for answer, _ in diary.answers.values() for one in answer["results"]}
    assert named == {"free", "each", "all", "budgeted", "nothing"}


def test_every_confirmed_decision_is_there_once(killed):
    service, diary = killed
    stored = Counter(row[0] for row in rows(service.ledger, "SELECT decision_id FROM decisions"))
    assert [name for name in diary.answers if stored[name] != 1] == []
    assert set(stored.values()) == {1}


def test_no_decision_is_there_that_nobody_asked_for(killed):
    service, diary = killed
    found = rows(service.ledger, "SELECT request_id, customer_id FROM decisions")
    asked = Counter(customer for request_id, customer in found if request_id is None)
    assert set(asked) <= diary.asked
    assert set(asked.values()) == {1}
    repeatable = [(request_id, customer) for request_id, customer in found if request_id]
    assert len(dict(repeatable)) == len(repeatable)
    assert set(repeatable) <= set(diary.requests.items())


def test_a_question_that_was_sent_again_has_one_decision(killed):
    service, diary = killed
    query = "SELECT request_id, decision_id FROM decisions WHERE request_id IS NOT NULL"
    stored = dict(rows(service.ledger, query))
    told = {name: found for name, found in diary.repeated.items()}
    assert {name: found for name, found in told.items() if found != {stored.get(name)}} == {}


def test_every_confirmed_outcome_is_there_once(killed):
    service, diary = killed
    query = "SELECT event_id, decision_id, action_id, type FROM {} WHERE action_id IS NOT NULL"
    stored = rows(service.ledger, query.format("events"))
    aside = rows(service.ledger, query.format("quarantine"))
    count = Counter(row[0] for row in (*stored, *aside))
    assert set(count.values()) == {1}
    kept = [name for name, status in diary.kept.items() if status != "refused"]
    assert [name for name in kept if count[name] != 1] == []
    sent = {
        (one["event_id"], one["decision_id"], one["action_id"], one["outcome"])
        for one in diary.events.values()
    }
    assert {*stored, *aside} <= sent
    assert set(diary.kept.values()) <= {"stored", "duplicate", "quarantined"}


def test_every_confirmed_event_is_there_once_and_as_it_was_sent(killed):
    service, diary = killed
    query = "SELECT event_id, type, refers_to, amount FROM {} WHERE action_id IS NULL"
    found = rows(service.ledger, query.format("events"))
    found += rows(service.ledger, query.format("quarantine"))
    count = Counter(row[0] for row in found)
    assert set(count.values()) == {1}
    assert set(diary.noted.values()) <= {"stored", "duplicate", "quarantined"}
    assert [name for name in diary.noted if count[name] != 1] == []
    sent = {
        (one["event_id"], one["type"], one.get("refers_to"), one.get("amount"))
        for one in diary.journal.values()
    }
    assert set(found) <= sent


def test_what_was_taken_back_and_nothing_else_is_marked(killed):
    service, _ = killed
    query = "SELECT event_id, flags FROM events"
    marked = {name for name, flags in rows(service.ledger, query) if "undone" in flags.split()}
    known = {name for name, _ in rows(service.ledger, query)}
    undos = rows(service.ledger, "SELECT refers_to FROM events WHERE type = 'undo'")
    assert marked == {row[0] for row in undos} and len(marked) > 10
    waiting = rows(service.ledger, "SELECT refers_to FROM quarantine WHERE type = 'undo'")
    assert {row[0] for row in waiting} & known == set()


def test_every_event_belongs_to_whom_it_was_sent_for(killed):
    service, diary = killed
    query = "SELECT event_id, customer_id FROM events WHERE action_id IS NULL"
    stored = dict(rows(service.ledger, query))
    decisions = dict(rows(service.ledger, "SELECT decision_id, customer_id FROM decisions"))
    for name, customer in stored.items():
        told = diary.journal[name]
        if told["type"] == "undo":
            assert customer == stored[told["refers_to"]]
        else:
            assert customer == told.get("customer_id", decisions.get(told.get("decision_id")))


def test_no_outcome_of_a_known_decision_is_left_aside(killed):
    service, _ = killed
    query = "SELECT event_id FROM quarantine q JOIN decisions d ON d.decision_id = q.decision_id"
    assert rows(service.ledger, query) == []


def test_no_limit_was_exceeded(killed):
    service, diary = killed
    given: dict[str, list[str]] = defaultdict(list)
    for answer, customer in diary.answers.values():
        for one in answer["results"]:
            given[one["action_id"]].append(customer)
    assert max(Counter(given["each"]).values()) <= EACH
    assert len(given["all"]) <= ALL
    assert len(given["budgeted"]) <= BUDGET
    taken = Counter(
        (name, customer)
        for name, customer in rows(
            service.ledger, "SELECT action_id, customer_id FROM reservations"
        )
    )
    assert max(count for (name, _), count in taken.items() if name == "each") <= EACH
    for name, most in (("all", ALL), ("budgeted", BUDGET)):
        assert sum(count for (one, _), count in taken.items() if one == name) <= most


def test_presentations_are_counted_once(killed):
    service, _ = killed
    query = "SELECT DISTINCT decision_id, action_id FROM events WHERE type = 'presented'"
    shown = Counter(action_id for _, action_id in rows(service.ledger, query))
    query = "SELECT action_id, SUM(presented) FROM volumes GROUP BY action_id"
    assert {name: int(count) for name, count in rows(service.ledger, query)} == dict(shown)


def test_the_record_of_every_decision_can_be_read(killed):
    service, diary = killed
    for name, actions in rows(service.ledger, "SELECT decision_id, actions FROM decisions"):
        told = diary.answers.get(name)
        if told is not None:
            answered = [one["action_id"] for one in told[0]["results"]]
            assert [one[0] for one in json.loads(actions)] == answered


def test_the_database_is_sound(killed):
    service, _ = killed
    if not service.ledger.startswith("postgresql://"):
        assert rows(service.ledger, "PRAGMA integrity_check") == [("ok",)]
    assert [path.name for path in _spool(service).glob("*.rejected")] == []
