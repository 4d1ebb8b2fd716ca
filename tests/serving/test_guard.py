"""What stands before everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from serving.guard import SECURITY_HEADERS, Guard
from serving.metrics import Metrics
from serving.settings import Settings

PATH = "/v1/next-best-actions"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_body_that_is_not_declared_as_json_is_415(
    house: Any, advisor: Any, media_type: str
) -> None:
    headers = advisor | {"Content-Type": media_type}
    response = house.client().post(PATH, content=b'{"customer_id": "1"}', headers=headers)
    assert response.status_code == 415
    assert response.json()["type"] == "/docs#not_json_type"


def test_json_may_name_its_charset(house: Any, advisor: Any) -> None:
    headers = advisor | {"Content-Type": "application/json; charset=utf-8"}
    assert house.client().post(PATH, content=b"{}", headers=headers).status_code == 200


def test_a_body_that_says_it_is_too_large_is_413(house: Any, advisor: Any) -> None:
    headers = advisor | {"Content-Type": "application/json"}
    response = house.client().post(PATH, content=b" " * 1_000_001, headers=headers)
    assert response.status_code == 413
    assert response.json()["type"] == "/docs#body_too_large"


def test_a_body_in_chunks_that_grows_too_large_is_413(house: Any, advisor: Any) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 100_000

    headers = advisor | {"Content-Type": "application/json"}
    assert house.client().post(PATH, content=chunks(), headers=headers).status_code == 413


def test_a_foreign_host_is_refused_when_hosts_are_listed(house: Any) -> None:
    client = house.client(allowed_hosts=("nba.example", "::1"))
    for host, status in (
        ("nba.example", 200),
        ("NBA.example:3000", 200),
        ("[::1]:3000", 200),
        ("evil.example", 421),
        ("nba.example.evil.example", 421),
        ("[", 421),
    ):
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/", PATH])
def test_every_answer_carries_the_security_headers(house: Any, path: str) -> None:
    response = house.client().get(path)
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value


def test_a_body_that_never_ends_is_given_up() -> None:
    sent = _through_guard(["never"])
    assert sent[0]["status"] == 408


def test_a_body_reaches_the_application_whole() -> None:
    sent = _through_guard([b"{", b"}"])
    assert sent[1]["body"] == b"{}"


def _through_guard(chunks: list[Any]) -> list[Any]:
    """Send a body in chunks through the guard to an application that echoes it."""

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    async def receive() -> dict[str, Any]:
        chunk = chunks.pop(0)
        if chunk == "never":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    guard = Guard(echo, Settings(body_seconds=0.05), Metrics())
    asyncio.run(guard(scope, receive, send))
    return sent
