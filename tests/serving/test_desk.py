"""Decisions and the ledger: what is written down, what is repeated, what is left out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from features.errors import LedgerError

ONCE = """
consent: {assumed: demo}
contact_policies:
  - id: once
    per: action
    at_most: 1
    days: 7
    words: {en: once a week, de: einmal pro Woche}
"""


@pytest.fixture
def asked(house: Any, advisor: dict[str, str]) -> Callable[..., Any]:
    """Ask once, with the house as it is now."""

    def ask(policies: str | None = None, **question: Any) -> Any:
        if policies is not None:
            (house.folder / "policies.yaml").write_text(policies)
        with house.client() as client:
            body = {"customer_id": "1", "channel": "advisor"} | question
            return client.post("/v1/next-best-actions", json=body, headers=advisor)

    return ask


def best(response: Any) -> str:
    return str(response.json()["results"][0]["action_id"])


def test_a_live_decision_is_spooled_before_it_is_answered_and_soon_committed(asked, house) -> None:
    answer = asked().json()
    assert answer["logged"] == "spooled"
    house.ledger.flush()
    assert house.ledger.decision(answer["decision_id"]).customer_id == "1"


def test_a_dry_run_leaves_no_trace(asked, house) -> None:
    answer = asked(mode="dry_run", decision_request_id="r").json()
    assert answer["logged"] == "dry_run"
    house.ledger.flush()
    assert house.ledger.decision(answer["decision_id"]) is None
    assert house.ledger.by_request("r") is None


def test_a_durable_decision_is_committed_when_it_is_answered(asked, house) -> None:
    answer = asked(durable=True).json()
    assert answer["logged"] == "durable"
    assert house.ledger.decision(answer["decision_id"]) is not None


def test_the_same_request_id_gets_the_stored_answer_byte_for_byte(asked, house) -> None:
    first = asked(decision_request_id="r-1")
    house.model_stamp += 1
    house.model.failure = LedgerError("the model would answer otherwise now")
    assert asked(decision_request_id="r-1").content == first.content


def test_the_same_request_id_with_another_question_is_a_conflict(asked) -> None:
    asked(decision_request_id="r-1")
    other = asked(decision_request_id="r-1", max_results=1)
    assert (other.status_code, other.json()["type"]) == (409, "/docs#conflict")


def test_a_capped_action_is_reserved_and_not_offered_twice(asked) -> None:
    first = asked(ONCE, max_results=1)
    second = asked(max_results=1)
    assert first.json()["logged"] == "durable"
    assert best(first) != best(second)


def test_without_a_ledger_what_it_would_count_is_left_out_and_the_answer_says_so(
    asked, house
) -> None:
    house.with_ledger = False
    answer = asked(ONCE).json()
    assert best_of(answer) == "do_nothing"
    assert {"ledger_unavailable", "decision_not_logged"} <= set(answer["degraded"])
    assert answer["logged"] == "not_logged"


def best_of(answer: Any) -> str:
    return str(answer["results"][0]["action_id"])


def test_a_ledger_that_cannot_write_costs_the_capped_actions_and_not_the_answer(
    asked, house, monkeypatch
) -> None:
    house.open_ledger()

    def refuse(*_: Any, **__: Any) -> None:
        raise LedgerError("disk")

    monkeypatch.setattr(house.ledger, "take_decision", refuse)
    response = asked(ONCE)
    assert response.status_code == 200
    assert best(response) == "do_nothing"
    assert "ledger_unavailable" in response.json()["degraded"]


def test_what_was_answered_without_the_ledger_is_repeated_byte_for_byte_when_it_is_back(
    asked, house, monkeypatch
) -> None:
    house.open_ledger()

    def refuse(*_: Any, **__: Any) -> None:
        raise LedgerError("locked")

    with monkeypatch.context() as locked:
        locked.setattr(house.ledger, "take_decision", refuse)
        locked.setattr(house.ledger, "by_request", refuse)
        first = asked(decision_request_id="r-1")
        others = asked(decision_request_id="r-1", customer_id="007")
    assert first.json()["logged"] == others.json()["logged"] == "spooled"
    house.ledger.flush()
    assert asked(decision_request_id="r-1").content == first.content
    assert asked(decision_request_id="r-1", customer_id="007").status_code == 409
    rows = [house.ledger.decision(one.json()["decision_id"]) for one in (first, others)]
    assert [row.customer_id for row in rows] == ["1", "007"]


def test_a_dry_run_never_has_the_id_of_a_real_decision(asked) -> None:
    real = asked(decision_request_id="r-1").json()["decision_id"]
    assert asked(decision_request_id="r-1", mode="dry_run").json()["decision_id"] != real


def test_a_ledger_that_hangs_is_given_up_and_the_answer_is_given_without_it(
    asked, house, monkeypatch
) -> None:
    house.open_ledger()
    house.seconds = 0.2
    # A future that nobody will ever set.
    monkeypatch.setattr(house.ledger, "take_decision", lambda *_: Future())
    answer = asked(ONCE)
    assert (answer.status_code, best(answer)) == (200, "do_nothing")
    assert "ledger_unavailable" in answer.json()["degraded"]


@pytest.mark.parametrize(
    ("field", "names"),
    [("candidates", ["tea", "tee"]), ("excluded", ["tee"]), ("placements", ["home"])],
)
def test_a_name_that_the_catalog_does_not_have_is_refused_and_named(
    asked, field: str, names: list[str]
) -> None:
    answer = asked(**{field: names})
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert (error["field"], error["value"]) == (f"{field}.{len(names) - 1}", names[-1])


def test_an_objection_stops_marketing_in_the_very_next_answer(house, advisor) -> None:
    with house.client() as client:

        def ask() -> str:
            body = {"customer_id": "1", "channel": "advisor"}
            return best(client.post("/v1/next-best-actions", json=body, headers=advisor))

        def consent(**body: Any) -> int:
            return client.post("/v1/customers/1/consents", json=body, headers=advisor).status_code

        assert ask() != "do_nothing"
        assert consent(status="objected") == 200
        assert ask() == "do_nothing"
        assert consent(status="objected", purpose="fun") == 422
        assert consent(status="granted", valid_from="2030-01-01T00:00:00Z") == 422
