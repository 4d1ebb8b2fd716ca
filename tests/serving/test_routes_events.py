"""Sending what happened: each item is told what became of it, and only once it is durable."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from served_world import rows
from told_refreshing import Told

from features.errors import LedgerBusy, LedgerError, LedgerFull
from serving.app import create_app


@pytest.fixture
def headers(house: Any) -> dict[str, str]:
    return house.key("events", "outcomes", "decide:web", "read")


@pytest.fixture
def touched() -> list[list[str]]:
    """Whom the profiles would have been refreshed of, call by call."""
    return []


@pytest.fixture
def client(house: Any, headers: dict[str, str], touched: list[list[str]]) -> Iterator[Any]:
    from starlette.testclient import TestClient

    parts = dataclasses.replace(house.parts(), refreshing=Told(touched))
    with TestClient(create_app(parts), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def send(client: Any, headers: dict[str, str]) -> Callable[..., Any]:
    return lambda body, path="/v1/events": client.post(path, json=body, headers=headers)


@pytest.fixture
def decided(client: Any, headers: dict[str, str]) -> dict[str, Any]:
    """A decision that is committed."""
    question = {"customer_id": "1", "channel": "web", "durable": True}
    return client.post("/v1/next-best-actions", json=question, headers=headers).json()


@pytest.fixture
def kept(house: Any) -> Callable[..., list[Any]]:
    """Read columns of all stored events."""

    def read(columns: str, table: str = "events") -> list[Any]:
        place = str(house.folder / "ledger.db")
        return sorted(rows(place, f"SELECT {columns} FROM {table}"))

    return read


def event(**changes: Any) -> dict[str, Any]:
    told = {"event_id": "e-1", "type": "page_view", "customer_id": "1", "channel": "web"}
    return {name: value for name, value in (told | changes).items() if value is not None}


def outcome(decided: dict[str, Any], **changes: Any) -> dict[str, Any]:
    first = decided["results"][0]["action_id"]
    told = {"event_id": "o-1", "decision_id": decided["decision_id"], "action_id": first}
    return told | {"outcome": "clicked"} | changes


def status_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    return item["status"]


def test_an_event_is_stored_and_the_same_again_is_a_duplicate(send, kept) -> None:
    assert status_of(send(event())) == "stored"
    assert status_of(send(event())) == "duplicate"
    assert kept("event_id, type, customer_id, channel") == [("e-1", "page_view", "1", "web")]


def test_the_same_event_id_with_another_body_is_a_conflict(send, kept, decided) -> None:
    send(event())
    answer = send(event(type="search"))
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs#conflict")
    assert send(outcome(decided, event_id="e-1"), "/v1/outcomes").status_code == 409
    assert kept("type") == [("page_view",)]


def test_a_customer_whom_nobody_knows_is_stored(send, kept) -> None:
    assert status_of(send(event(customer_id="newcomer"))) == "stored"
    assert kept("customer_id") == [("newcomer",)]


def test_in_a_list_one_bad_item_costs_the_others_nothing(send) -> None:
    answer = send(
        [
            event(event_id="a"),
            event(event_id="b", type="page_viev"),
            {"event_id": "c"},
            event(event_id="a", type="login"),
            event(event_id="d", type="undo", refers_to="a"),
            event(event_id="e", decision_id="nobody-knows"),
            event(event_id="f", type="undo", refers_to="d"),
            event(event_id="a"),
            7,
        ]
    )
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["status"] for item in items] == [
        "stored", "refused", "refused", "conflict", "stored", "quarantined", "refused",
        "duplicate", "refused",
    ]  # fmt: skip
    assert (items[1]["field"], items[1]["value"]) == ("type", "page_viev")
    assert items[1]["detail"] == "not a type of event; did you mean 'page_view'?"
    assert "not known yet" in items[5]["detail"]
    assert items[6]["field"] == "refers_to"


@pytest.mark.parametrize("body", [[], [{}] * 501, "text", 7])
def test_neither_an_event_nor_a_list_of_1_to_500_is_refused(send, body: Any) -> None:
    assert send(body).status_code == 422


def test_a_list_of_500_is_stored(send, kept) -> None:
    answer = send([event(event_id=f"e-{number}") for number in range(500)])
    assert {item["status"] for item in answer.json()["items"]} == {"stored"}
    assert kept("COUNT(*)") == [(500,)]


def test_a_body_that_is_too_long_is_refused_and_one_that_is_not_is_stored(send, kept) -> None:
    lines = [{"amount": 1.0, "item_id": "x" * 100}] * 1_000
    assert status_of(send(event(type="transaction", lines=lines))) == "stored"
    assert send([event(type="transaction", lines=lines)] * 10).status_code == 413
    assert kept("amount") == [(1_000.0,)]


def test_events_need_their_scope(house) -> None:
    key = house.key("outcomes", "decide:web", "read", "privacy")
    with house.client() as client:
        answer = client.post("/v1/events", json=event(), headers=key)
    assert (answer.status_code, answer.json()["type"]) == (403, "/docs#scope_missing")


def test_an_event_far_in_the_future_is_refused_and_one_just_ahead_counts_as_now(
    send, house, kept
) -> None:
    now = house.clock.now()
    ahead = now + timedelta(minutes=5)
    far = send(event(occurred_at=(ahead + timedelta(microseconds=1)).isoformat()))
    assert far.status_code == 422
    assert "in the future" in far.json()["errors"][0]["message"]
    assert status_of(send(event(occurred_at=ahead.isoformat()))) == "stored"
    assert kept("occurred_at, attributes") == [
        (now.timestamp(), json.dumps({"told_as": ahead.isoformat()}))
    ]


def test_a_late_event_keeps_its_time(send, kept) -> None:
    assert status_of(send(event(occurred_at="1999-12-31T23:00:00-01:00"))) == "stored"
    assert kept("occurred_at, day") == [(946_684_800.0, 10_957)]


def test_an_event_of_a_decision_belongs_to_its_customer(send, decided, kept) -> None:
    named = decided["decision_id"]
    assert status_of(send(event(customer_id=None, decision_id=named))) == "stored"
    other = send(event(event_id="e-2", customer_id="2", decision_id=named))
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "customer_id"
    assert kept("customer_id, decision_id") == [("1", named)]


def test_an_event_of_an_unknown_decision_is_kept_in_quarantine(send, kept) -> None:
    assert status_of(send(event(decision_id="nobody-knows"))) == "quarantined"
    assert status_of(send(event(decision_id="nobody-knows"))) == "duplicate"
    assert kept("event_id, reason", "quarantine") == [("e-1", "unknown_decision")]


def test_a_mis_click_is_taken_back(send, decided, client, headers) -> None:
    send(outcome(decided), "/v1/outcomes")
    undo = event(event_id="u-1", type="undo", customer_id=None, refers_to="o-1")
    assert [status_of(send(undo)), status_of(send(undo))] == ["stored", "duplicate"]
    path = f"/v1/decisions/{decided['decision_id']}"
    assert [one["flags"] for one in client.get(path, headers=headers).json()["outcomes"]] == [
        ["undone"]
    ]


def test_what_was_shown_is_not_taken_back(send, decided) -> None:
    send(outcome(decided, outcome="presented"), "/v1/outcomes")
    answer = send(event(type="undo", refers_to="o-1"))
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["value"]) == ("refers_to", "o-1")


def test_an_undo_of_something_unknown_waits(send, kept) -> None:
    answer = send(event(event_id="u-1", type="undo", refers_to="e-1"))
    assert status_of(answer) == "quarantined"
    assert "refers_to" in answer.json()["items"][0]["detail"]
    send(event())
    assert kept("event_id, flags") == [("e-1", "undone"), ("u-1", "")]


def test_whoever_keeps_profiles_is_told_whose_history_changed(send, decided, touched) -> None:
    send([event(event_id="a", customer_id="9"), event(event_id="b"), event(event_id="c")])
    send(outcome(decided), "/v1/outcomes")
    send(event(event_id="a", customer_id="9"))
    send(event(event_id="d", customer_id="8", decision_id="nobody-knows"))
    send(event(event_id="b", type="search"))
    assert touched == [["1", "9"], ["1"], ["9"], ["of d"]]


def test_an_event_is_confirmed_although_nobody_can_be_told(house, headers) -> None:
    from starlette.testclient import TestClient

    class Failing(Told):
        def touched(self, customer_ids: Any) -> None:
            raise RuntimeError("no")

    parts = dataclasses.replace(house.parts(), refreshing=Failing([]))
    with TestClient(create_app(parts), raise_server_exceptions=False) as client:
        assert status_of(client.post("/v1/events", json=event(), headers=headers)) == "stored"


@pytest.mark.parametrize(
    ("error", "seconds"), [(LedgerBusy("full"), "1"), (LedgerFull("full"), "30"),
                           (LedgerError("no"), "5")],
)  # fmt: skip
def test_what_the_ledger_does_not_take_is_told_with_when_to_come_again(
    send, house, monkeypatch, error: Exception, seconds: str
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(house.ledger, "store_events", refuse)
    answer = send(event())
    assert (answer.status_code, answer.json()["type"]) == (503, "/docs#not_stored")
    assert answer.headers["Retry-After"] == seconds
    monkeypatch.undo()
    assert status_of(send(event())) == "stored"


def test_events_are_counted_by_what_became_of_them(client, send, headers) -> None:
    def counted() -> dict[str, float]:
        text = client.get("/metrics", headers=headers).text
        lines = [line for line in text.splitlines() if line.startswith("nba_events_total")]
        return {line.split('"')[1]: float(line.split()[-1]) for line in lines}

    def one_of_each(event_id: str) -> None:
        one = event(event_id=event_id)
        send([one, one, event(event_id="x", type="nonsense")])

    # What other tests of this process have counted shows from the first one on.
    one_of_each("e-1")
    before = counted()
    one_of_each("e-2")
    told = ("stored", "duplicate", "refused")
    after = counted()
    assert [after[one] - before[one] for one in told] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json",
     "Application/CloudEvents+JSON; charset=utf-8"],
)  # fmt: skip
def test_a_cloud_event_may_come_as_each_of_its_types(client, headers, kept, media_type) -> None:
    one = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "login", "subject": "1",
           "data": {"channel": "web"}}  # fmt: skip
    answer = client.post(
        "/v1/events", content=json.dumps([one]), headers=headers | {"content-type": media_type}
    )
    assert status_of(answer) == "stored"
    assert kept("event_id, type, customer_id, channel") == [("e-1", "login", "1", "web")]


@pytest.mark.parametrize("path", ["/v1/outcomes", "/v1/next-best-actions"])
def test_a_cloud_event_goes_nowhere_else(client, headers, path: str) -> None:
    typed = headers | {"content-type": "application/cloudevents+json"}
    assert client.post(path, content="{}", headers=typed).status_code == 415
    plain = headers | {"content-type": "text/plain"}
    assert client.post("/v1/events", content="{}", headers=plain).status_code == 415
