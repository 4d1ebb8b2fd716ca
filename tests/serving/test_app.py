"""Routes, errors, pages, readiness and counters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.routing import Route

from features.clock import move_clock, open_clock, pin_clock
from serving.app import OPERATIONS, create_app
from serving.keys import load_keys
from serving.openapi import document, statuses
from serving.problems import KINDS, ProblemDetails

PROBLEM = {"type", "title", "status", "detail", "instance"}


def test_every_route_that_is_served_is_documented_and_the_other_way_round(house: Any) -> None:
    async def nowhere(scope: Any, receive: Any, send: Any) -> None: ...

    for bento in (None, nowhere):
        guarded: Any = create_app(house.parts(), bento)
        app = guarded._app
        routes = {
            route.path_format: route.methods for route in app.routes if isinstance(route, Route)
        }
        served = {(path, m) for path, methods in routes.items() for m in methods if m != "HEAD"}
        documented = {
            (path, method.upper())
            for path, methods in app.state.document["paths"].items()
            for method in methods
        }
        assert served == documented


def test_the_openapi_document_documents_every_status_with_an_example() -> None:
    made = document(OPERATIONS)
    for operation in OPERATIONS:
        described = made["paths"][operation.path][operation.method.lower()]
        assert set(described["responses"]) == {str(status) for status in statuses(operation)}
        for status, response in described["responses"].items():
            for content in response["content"].values():
                assert status == "200" or ProblemDetails(**content["example"]).status == int(status)
        if operation.answer is not None and operation.answer_example is not None:
            operation.answer.model_validate(operation.answer_example)
        for example in operation.examples.values():
            assert operation.body is not None
            operation.body.model_validate(example)


def test_every_reference_in_the_openapi_document_leads_somewhere(house: Any) -> None:
    response = house.client().get("/openapi.json")
    names = set(re.findall(r"#/components/schemas/(\w+)", response.text))
    assert names
    assert names == set(response.json()["components"]["schemas"])


def test_an_unknown_path_is_404(house: Any) -> None:
    response = house.client().get("/v1/nowhere")
    assert response.status_code == 404
    assert set(response.json()) == PROBLEM
    assert response.headers["content-type"] == "application/problem+json"


def test_a_slash_too_many_is_404_and_not_a_redirect(house: Any) -> None:
    assert house.client().get("/healthz/", follow_redirects=False).status_code == 404


def test_a_wrong_method_is_405_and_names_the_right_ones(house: Any) -> None:
    for path, method, allowed in (
        ("/v1/next-best-actions", "GET", "POST"),
        ("/healthz", "DELETE", "GET"),
        ("/v1/actions", "POST", "GET"),
    ):
        response = house.client().request(method, path)
        assert response.status_code == 405
        assert allowed in response.headers["allow"].split(", ")
        assert set(response.json()) == PROBLEM


def test_the_catalog_is_listed_for_a_key_that_may_read(house: Any, advisor: Any) -> None:
    other = house.key("events")
    client = house.client()
    answer = client.get("/v1/actions", headers=advisor).json()
    assert sorted(action["id"] for action in answer["actions"]) == ["rice", "soap", "tea"]
    assert answer["actions"][0]["name"].keys() == {"en", "de"}
    assert client.get("/v1/actions").status_code == 401
    assert client.get("/v1/actions", headers=other).status_code == 403


def test_liveness_and_readiness_need_no_key(house: Any) -> None:
    client = house.client()
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert ready.json()["degraded"] == []
    assert ready.json()["clock"]["now"] == "2018-01-01T06:00:00Z"
    assert ready.json()["versions"]["model"] == "adoption/1"


def test_without_a_model_the_service_is_ready_and_says_what_is_missing(house: Any) -> None:
    house.model = None
    ready = house.client().get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["degraded"] == ["no_model"]
    assert not ready.json()["checks"]["model"]["ok"]


def test_readiness_says_whose_time_it_is_and_that_a_pinned_one_cannot_be_read(house: Any) -> None:
    path = house.folder / "clock.json"
    start = datetime(2018, 1, 1, 6, tzinfo=UTC)
    pin_clock(path, start)
    house.clock = open_clock(path)
    with house.client() as client:

        def clock() -> tuple[str, bool, str]:
            told = client.get("/readyz").json()
            check = told["checks"]["clock"]
            return told["clock"]["now"][:13], check["ok"], check["detail"]

        assert clock() == ("2018-01-01T06", True, "began where the data end, runs on")
        move_clock(path, start + timedelta(hours=5))
        assert clock() == ("2018-01-01T11", True, "began where the data end, runs on")
        path.write_text("{")
        assert clock() == ("2018-01-01T11", False, "the newest file was refused")


def test_readiness_names_no_path_of_the_machine(house: Any) -> None:
    house.model, house.opened = None, OSError(f"{house.folder}: gone")
    assert str(house.folder) not in house.client().get("/readyz").text


def test_counters_need_a_key_unless_they_are_opened(house: Any, advisor: Any) -> None:
    assert house.client().get("/metrics").status_code == 401
    assert house.client(open_metrics=True).get("/metrics").status_code == 200
    client = house.client()
    before, after = (_ask_and_count(client, advisor) for _ in range(2))
    for name in (
        'nba_requests_total{method="POST",route="/v1/next-best-actions",status="200"}',
        'nba_requests_total{method="GET",route="unmatched",status="404"}',
        'nba_degraded_total{code="unknown_customer"}',
        'nba_request_seconds_count{route="/v1/next-best-actions"}',
    ):
        assert after[name] - before[name] == 1.0, name
    assert after['nba_model_info{name="adoption",version="adoption/1"}'] == 1.0
    assert 'nba_request_seconds_bucket{le="0.005",route="/v1/next-best-actions"}' in after


def _ask_and_count(client: Any, advisor: Any) -> dict[str, float]:
    """The numbers by name; where a library made the counters lasting, others counted before us."""
    client.post("/v1/next-best-actions", json={"customer_id": "nobody"}, headers=advisor)
    client.get("/nowhere")
    text = client.get("/metrics", headers=advisor).text
    lines = (line for line in text.splitlines() if line.startswith("nba_"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("path", ["/", "/docs", "/style.css"])
def test_pages_come_whole_from_this_host_and_carry_no_script(house: Any, path: str) -> None:
    page = house.client().get(path)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_every_problem_has_an_anchor_in_the_reference(house: Any) -> None:
    page = house.client().get("/docs").text
    for code in KINDS:
        assert f'id="{code}"' in page


def test_keys_work_as_soon_as_they_are_made_and_no_longer_than_they_are_there(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.keys._LOOK_EVERY_S", 0.0)
    client = house.client()
    headers = house.key("read")
    assert client.get("/v1/actions", headers=headers).status_code == 200
    path = house.folder / "keys.json"
    path.unlink()
    house.key("admin")
    assert len(load_keys(path)) == 1
    assert client.get("/v1/actions", headers=headers).status_code == 401
