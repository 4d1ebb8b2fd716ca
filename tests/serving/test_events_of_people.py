"""Events are stored of the person whom their ids name, before and after a login."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from served_world import rows

from serving.app import create_app

with warnings.catch_warnings():
    # It warns that it will use another HTTP client one day.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture
def headers(house: Any) -> dict[str, str]:
    return house.key("events")


def event(**changes: Any) -> dict[str, Any]:
    return {"event_id": "e", "type": "page_view", "channel": "web"} | changes


RULES = """
namespaces:
  - {id: cookie, strength: weak, on_login: merge}
  - {id: loyalty_card, strength: strong}
"""


def test_an_event_belongs_to_whom_its_ids_name_from_the_login_on(house, headers) -> None:
    house.folder.joinpath("identity.yaml").write_text(RULES)
    parts, cookie = house.parts(), {"cookie": ["c-7"]}
    card = {"loyalty_card": ["4711"]}
    with TestClient(create_app(parts)) as client:

        def send(event_id: str, identities: Any, kind: str = "page_view") -> None:
            told = event(event_id=event_id, type=kind, identities=identities)
            answer = client.post("/v1/events", json=told, headers=headers)
            assert answer.json()["items"][0]["status"] == "stored"

        path = "/v1/customers/1/identities"
        assert client.post(path, json={"identities": card}, headers=headers).status_code == 200
        send("a", cookie)
        send("b", cookie | card, "login")
        send("c", cookie)
        stored = sorted(
            rows(str(house.folder / "ledger.db"), "SELECT event_id, customer_id FROM events")
        )
        people = parts.desk.ledger.people.people(["1"])
    (first, second, third) = [customer for _, customer in stored]
    assert first.startswith("anonymous:") and (second, third) == ("1", "1")
    assert people == {"1": ("1", first)}


@pytest.mark.parametrize(("did", "undoes"), [("8", "1"), ("1", "8")])
def test_a_mis_click_is_taken_back_under_any_id_of_the_person(house, did: str, undoes: str) -> None:
    headers = house.key("events", "admin")
    with house.client() as client:

        def send(**told: Any) -> dict[str, Any]:
            answer = client.post("/v1/events", json=[event(**told)], headers=headers)
            (item,) = answer.json()["items"]
            return dict(item)

        send(event_id="click", customer_id=did)
        undo = {"event_id": "u1", "type": "undo", "refers_to": "click", "customer_id": undoes}
        refused = send(**undo)
        merge = {"absorbed_id": "8"}
        answer = client.post("/v1/customers/1/merge", json=merge, headers=headers)
        assert answer.json()["status"] == "merged"
        assert send(**undo)["status"] == "stored"
        assert send(**undo | {"event_id": "u2", "customer_id": "2"})["status"] == "refused"
        stored = rows(str(house.folder / "ledger.db"), "SELECT event_id, flags FROM events")
    assert refused["status"] == "refused" and "another customer" in str(refused)
    assert dict(stored) == {"click": "undone", "u1": ""}


def test_ids_that_name_nobody_for_sure_are_refused(house, headers) -> None:
    told = event(identities={"customer_id": ["1", "2"]})
    with house.client() as client:
        answer = client.post("/v1/events", json=told, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "identities"
