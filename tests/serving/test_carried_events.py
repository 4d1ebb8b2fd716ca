"""A question that brings events: they are stored and known before the decision is taken."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from served_world import rows
from told_refreshing import Told

from features.errors import FeatureError
from serving.app import create_app

with warnings.catch_warnings():
    # It warns that it will use another HTTP client one day.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

CALL = {"event_id": "c-1", "type": "call", "channel": "phone"}


class Refreshing(Told):
    """Remembers whose profiles were computed while the question waited; can be made to fail."""

    def __init__(self) -> None:
        super().__init__([])
        self.waited_for: list[list[str]] = []
        self.failure: Exception | None = None

    def now(self, customer_ids: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.waited_for.append(list(customer_ids))


@pytest.fixture
def refreshing() -> Refreshing:
    return Refreshing()


@pytest.fixture
def narrow(house: Any) -> dict[str, str]:
    """A key that may ask and not tell."""
    return house.key("decide:advisor")


@pytest.fixture
def ask(house: Any, refreshing: Refreshing, narrow: dict[str, str]) -> Iterator[Callable[..., Any]]:
    headers = house.key("decide:advisor", "events")
    parts = dataclasses.replace(house.parts(), refreshing=refreshing)
    with TestClient(create_app(parts), raise_server_exceptions=False) as client:

        def ask(headers: dict[str, str] = headers, **question: Any) -> Any:
            asked = {"customer_id": "1", "channel": "advisor", "events": [CALL]} | question
            return client.post("/v1/next-best-actions", json=asked, headers=headers)

        yield ask


def stored(house: Any) -> list[Any]:
    return sorted(rows(str(house.folder / "ledger.db"), "SELECT event_id, customer_id FROM events"))


def test_events_are_the_customers_and_the_profile_is_waited_for(ask, house, refreshing) -> None:
    other = {"event_id": "c-2", "type": "search", "channel": "web", "customer_id": "007"}
    answer = ask(events=[CALL, other])
    assert answer.status_code == 200 and answer.json()["degraded"] == []
    assert stored(house) == [("c-1", "1"), ("c-2", "007")]
    assert refreshing.waited_for == [["007", "1"]]


def test_who_somebody_is_is_read_once_and_again_after_events(ask, read_again) -> None:
    assert ask(events=[]).json()["degraded"] == []
    assert read_again == []
    assert ask().json()["degraded"] == []
    assert read_again == [("1",)]


def test_who_somebody_is_is_read_again_where_anything_was_waited_for(
    ask, house, read_again
) -> None:
    assert ask(events=[], decision_request_id="q-1").status_code == 200
    assert read_again == [("1",)]
    house.store.remote = True
    assert ask(events=[]).json()["degraded"] == []
    assert read_again == [("1",), ("1",)]


def test_the_same_question_again_stores_nothing_twice(ask, house) -> None:
    assert ask().json()["results"] == ask().json()["results"]
    assert stored(house) == [("c-1", "1")]


def test_a_profile_that_cannot_be_computed_costs_freshness_alone(ask, house, refreshing) -> None:
    refreshing.failure = FeatureError("no")
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["profile_not_refreshed"]
    assert stored(house) == [("c-1", "1")]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"events": [CALL, CALL | {"event_id": "c-2", "type": "cal"}]}, "events.1.type"),
        ({"events": [CALL | {"identities": {"cookie": ["x"]}}]}, "events.0.identities"),
        ({"events": [{}]}, "events.0.event_id"),
        ({"events": ["call"]}, "events.0"),
        ({"mode": "dry_run"}, "events"),
        ({"events": [CALL] * 21}, "events"),
    ],
)
def test_an_event_that_cannot_be_used_is_named_and_none_is_stored(
    ask, house, question, field
) -> None:
    answer = ask(**question)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert stored(house) == []


def test_an_event_id_that_was_used_before_is_a_conflict(ask, house) -> None:
    ask()
    answer = ask(events=[CALL | {"channel": "web"}])
    assert answer.status_code == 409
    told = "event_id c-1: this event_id was used before for something else"
    assert answer.json()["detail"] == told
    assert stored(house) == [("c-1", "1")]


def test_events_need_their_scope(ask, narrow) -> None:
    answer = ask(narrow)
    assert answer.status_code == 403
    assert "events" in answer.json()["detail"]
    assert ask(narrow, events=[]).status_code == 200
