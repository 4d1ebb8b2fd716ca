"""The contract of POST /v1/next-best-actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from features.errors import FeatureError, ModelError
from serving.answer_schemas import NextBestActionsAnswer

Ask = Callable[..., Any]
PATH = "/v1/next-best-actions"
HIDDEN = {
    "propensity",
    "label_model",
    "evidence",
    "value",
    "context_weight",
    "lever",
    "priority",
    "probability",
    "explored",
    "reasons",
}


def test_a_known_customer_gets_ranked_actions(ask: Ask) -> None:
    answer = ask(customer_id="1", channel="advisor").json()
    assert [result["action_id"] for result in answer["results"]] == ["tea", "soap", "rice"]
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3]
    assert answer["degraded"] == []
    assert answer["decided_at"] == "2018-01-01T06:00:00Z"
    assert answer["feature_age_s"] == 0.0
    assert answer["results"][0]["propensity"] == pytest.approx(0.3)
    assert answer["versions"]["model"] == "adoption/1"


@pytest.mark.parametrize("channel", ["web", "app", "bot", "advisor", "email"])
def test_every_answer_is_what_the_schema_says(ask: Ask, channel: str) -> None:
    response = ask(customer_id="1", channel=channel, explain="all", excluded=["tea"])
    assert response.status_code == 200
    TypeAdapter(NextBestActionsAnswer).validate_json(response.content)


@pytest.mark.parametrize("channel", ["web", "app", "bot"])
def test_a_page_or_a_bot_cannot_read_out_a_customer(ask: Ask, channel: str) -> None:
    answer = ask(customer_id="1", channel=channel, explain="all").json()
    assert "removed" not in answer
    for result in answer["results"]:
        assert not HIDDEN & set(result)


def test_an_advisor_gets_factors_and_removed_actions_when_asked(ask: Ask) -> None:
    answer = ask(customer_id="1", channel="advisor", explain="all", excluded=["tea"]).json()
    assert set(answer["results"][0]) >= HIDDEN
    assert "tea" in [candidate["action_id"] for candidate in answer["removed"]]
    assert "removed" not in ask(customer_id="1", channel="advisor", explain="top").json()


def test_no_reasons_are_given_when_none_are_asked_for(ask: Ask) -> None:
    answer = ask(customer_id="1", channel="advisor", explain="none").json()
    assert "reasons" not in answer["results"][0]


def test_a_channel_needs_its_scope(house: Any) -> None:
    web = house.key("decide:web")
    client = house.client()
    assert client.post(PATH, json={"channel": "app"}, headers=web).status_code == 200
    for channel in ("bot", "advisor", "email"):
        refused = client.post(PATH, json={"channel": channel}, headers=web)
        assert refused.status_code == 403
        assert f"decide:{channel}" in refused.json()["detail"]


def test_a_web_key_cannot_ask_with_the_eyes_of_an_advisor(house: Any) -> None:
    web = house.key("decide:web")
    question = {"customer_id": "1", "channel": "web", "context": "advisor"}
    refused = house.client().post(PATH, json=question, headers=web)
    assert refused.status_code == 403
    assert "decide:advisor" in refused.json()["detail"]


def test_without_a_key_the_answer_is_401_and_says_how(house: Any) -> None:
    refused = house.client().post(PATH, json={"customer_id": "1"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"customer_id": 1}, "customer_id"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "x" * 129}, "customer_id"),
        ({"customer_id": "a\nb"}, "customer_id"),
        ({"customer_id": "\ud800"}, "customer_id"),
        ({"max_results": 0}, "max_results"),
        ({"max_results": -1}, "max_results"),
        ({"max_results": 10_000}, "max_results"),
        ({"max_results": 3.0}, "max_results"),
        ({"max_results": "3"}, "max_results"),
        ({"max_results": True}, "max_results"),
        ({"max_results": 10**5_00}, "max_results"),
        ({"channel": "fax"}, "channel"),
        ({"context": "admin"}, "context"),
        ({"mode": "shadow"}, "mode"),
        ({"explain": "everything"}, "explain"),
        ({"language": "fr"}, "language"),
        ({"colour": "red"}, "colour"),
        ({"candidates": "tea"}, "candidates"),
        ({"excluded": [7]}, "excluded.0"),
        ({"contexts": [{"type": "page", "key": "category"}]}, "contexts.0.value"),
        ({"decision_request_id": "x" * 129}, "decision_request_id"),
        ({"identities": {"card": []}}, "identities.card"),
        ({"customer_id": "1", "identities": {"customer_id": ["1"]}}, "identities"),
    ],
)
def test_a_wrong_field_is_named(house: Any, advisor: Any, question: Any, field: str) -> None:
    headers = advisor | {"Content-Type": "application/json"}
    # Written by the standard library, which can write half of a surrogate pair.
    response = house.client().post(PATH, content=_as_json(question), headers=headers)
    assert response.status_code == 422
    assert field in [fault["field"] for fault in response.json()["errors"]]


def _as_json(value: object) -> str:
    import json

    return json.dumps(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"customer_id": "1"',
        b'{"customer_id": "1"} {}',
        b'{"max_results": NaN}',
        b'{"max_results": Infinity}',
        b'{"max_results": 1e999}',
        b"\xff\xfe{\x00}\x00",
        b'{"customer_id": "\xff"}',
        b"[" * 100_000,
        b'{"max_results": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_not_json_is_400(house: Any, advisor: Any, body: bytes) -> None:
    headers = advisor | {"Content-Type": "application/json"}
    response = house.client().post(PATH, content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["type"] == "/docs#not_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"1"', b"7"])
def test_json_that_is_not_an_object_is_422(house: Any, advisor: Any, body: bytes) -> None:
    headers = advisor | {"Content-Type": "application/json"}
    assert house.client().post(PATH, content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("depth", [900, 964, 990, 5_000])
def test_a_deeply_nested_value_is_refused_and_breaks_nothing(
    house: Any, advisor: Any, depth: int
) -> None:
    body = '{"customer_id":' + "[" * depth + "1" + "]" * depth + "}"
    answer = house.client().post(
        "/v1/next-best-actions",
        content=body,
        headers=advisor | {"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)


def test_of_very_many_wrong_fields_the_first_are_listed(house: Any, advisor: Any) -> None:
    body = {f"k{number}": 1 for number in range(5_000)}
    answer = house.client().post("/v1/next-best-actions", json=body, headers=advisor)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 50
    assert answer.json()["detail"].endswith("and 4950 more")


def test_a_name_that_stands_twice_is_refused(house: Any, advisor: Any) -> None:
    body = b'{"customer_id": "1", "customer_id": "2"}'
    headers = advisor | {"Content-Type": "application/json"}
    response = house.client().post(PATH, content=body, headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "customer_id"


def test_leading_zeros_of_a_customer_id_stay(ask: Ask) -> None:
    assert ask(customer_id="007").json()["degraded"] == []
    assert ask(customer_id="7").json()["degraded"] == ["unknown_customer"]


def test_an_unknown_customer_gets_the_default_action(ask: Ask) -> None:
    answer = ask(customer_id="nobody").json()
    assert [result["action_id"] for result in answer["results"]] == ["do_nothing"]
    assert answer["degraded"] == ["unknown_customer"]


def test_nobody_in_particular_gets_the_default_action(ask: Ask) -> None:
    response = ask()
    assert response.status_code == 200
    assert response.json()["degraded"] == ["unknown_customer"]


def test_an_identity_of_the_namespace_customer_id_is_looked_up(ask: Ask) -> None:
    assert ask(identities={"customer_id": ["1"]}).json()["degraded"] == []


@pytest.mark.parametrize("identities", [{}, {"customer_id": ["1", "007"]}])
def test_identities_that_name_nobody_are_answered_without_a_customer(
    ask: Ask, identities: Any
) -> None:
    answer = ask(identities=identities).json()
    assert "identity_not_resolved" in answer["degraded"]
    assert answer["results"][0]["action_id"] == "do_nothing"


def test_the_same_decision_request_id_gives_the_same_answer(ask: Ask) -> None:
    first = ask(customer_id="1", decision_request_id="page-1")
    assert ask(customer_id="1", decision_request_id="page-1").content == first.content
    other = ask(customer_id="1", decision_request_id="page-2").json()
    assert other["decision_id"] != first.json()["decision_id"]


def test_no_model_is_an_answer_that_says_so(house: Any, advisor: Any) -> None:
    house.model = None
    answer = house.client().post(PATH, json={"customer_id": "1"}, headers=advisor)
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["no_model"]


def test_no_features_is_an_answer_that_says_so(house: Any, advisor: Any) -> None:
    house.opened = FeatureError("no features were built yet")
    answer = house.client().post(PATH, json={"customer_id": "1"}, headers=advisor)
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["features_unavailable"]


@pytest.mark.parametrize(
    "failure", [FeatureError("online store: gone"), OSError("disk"), RuntimeError("anything")]
)
def test_an_unreadable_store_is_an_answer_that_says_so(house: Any, ask: Ask, failure: Any) -> None:
    house.store.failure = failure
    answer = ask(customer_id="1")
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["features_unavailable"]
    house.store.failure = None
    assert ask(customer_id="1").json()["degraded"] == []


def test_a_model_that_fails_is_an_answer_that_says_so(house: Any, ask: Ask) -> None:
    house.model.failure = ModelError("model.txt: cannot predict")
    answer = ask(customer_id="1")
    assert answer.status_code == 200
    assert "model_failed" in answer.json()["degraded"]


def test_a_profile_from_the_future_counts_as_none(house: Any, ask: Ask) -> None:
    house.store.profile_at += timedelta(hours=1)
    answer = ask(customer_id="1")
    assert answer.status_code == 200
    assert "profile_from_the_future" in answer.json()["degraded"]


def test_an_error_of_ours_is_500_without_a_word_of_it(house: Any, advisor: Any) -> None:
    house.model.failure = RuntimeError("secret of customer 1")
    response = house.client().post(PATH, json={"customer_id": "1"}, headers=advisor)
    assert response.status_code == 500
    assert response.json()["type"] == "/docs#internal_error"
    assert "secret" not in response.text


def test_long_values_are_echoed_shortened(ask: Ask) -> None:
    response = ask(customer_id="x" * 5_000)
    assert len(orjson.dumps(response.json()["errors"][0]["value"])) < 200


def test_a_bot_gets_one_short_reason_only_when_it_asks_and_may_read(house, advisor) -> None:
    alone = house.key("decide:bot")
    with house.client() as client:

        def ask(key: dict[str, str], **question: Any) -> Any:
            body = {"customer_id": "1", "channel": "bot"} | question
            return client.post("/v1/next-best-actions", json=body, headers=key)

        assert "reasons" not in ask(advisor).json()["results"][0]
        assert "because" not in ask(advisor).json()["results"][0]
        assert ask(alone).status_code == 200
        assert ask(alone, explain="top").status_code == 403
        assert ask(advisor, explain="top").status_code == 200
