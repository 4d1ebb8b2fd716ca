"""Limits hold however many ask at once, whichever of the workers answers, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest
from postgres_world import running_postgres
from served_world import Service, action, limit, rows

AT_ONCE = 50
MOST = 3
BRIEFLY_S = 3.0

ACTIONS = (
    action("each", "each")
    + action("all", "all")
    + "".join(action(f"shared{at}", "shared") for at in range(6))
    + action("budgeted", "budgeted", budget="{presentations: 3}")
    + action("repeated", "repeated")
    + action("lapsing", "lapsing")
    + action("shown", "shown")
    + action("dry", "dry")
    + action("deferred", "deferred")
)
POLICIES = (
    limit("each", MOST, "actions: [each]")
    + limit("all", MOST, "actions: [all]", everyone="true", window="ever")
    + limit("shared", MOST, "groups: [shared]", per="group", window="calendar", days=2)
    + limit("repeated", MOST, "actions: [repeated]", everyone="true", window="calendar", days=1)
    + limit("lapsing", 1, "actions: [lapsing]", everyone="true", window="ever")
    + limit("shown", 1, "actions: [shown]")
    + limit("dry", 1, "actions: [dry]")
    + limit("deferred", MOST, "actions: [deferred]", everyone="true", window="ever")
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("served")
    if request.param == "sqlite":
        yield from _running(home, str(home / "ledger.db"))
    else:
        with running_postgres() as server:
            yield from _running(home, server.new_database())


def _running(home: Path, ledger: str) -> Iterator[Service]:
    made = Service(home, ledger)
    made.write(ACTIONS, POLICIES)
    try:
        made.start()
        yield made
    finally:
        assert made.stop() == 0


@pytest.fixture(scope="module")
def clients(service: Service) -> Iterator[list[httpx.Client]]:
    """One client per caller, so that the connections spread over the workers."""
    made = [service.client() for _ in range(AT_ONCE)]
    yield made
    for one in made:
        one.close()


def ask(client: httpx.Client, customer: str, action_id: str, **more: Any) -> dict[str, Any]:
    question = {"customer_id": customer, "candidates": [action_id], **more}
    response = client.post("/v1/next-best-actions", json=question)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def names(answer: dict[str, Any]) -> list[str]:
    return [one["action_id"] for one in answer["results"] if one["action_id"] != "nothing"]


def at_once(clients: list[httpx.Client], questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask everything at the same moment."""
    barrier = Barrier(len(questions))

    def one(at: int) -> dict[str, Any]:
        barrier.wait(30)
        return ask(clients[at], **questions[at])

    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(one, range(len(questions))))


def report(client: httpx.Client, answer: dict[str, Any], outcome: str, event_id: str) -> str:
    said = {
        "event_id": event_id,
        "decision_id": answer["decision_id"],
        "action_id": names(answer)[0],
        "outcome": outcome,
    }
    response = client.post("/v1/outcomes", json=said)
    assert response.status_code == 200, response.text
    status: str = response.json()["items"][0]["status"]
    return status


def test_one_customers_limit_holds_for_fifty_calls_at_once(clients):
    answers = at_once(clients, [{"customer": "one", "action_id": "each"}] * AT_ONCE)
    assert sum(names(one) == ["each"] for one in answers) == MOST
    assert all(one["logged"] == "durable" for one in answers if names(one))
    assert names(ask(clients[0], "another", "each")) == ["each"]


@pytest.mark.parametrize("action_id", ["all", "budgeted"])
def test_a_limit_for_everyone_holds_for_fifty_customers_at_once(clients, action_id):
    questions = [{"customer": f"{action_id}{at}", "action_id": action_id} for at in range(AT_ONCE)]
    assert sum(names(one) == [action_id] for one in at_once(clients, questions)) == MOST


def test_a_shared_limit_counts_every_action_of_every_answer(clients):
    shared = [f"shared{at}" for at in range(6)]
    question = {"customer": "sharing", "action_id": shared[0], "candidates": shared}
    answers = at_once(clients, [question | {"max_results": 2}] * AT_ONCE)
    assert sum(len(names(one)) for one in answers) == MOST
    assert all(set(names(one)) <= set(shared) for one in answers)


def test_a_repeated_request_takes_one_place(clients):
    question = {"customer": "r", "action_id": "repeated", "decision_request_id": "the same"}
    answers = at_once(clients, [question] * 20)
    assert all(one == answers[0] for one in answers)
    assert names(answers[0]) == ["repeated"]
    others = [{"customer": f"r{at}", "action_id": "repeated"} for at in range(AT_ONCE)]
    assert sum(names(one) == ["repeated"] for one in at_once(clients, others)) == MOST - 1


def test_a_place_that_is_not_used_is_given_back(clients):
    client, question = clients[0], {"action_id": "lapsing", "placements": ["brief"]}
    first = ask(client, "a", **question)
    made = time.monotonic()
    assert names(first) == ["lapsing"]
    soon = ask(clients[1], "b", **question)
    assert names(soon) == [] or time.monotonic() - made > BRIEFLY_S
    time.sleep(max(0.0, BRIEFLY_S - (time.monotonic() - made)) + 0.05)
    questions = [{"customer": f"c{at}", **question} for at in range(AT_ONCE)]
    again = at_once(clients, questions)
    assert sum(names(one) == ["lapsing"] for one in again) == 1


def test_a_place_that_was_shown_stays_taken(clients):
    client, question = clients[0], {"action_id": "shown", "placements": ["brief"]}
    answer = ask(client, "viewer", **question)
    made = time.monotonic()
    assert names(answer) == ["shown"]
    assert report(client, answer, "presented", "shown-1") == "stored"
    assert report(clients[1], answer, "presented", "shown-1") == "duplicate"
    time.sleep(max(0.0, BRIEFLY_S - (time.monotonic() - made)) + 0.05)
    assert names(ask(clients[2], "viewer", **question)) == []
    assert names(ask(clients[3], "another viewer", **question)) == ["shown"]


def test_a_trial_takes_no_place(clients):
    question = {"customer": "trial", "action_id": "dry", "mode": "dry_run"}
    answers = at_once(clients, [question] * 10)
    assert all(names(one) == ["dry"] and one["logged"] == "dry_run" for one in answers)
    assert names(ask(clients[0], "trial", "dry")) == ["dry"]
    assert names(ask(clients[1], "trial", "dry")) == []


def test_deferred_decisions_take_their_places_when_they_are_activated(clients):
    question = {"action_id": "deferred", "mode": "deferred"}
    answers = at_once(clients, [question | {"customer": f"d{at}"} for at in range(20)])
    assert all(names(one) == ["deferred"] for one in answers)

    def activate(at: int) -> int:
        path = f"/v1/decisions/{answers[at]['decision_id']}/activate"
        return clients[at].post(path).status_code

    with ThreadPoolExecutor(len(answers)) as pool:
        statuses = list(pool.map(activate, range(len(answers))))
    assert sorted(statuses) == [200] * MOST + [409] * (len(answers) - MOST)
    assert names(ask(clients[0], "too late", "deferred")) == []


def test_both_workers_took_part(service, clients):
    questions = [{"customer": f"w{at}", "action_id": "dry"} for at in range(AT_ONCE)]
    assert all(names(one) for one in at_once(clients, questions))
    found = rows(service.ledger, "SELECT COUNT(DISTINCT writer) FROM decisions")
    assert found[0][0] >= 2
