"""Customers are recognised in the request itself, by whatever ids a touchpoint has."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.errors import LedgerBusy, LedgerError
from features.identity import anonymous_id, is_anonymous, open_key

Ask = Callable[..., Any]
ONCE = """
consent: {assumed: demo}
contact_policies:
  - {id: once, at_most: 1, per: action, window: rolling, days: 7, concerns: {groups: [drinks]},
     words: {en: Once, de: Einmal}}
"""
CARD, COOKIE = {"loyalty": ["4711"]}, {"cookie": ["ck-ann@example"]}


@pytest.fixture
def admin(house: Any) -> dict[str, str]:
    scopes = ("decide:advisor", "decide:web", "events", "admin", "privacy", "read")
    key: dict[str, str] = house.key(*scopes)
    return key


@pytest.fixture
def client(house: Any, admin: dict[str, str]) -> Iterator[Any]:
    with house.client() as client:
        yield client


@pytest.fixture
def post(client: Any, admin: dict[str, str]) -> Ask:
    def post(path: str, **body: Any) -> Any:
        return client.post(f"/v1/customers/{path}", json=body, headers=admin)

    return post


@pytest.fixture
def ask(client: Any, admin: dict[str, str]) -> Ask:
    def ask(**question: Any) -> Any:
        asked = {"channel": "advisor", "explain": "all", "durable": True} | question
        return client.post("/v1/next-best-actions", json=asked, headers=admin)

    return ask


@pytest.fixture
def whose(house: Any, ask: Ask) -> Ask:
    """Whom a decision about some ids was logged for."""

    def whose(**identities: list[str]) -> str | None:
        decision = house.ledger.decision(ask(identities=identities).json()["decision_id"])
        found: str | None = decision.customer_id
        return found

    return whose


def test_a_cookie_alone_is_the_same_visitor_every_time(whose: Ask) -> None:
    visitor = whose(cookie=["ck-1"])
    assert visitor is not None and is_anonymous(visitor)
    assert whose(cookie=["ck-1"]) == visitor != whose(cookie=["ck-2"])


def test_after_a_login_the_cookie_alone_is_the_customer(whose: Ask, post: Ask) -> None:
    assert post("1/identities", identities=CARD).json() == {"changed": 1, "unchanged": 0}
    assert is_anonymous(str(whose(**COOKIE)))
    assert whose(**COOKIE, **CARD) == "1"
    assert whose(**COOKIE) == "1"


def test_from_the_second_customer_on_a_device_stands_for_nobody(whose: Ask, post: Ask) -> None:
    post("1/identities", identities={"loyalty": ["a"]})
    post("007/identities", identities={"loyalty": ["b"]})
    assert whose(cookie=["ck"], loyalty=["a"]) == "1"
    assert whose(cookie=["ck"], loyalty=["b"]) == "007"
    nobody = whose(cookie=["ck"])
    assert nobody is not None and is_anonymous(nobody)
    assert whose(cookie=["ck"], loyalty=["a"]) == "1"
    assert whose(cookie=["ck"]) == nobody


def test_spellings_of_an_e_mail_are_one(whose: Ask, post: Ask) -> None:
    post("1/identities", identities={"email": ["Ann@Example.com"]})
    assert whose(email=[" ann@example.COM "]) == "1"


def test_strong_ids_that_disagree_are_told(ask: Ask, post: Ask) -> None:
    post("1/identities", identities={"loyalty": ["a"]})
    post("007/identities", identities={"email": ["b@c.de"]})
    answer = ask(identities={"email": ["b@c.de"], "loyalty": ["a"]}).json()
    assert answer["degraded"] == ["identities_disagree"]
    people = post("1/merge", absorbed_id="007").json()
    assert people == {"status": "merged", "people": {"1": ["1", "007"]}, "detail": None}
    assert ask(identities={"email": ["b@c.de"], "loyalty": ["a"]}).json()["degraded"] == []


def test_an_objection_as_a_visitor_stops_marketing_to_the_customer(
    whose: Ask, ask: Ask, post: Ask
) -> None:
    visitor = whose(**COOKIE)
    post(f"{visitor}/consents", status="objected")
    assert ask(customer_id="1").json()["results"][0]["action_id"] == "tea"
    post("1/identities", identities=CARD)
    stopped = ask(identities={**COOKIE, **CARD}).json()
    assert {one["reason"] for one in stopped["removed"]} == {"objected"}
    assert ask(customer_id="1").json()["results"][0]["action_id"] == "do_nothing"
    post("1/unmerge", absorbed_id=visitor)
    assert ask(customer_id="1").json()["results"][0]["action_id"] == "tea"


def test_what_a_visitor_was_shown_counts_for_the_customer_until_it_is_taken_back(
    house: Any, admin: dict[str, str]
) -> None:
    (house.folder / "policies.yaml").write_text(ONCE)
    key = open_key(None, house.folder / "identity-key")
    visitor = anonymous_id(key.hash("cookie", COOKIE["cookie"][0]))
    house.store.known = ("1", visitor)
    with house.client() as client:

        def first(**question: Any) -> str:
            asked = {"channel": "advisor", **question}
            answer = client.post("/v1/next-best-actions", json=asked, headers=admin).json()
            return str(answer["results"][0]["action_id"])

        assert first(identities=COOKIE) == "tea"
        assert first(identities=COOKIE) == "soap"
        assert first(customer_id="1", mode="dry_run") == "tea"
        path = "/v1/customers/1/identities"
        client.post(path, json={"identities": CARD}, headers=admin)
        assert first(identities={**COOKIE, **CARD}) == "soap"
        assert first(customer_id="1") == "soap"
        client.post("/v1/customers/1/unmerge", json={"absorbed_id": visitor}, headers=admin)
        assert first(customer_id="1", mode="dry_run") == "tea"


def test_the_profile_is_that_of_the_root(ask: Ask, post: Ask) -> None:
    assert "unknown_customer" in ask(customer_id="77").json()["degraded"]
    post("1/merge", absorbed_id="77")
    assert ask(customer_id="77").json()["degraded"] == []


def test_merges_are_idempotent_and_circles_are_told(post: Ask) -> None:
    assert post("2/merge", absorbed_id="1").json()["status"] == "merged"
    for path, absorbed in (("2", "1"), ("1", "2"), ("1", "1")):
        told = post(f"{path}/merge", absorbed_id=absorbed).json()
        assert (told["status"], told["detail"]) == ("unchanged", "they are one person already")
    assert post("2/unmerge", absorbed_id="1").json()["people"] == {"1": ["1"], "2": ["2"]}
    assert post("2/unmerge", absorbed_id="1").json()["status"] == "unchanged"


def test_a_trial_leaves_no_trace(house: Any, ask: Ask, post: Ask, whose: Ask) -> None:
    post("1/identities", identities=CARD)
    ask(identities={**CARD, **COOKIE}, mode="dry_run")
    assert is_anonymous(str(whose(**COOKIE)))


def test_no_id_is_kept_as_it_is(house: Any, ask: Ask, post: Ask, capfd: Any) -> None:
    post("1/identities", identities={"email": ["bob@secret.org"]})
    ask(identities={"email": ["bob@secret.org"], **COOKIE}, decision_request_id="r-1")
    house.ledger.flush()
    told = capfd.readouterr()
    assert "secret.org" not in told.out + told.err
    for path in house.folder.rglob("*"):
        if path.is_file():
            assert b"secret.org" not in path.read_bytes(), path
            assert b"ck-ann" not in path.read_bytes(), path


def test_a_request_id_with_other_ids_is_another_question(ask: Ask) -> None:
    assert ask(identities=COOKIE, decision_request_id="r-1").status_code == 200
    assert ask(identities=COOKIE, decision_request_id="r-1").status_code == 200
    assert ask(identities=CARD, decision_request_id="r-1").status_code == 409


def test_a_ledger_that_fails_costs_the_recognition_and_not_the_answer(
    house: Any, ask: Ask, post: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    post("1/identities", identities=CARD)

    def fail(*_: object) -> None:
        raise LedgerError("gone")

    def full(*_: object) -> None:
        raise LedgerBusy("full")

    with monkeypatch.context() as broken:
        broken.setattr(house.ledger.people, "note_logins", full)
        answer = ask(identities={**CARD, **COOKIE}).json()
        assert answer["degraded"] == ["identity_not_recorded"]
        broken.setattr(house.ledger.people, "look_up", fail)
        assert "identity_not_resolved" in ask(identities=CARD).json()["degraded"]
        assert ask(customer_id="1").json()["degraded"] == []


def test_a_batch_is_recognised_with_one_look(house: Any, admin: Any) -> None:
    recognition = house.parts().recognition
    found = asyncio.run(
        recognition.recognise_all(
            [{"cookie": ["a"], "loyalty": ["x"]}, {"cookie": ["b"]}, {"customer_id": ["1"]}, {}],
            5.0,
        )
    )
    stranger = anonymous_id(recognition.hash("loyalty", "x"))
    visitor = anonymous_id(recognition.hash("cookie", "b"))
    assert [one.customer_id for one in found] == [stranger, visitor, "1", None]
    again = asyncio.run(recognition.recognise({"cookie": ["a"]}, 6.0))
    assert again.customer_id == stranger


@pytest.mark.parametrize(
    ("identities", "field"),
    [
        ({"cookie": [""]}, "identities.cookie.0"),
        ({"cookie": ["  "]}, "identities"),
        ({"phone": ["call me"]}, "identities"),
        ({"cookie": ["a\x00b"]}, "identities.cookie.0"),
        ({"": ["a"]}, "identities..[key]"),
        ({f"n{at}": ["a"] for at in range(17)}, "identities"),
        ({"cookie": [str(at) for at in range(17)]}, "identities.cookie"),
        ({"cookie": [7]}, "identities.cookie.0"),
        ({"cookie": "a"}, "identities.cookie"),
    ],
)
def test_ids_that_cannot_be_used_are_named(
    ask: Ask, post: Ask, identities: Any, field: str
) -> None:
    for answer in (ask(identities=identities), post("1/identities", identities=identities)):
        assert answer.status_code == 422
        assert field in {one["field"] for one in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("1/identities", {"identities": {}}),
        ("1/identities", {"identities": {"customer_id": ["2"]}}),
        ("1/identities", {"identities": CARD, "status": "maybe"}),
        ("1/merge", {}),
        ("1/merge", {"absorbed_id": ""}),
        ("1/merge", {"absorbed_id": 7}),
        ("1/unmerge", {"absorbed_id": "2", "why": "x"}),
        ("a%00b/merge", {"absorbed_id": "2"}),
    ],
)
def test_bodies_that_cannot_be_used_are_refused(post: Ask, path: str, body: Any) -> None:
    assert post(path, **body).status_code == 422


def test_a_customer_id_among_ids_to_link_is_told_with_its_value(post: Ask) -> None:
    (told,) = post("1/identities", identities={"customer_id": ["2"]}).json()["errors"]
    assert (told["field"], told["value"]) == ("identities.customer_id", '["2"]')


@pytest.fixture
def poor(house: Any) -> dict[str, str]:
    key: dict[str, str] = house.key("decide:web")
    return key


def test_every_route_needs_its_scope(poor: dict[str, str], client: Any) -> None:
    bodies = {"identities": {"identities": CARD}, "merge": {"absorbed_id": "2"}}
    for name, scope in (("identities", "events"), ("merge", "admin"), ("unmerge", "admin")):
        body = bodies.get(name, bodies["merge"])
        answer = client.post(f"/v1/customers/1/{name}", json=body, headers=poor)
        assert answer.status_code == 403 and scope in answer.json()["detail"]


def test_changed_rules_are_taken_up_and_faulty_or_vanished_ones_refused(house: Any) -> None:
    path = Path(house.catalog).with_name("identity.yaml")
    path.write_text("namespaces: [{id: cookie, on_login: keep_apart}]\n")
    recognition = house.parts().recognition
    assert recognition.rules.of("cookie").on_login == "keep_apart"
    path.write_text("namespaces: [{id: cookie, on_login: mix}]\n")
    recognition.refresh()
    assert recognition.rules.of("cookie").on_login == "keep_apart"
    assert recognition.degraded() == ["identity_refused"]
    path.unlink()
    recognition.refresh()
    assert recognition.rules.of("cookie").on_login == "keep_apart"
    path.write_text("namespaces: [{id: cookie, strength: strong}]\n")
    recognition.refresh()
    assert (recognition.rules.of("cookie").strength, recognition.degraded()) == ("strong", [])


def test_the_key_file_is_its_owners_alone(house: Any, admin: Any) -> None:
    house.parts()
    assert (house.folder / "identity-key").stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(house.folder / "ledger.db")) as file:
        assert file.execute("SELECT count(*) FROM identities").fetchone() == (0,)
