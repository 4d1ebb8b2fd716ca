"""Decisions of the ledger: looked up, explained, activated."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

ONE_A_DAY = """
consent: {assumed: demo}
contact_policies:
  - id: once_a_day
    per: all
    at_most: 1
    days: 1
    words: {en: once a day, de: einmal am Tag}
"""


@pytest.fixture
def client(house: Any, advisor: dict[str, str]) -> Iterator[Any]:
    with house.client() as client:
        yield client


@pytest.fixture
def ask(client: Any, advisor: dict[str, str]) -> Callable[..., Any]:
    def asking(**question: Any) -> Any:
        asked = {"customer_id": "1", "channel": "advisor", "durable": True} | question
        return client.post("/v1/next-best-actions", json=asked, headers=advisor)

    return asking


@pytest.fixture
def get(client: Any, advisor: dict[str, str]) -> Callable[[str], Any]:
    return lambda path: client.get(path, headers=advisor)


def test_a_decision_can_be_looked_up_with_every_factor(ask, get) -> None:
    answer = ask(explain="all").json()
    shown = get(f"/v1/decisions/{answer['decision_id']}").json()
    assert shown["customer_id"] == "1"
    assert shown["state"] == "live"
    assert shown["versions"] == answer["versions"]
    assert shown["candidates"] == len(shown["results"]) + len(shown["removed"])
    for there, told in zip(shown["results"], answer["results"], strict=True):
        for name in ("action_id", "propensity", "value", "priority", "probability"):
            assert there[name] == told[name]


def test_what_nobody_decided_is_not_found(get) -> None:
    assert get("/v1/decisions/none").status_code == 404
    assert get("/v1/decisions/none/explanation").status_code == 404


@pytest.mark.parametrize("decision_id", ["%00", "a%00b", "%0A", "%ED%A0%80"])
def test_an_id_that_no_decision_can_have_is_not_found(get, decision_id: str) -> None:
    assert get(f"/v1/decisions/{decision_id}").status_code == 404


def test_a_damaged_record_is_said_to_be_damaged(ask, get, house) -> None:
    answer = ask().json()
    with sqlite3.connect(house.folder / "ledger.db") as database:
        database.execute("UPDATE decisions SET payload = x'00', vectors = x'00'")
    database.close()
    path = f"/v1/decisions/{answer['decision_id']}"
    assert get(path).json()["type"] == "/docs#not_readable"
    assert get(f"{path}/explanation").json()["type"] in (
        "/docs#not_readable",
        "/docs#not_reproducible",
    )


def test_looking_up_needs_the_scope_read(house) -> None:
    key = house.key("decide:advisor")
    with house.client() as client:
        assert client.get("/v1/decisions/none", headers=key).status_code == 403


def test_an_explanation_takes_the_decision_again_and_leaves_no_trace(ask, get, house) -> None:
    answer = ask(max_results=1).json()
    before = house.ledger.counts(0, 4e9)
    told = get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
    assert told["reproduced"] and told["differences"] == []
    assert told["results"][0]["action_id"] == answer["results"][0]["action_id"]
    assert house.ledger.counts(0, 4e9) == before


def test_factors_multiply_exactly_to_the_priority(ask, get) -> None:
    answer = ask().json()
    told = get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
    for result in told["results"]:
        product = 1.0
        for factor in told["counted_factors"]:
            product *= result[factor]
        assert product == result["priority"]


def test_an_explanation_says_what_would_change_it(ask, get) -> None:
    answer = ask(max_results=1).json()
    told = get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
    changes = {change["about"]: change for change in told["what_would_change"]}
    assert set(changes) == {"second", "first_removed"}
    second = changes["second"]
    assert second["needed"]["value"] > 1.0
    assert "level" in second["words"]["en"] and "Höhe" in second["words"]["de"]


def test_the_funnel_of_an_explanation_adds_up(ask, get) -> None:
    answer = ask(max_results=1).json()
    told = get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
    left = told["funnel"][0]["entered"]
    for stage in told["funnel"]:
        assert stage["entered"] == left
        left -= stage["removed"]
    assert left == len(told["results"])


def test_a_removed_action_has_words_in_both_languages(ask) -> None:
    answer = ask(max_results=1, explain="all").json()
    for removed in answer["removed"]:
        assert removed["words"]["en"] and removed["words"]["de"]


def test_a_deferred_decision_counts_only_once_it_is_activated(house, advisor) -> None:
    (house.folder / "policies.yaml").write_text(ONE_A_DAY)
    with house.client() as fresh:

        def asking(**question: Any) -> Any:
            asked = {"customer_id": "1", "channel": "advisor", "max_results": 1} | question
            return fresh.post("/v1/next-best-actions", json=asked, headers=advisor).json()

        def activate(answer: Any) -> Any:
            path = f"/v1/decisions/{answer['decision_id']}/activate"
            return fresh.post(path, headers=advisor)

        first, second = asking(mode="deferred"), asking(mode="deferred")
        assert first["results"][0]["action_id"] == second["results"][0]["action_id"] != "do_nothing"
        assert activate(first).json()["status"] == "activated"
        assert activate(first).json()["status"] == "already"
        late = activate(second)
        assert (late.status_code, late.json()["type"]) == (409, "/docs#conflict")
        assert asking()["results"][0]["action_id"] == "do_nothing"


def test_a_live_decision_is_not_activated(ask, client, advisor) -> None:
    path = f"/v1/decisions/{ask().json()['decision_id']}/activate"
    answer = client.post(path, headers=advisor)
    assert answer.status_code == 409
    assert "deferred" in answer.json()["detail"]
