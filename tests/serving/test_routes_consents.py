"""What a customer allows or objects to, told over HTTP: the next decision sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from decisioning.history import HistoryNeeds
from features.errors import LedgerBusy, LedgerError

STRICT = "consent: {}\n"


@pytest.fixture
def client(house: Any, advisor: dict[str, str]) -> Iterator[Any]:
    with house.client() as client:
        yield client


@pytest.fixture
def say(client: Any, advisor: dict[str, str]) -> Callable[..., Any]:
    def say(customer: str = "1", **entry: Any) -> Any:
        path = f"/v1/customers/{customer}/consents"
        return client.post(path, json=entry, headers=advisor)

    return say


@pytest.fixture
def ask(client: Any, advisor: dict[str, str]) -> Callable[..., Any]:
    def ask(**question: Any) -> Any:
        asked = {"customer_id": "1", "channel": "advisor", "explain": "all"} | question
        return client.post("/v1/next-best-actions", json=asked, headers=advisor).json()

    return ask


def first(answer: Any) -> str:
    return str(answer["results"][0]["action_id"])


def reasons(answer: Any) -> set[str]:
    return {one["reason"] for one in answer["removed"]}


def test_an_objection_stops_marketing_from_the_next_decision_on(say, ask) -> None:
    assert first(ask()) == "tea"
    answer = say(status="objected")
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    stopped = ask()
    assert first(stopped) == "do_nothing"
    assert reasons(stopped) == {"objected"}
    assert first(ask(customer_id="007")) == "tea"


def test_only_a_later_grant_lifts_an_objection(say, ask, house: Any) -> None:
    say(status="objected")
    early = (house.clock.moment - timedelta(days=1)).isoformat()
    say(status="granted", valid_from=early)
    assert reasons(ask()) == {"objected"}
    # Of two entries of the same moment the stricter one counts.
    say(status="granted")
    assert reasons(ask()) == {"objected"}


def test_a_consent_counts_on_its_channel_and_for_its_purpose(house: Any, advisor: Any) -> None:
    (house.folder / "policies.yaml").write_text(STRICT)
    with house.client() as client:

        def post(path: str, body: Any) -> Any:
            return client.post(path, json=body, headers=advisor).json()

        question = {"customer_id": "1", "explain": "all"}
        assert (
            first(post("/v1/next-best-actions", question | {"channel": "advisor"})) == "do_nothing"
        )
        post("/v1/customers/1/consents", {"status": "granted", "purpose": "service"})
        assert (
            first(post("/v1/next-best-actions", question | {"channel": "advisor"})) == "do_nothing"
        )
        post("/v1/customers/1/consents", {"status": "granted", "channel": "advisor"})
        assert first(post("/v1/next-best-actions", question | {"channel": "advisor"})) == "tea"
        assert first(post("/v1/next-best-actions", question | {"channel": "email"})) == "do_nothing"


@pytest.mark.parametrize("status", ["objected", "withdrawn"])
def test_what_was_deferred_is_not_activated_after_an_objection(
    say, ask, client: Any, advisor: Any, status: str
) -> None:
    deferred = ask(mode="deferred")
    assert first(deferred) == "tea"
    say(status=status)
    path = f"/v1/decisions/{deferred['decision_id']}/activate"
    answer = client.post(path, headers=advisor)
    assert answer.status_code == 409
    assert "consent" in answer.json()["detail"]
    shown = client.get(f"/v1/decisions/{deferred['decision_id']}", headers=advisor).json()
    assert shown["state"] == "pending"


def test_what_was_deferred_is_activated_where_nothing_speaks_against_it(
    say, ask, client: Any, advisor: Any
) -> None:
    deferred = ask(mode="deferred")
    say("007", status="objected")
    path = f"/v1/decisions/{deferred['decision_id']}/activate"
    assert client.post(path, headers=advisor).json()["status"] == "activated"


def test_an_entry_says_since_when_who_and_where_from(say, house: Any) -> None:
    at = house.clock.moment - timedelta(days=3)
    say(status="withdrawn", channel="email", valid_from=at.isoformat())
    history = house.ledger.history("1", 4e9, HistoryNeeds())
    (entry,) = history.consents
    assert entry == ("marketing", "email", "withdrawn", at.timestamp())


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({}, "status"),
        ({"status": "yes"}, "status"),
        ({"status": "granted", "purpose": "transactional"}, "purpose"),
        ({"status": "granted", "channel": "fax"}, "channel"),
        ({"status": "granted", "valid_from": "2018-01-01T00:00:00"}, "valid_from"),
        ({"status": "granted", "valid_from": "2018-01-02T00:00:00Z"}, "valid_from"),
        ({"status": "granted", "valid_till": "2018-01-01T00:00:00Z"}, "valid_till"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_and_nothing_is_stored(
    say, house: Any, entry: dict[str, Any], field: str
) -> None:
    answer = say(**entry)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert house.ledger.history("1", 4e9, HistoryNeeds()).consents == ()


@pytest.mark.parametrize("customer", ["a" * 1_000, "%00", "a%09b"])
def test_a_customer_that_no_request_could_name_is_refused(say, customer: str) -> None:
    answer = say(customer, status="objected")
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["customer_id"]


def test_telling_a_consent_needs_the_scope_privacy(house: Any) -> None:
    key = house.key("decide:advisor", "read", "outcomes")
    path, body = "/v1/customers/1/consents", {"status": "objected"}
    with house.client() as client:
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers=key).status_code == 403


@pytest.mark.parametrize("error", [LedgerError("gone"), LedgerBusy("much to do")])
def test_what_cannot_be_stored_is_told_and_may_be_sent_again(
    say, house: Any, monkeypatch: pytest.MonkeyPatch, error: LedgerError
) -> None:
    def fails(rows: Any) -> Any:
        raise error

    monkeypatch.setattr(house.ledger, "record_consents", fails)
    answer = say(status="objected")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


def test_without_a_ledger_no_consent_is_taken(house: Any, advisor: Any) -> None:
    house.with_ledger = False
    with house.client() as client:
        answer = client.post(
            "/v1/customers/1/consents", json={"status": "granted"}, headers=advisor
        )
    assert answer.status_code == 503


def test_a_customer_whose_id_holds_a_slash_can_object(say, ask) -> None:
    assert say("a%2Fb", status="objected").status_code == 200
    assert first(ask(customer_id="a/b")) == "do_nothing"


@pytest.mark.parametrize("customer", ["%FF", "a%ED%A0%80"])
def test_an_id_that_is_not_utf_8_is_refused(say, customer: str) -> None:
    answer = say(customer, status="objected")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "customer_id")
