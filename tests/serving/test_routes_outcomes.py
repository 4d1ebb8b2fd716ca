"""Reporting what happened: each item is told what became of it, and only once it is durable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from features.errors import LedgerBusy, LedgerError, LedgerFull


@pytest.fixture
def client(house: Any, advisor: dict[str, str]) -> Iterator[Any]:
    with house.client() as client:
        yield client


@pytest.fixture
def decided(client: Any, advisor: dict[str, str]) -> dict[str, Any]:
    """A decision that is committed."""
    question = {"customer_id": "1", "channel": "web", "durable": True}
    return client.post("/v1/next-best-actions", json=question, headers=advisor).json()


@pytest.fixture
def report(client: Any, advisor: dict[str, str]) -> Callable[[Any], Any]:
    return lambda body: client.post("/v1/outcomes", json=body, headers=advisor)


def outcome(decided: dict[str, Any], **changes: Any) -> dict[str, Any]:
    first = decided["results"][0]["action_id"]
    told = {"event_id": "e-1", "decision_id": decided["decision_id"], "action_id": first}
    return told | {"outcome": "presented"} | changes


def test_an_outcome_is_stored_and_the_same_again_is_a_duplicate(decided, report) -> None:
    assert report(outcome(decided)).json()["items"][0]["status"] == "stored"
    again = report(outcome(decided))
    assert (again.status_code, again.json()["items"][0]["status"]) == (200, "duplicate")


def test_the_same_event_id_with_another_body_is_a_conflict_and_changes_nothing(
    decided, report, client, advisor
) -> None:
    report(outcome(decided))
    other = report(outcome(decided, outcome="refused"))
    assert other.status_code == 409
    assert other.json()["type"] == "/docs#conflict"
    assert "e-1" in other.json()["detail"]
    path = f"/v1/decisions/{decided['decision_id']}"
    stored = client.get(path, headers=advisor).json()["outcomes"]
    assert [one["outcome"] for one in stored] == ["presented"]


def test_an_outcome_of_an_unknown_decision_is_kept_in_quarantine(decided, report) -> None:
    answer = report(outcome(decided, decision_id="nobody-knows"))
    assert answer.status_code == 200
    assert answer.json()["items"][0]["status"] == "quarantined"


def test_an_outcome_of_an_action_that_the_decision_did_not_return_is_refused(
    decided, report
) -> None:
    answer = report(outcome(decided, action_id="unicorn"))
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["value"]) == ("action_id", "unicorn")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "loved"),
        ("event_id", ""),
        ("event_id", 7),
        ("occurred_at", "2018-01-01T06:00:00"),
        ("occurred_at", "yesterday"),
        ("value", "much"),
        ("unknown_field", 1),
    ],
)
def test_a_wrong_field_is_named_with_its_value(decided, report, field: str, value: Any) -> None:
    answer = report(outcome(decided, **{field: value}))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["value"] == value


def test_an_outcome_far_in_the_future_is_refused_and_one_just_ahead_counts_as_now(
    decided, report, house
) -> None:
    now = house.clock.now()
    far = report(outcome(decided, occurred_at=(now + timedelta(minutes=6)).isoformat()))
    assert far.status_code == 422
    assert "in the future" in far.json()["errors"][0]["message"]
    near = report(outcome(decided, occurred_at=(now + timedelta(minutes=4)).isoformat()))
    assert near.json()["items"][0]["status"] == "stored"
    assert house.ledger.outcomes_of(decided["decision_id"])[0].occurred_at == now.timestamp()


def test_in_a_list_one_bad_item_costs_the_others_nothing(decided, report) -> None:
    answer = report(
        [
            outcome(decided, event_id="a"),
            outcome(decided, event_id="b", outcome="loved"),
            {"event_id": "c"},
            outcome(decided, event_id="d", action_id="unicorn"),
            outcome(decided, event_id="a", outcome="refused"),
            outcome(decided, event_id="e", outcome="accepted", value=2.5),
        ]
    )
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["status"] for item in items] == [
        "stored", "refused", "refused", "refused", "conflict", "stored",
    ]  # fmt: skip
    assert (items[1]["field"], items[1]["value"]) == ("outcome", "loved")
    assert items[3]["field"] == "action_id"


@pytest.mark.parametrize("body", [[], [{}] * 501, "text", 7])
def test_neither_an_outcome_nor_a_list_of_1_to_500_is_refused(report, body: Any) -> None:
    assert report(body).status_code == 422


def test_outcomes_need_their_scope(decided, house) -> None:
    key = house.key("decide:web")
    with house.client() as client:
        answer = client.post("/v1/outcomes", json=outcome(decided), headers=key)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("error", "seconds"), [(LedgerBusy("full"), "1"), (LedgerFull("full"), "30"),
                           (LedgerError("no"), "5")],
)  # fmt: skip
def test_what_the_ledger_does_not_take_is_told_with_when_to_come_again(
    decided, report, house, monkeypatch, error: Exception, seconds: str
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(house.ledger, "store_outcomes", refuse)
    answer = report(outcome(decided))
    assert answer.status_code == 503
    assert answer.json()["type"] == "/docs#not_stored"
    assert answer.headers["Retry-After"] == seconds
    monkeypatch.undo()
    assert report(outcome(decided)).json()["items"][0]["status"] == "stored"


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 10**25, "outcome": "unheard"},
        {"event_id": chr(0xD800)},
        {"outcome": "x" + chr(0xDFFF)},
        {"unknown" + chr(0xD800): 1},
        {"unknown": 10**25},
        {"occurred_at": "0001-01-01T00:00:00+23:59"},
        {"occurred_at": "1969-12-31T23:59:59Z"},
    ],
)
def test_an_item_that_no_answer_could_echo_is_refused_and_the_others_are_stored(
    decided, client, advisor, changes: dict[str, Any]
) -> None:
    body = json.dumps([outcome(decided), outcome(decided, event_id="bad") | changes])
    headers = advisor | {"content-type": "application/json"}
    answer = client.post("/v1/outcomes", content=body, headers=headers)
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()["items"]] == ["stored", "refused"]


def test_a_huge_whole_number_is_a_value_like_any_other(decided, report) -> None:
    assert report(outcome(decided, value=10**25)).json()["items"][0]["status"] == "stored"


def test_what_is_told_to_precede_its_decision_counts_from_the_decision_on(
    decided, report, client, advisor
) -> None:
    report(outcome(decided, occurred_at="2001-01-01T00:00:00Z"))
    path = f"/v1/decisions/{decided['decision_id']}"
    stored = client.get(path, headers=advisor).json()["outcomes"]
    assert [one["occurred_at"] for one in stored] == [decided["decided_at"]]


def test_an_action_that_was_retired_since_can_still_be_answered_and_no_other_one(
    house: Any, client, advisor
) -> None:
    question = {"customer_id": "1", "max_results": 1, "durable": True}
    decided = client.post("/v1/next-best-actions", json=question, headers=advisor).json()
    (returned,) = [one["action_id"] for one in decided["results"]]
    lines = house.catalog.read_text().splitlines()
    house.catalog.write_text("\n".join(one for one in lines if f"{{id: {returned}," not in one))
    with house.client() as later:
        served = later.get("/v1/actions", headers=advisor).text
        assert f'"{returned}"' not in served
        left = [name for name in ("tea", "rice", "soap") if f'"{name}"' in served]
        assert len(left) == 2
        answers = [
            later.post("/v1/outcomes", headers=advisor,
                       json=outcome(decided, event_id=f"e-{name}", action_id=name))
            for name in (returned, *left, "made_up")
        ]  # fmt: skip
    assert [one.status_code for one in answers] == [200, 422, 422, 422]
    error = answers[-1].json()["errors"][0]
    assert (error["field"], error["value"]) == ("action_id", "made_up")
    kept = house.ledger.outcomes_of(decided["decision_id"])
    assert [one.action_id for one in kept] == [returned]
