"""Stands before everything: bounds the body, its type and its time; sets security headers.

Pure ASGI, so that it guards BentoML's own routes as well as ours.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics
from serving.problems import ProblemError, problem_response
from serving.settings import Settings
from serving.within import within

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

BODY = "nba.body"
"""Where a scope has the whole body, for those who need not read it again."""

JSON_TYPE = "application/json"
CLOUD_EVENT_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json")
EVENTS_PATH = "/v1/events"
_TYPES = {EVENTS_PATH: frozenset({JSON_TYPE, *CLOUD_EVENT_TYPES})}
_USUAL_TYPES = frozenset({JSON_TYPE})

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_NAMES = {name for name, _ in _RAW_HEADERS}


class Guard:
    """Lets a request through only with a host, a body and a Content-Type that are allowed."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._hosts = frozenset(settings.allowed_hosts)
        self._longest = settings.max_body_bytes
        self._seconds = settings.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _secured(message.get("headers", []))
            await send(message)

        try:
            body = await self._admit(scope, receive)
        except ProblemError as problem:
            refusal = problem_response(problem, scope["path"])
            self._metrics.answered(method_of(scope), "refused", refusal.status_code, 0.0)
            await refusal(scope, receive, send_with_headers)
            return
        scope[BODY] = body
        await self._app(scope, _replay(body, receive), send_with_headers)

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body."""
        # Of headers of one name the first counts.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self._check_host(headers.get(b"host", b"").decode("latin-1"))
        length = headers.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in headers):
            return b""
        if length is not None and (not length.isdigit() or int(length) > self._longest):
            raise self._too_large()
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in _TYPES.get(scope["path"], _USUAL_TYPES):
            raise ProblemError("not_json_type", f"{media_type or 'none'} instead of JSON")
        try:
            return await within(self._seconds, self._read(receive))
        except TimeoutError as error:
            raise ProblemError(
                "body_too_slow",
                f"not complete after {self._seconds:g} s",
                headers={"Connection": "close"},
            ) from error

    async def _read(self, receive: Receive) -> bytes:
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b""
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._longest:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _too_large(self) -> ProblemError:
        # Closing spares the server from reading on to find the next request.
        return ProblemError(
            "body_too_large",
            f"longer than {self._longest} bytes",
            headers={"Connection": "close"},
        )

    def _check_host(self, host: str) -> None:
        if self._hosts and _name_of(host) not in self._hosts:
            raise ProblemError("wrong_host", f"not one of {', '.join(sorted(self._hosts))}")


def method_of(scope: Scope) -> str:
    """Return the method, `other` for one that HTTP does not know, so that counters stay few."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def _name_of(host: str) -> str:
    """Return the host without its port, in small letters, e.g. of `[::1]:3000`."""
    return re.sub(r":\d*$", "", host).strip("[]").lower()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives the body once, then what the server gives (a disconnect)."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _secured(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with the security headers; a route may set its own of the same name."""
    own = {name.lower() for name, _ in headers}
    if own.isdisjoint(_NAMES):
        return [*headers, *_RAW_HEADERS]
    return [*headers, *((name, value) for name, value in _RAW_HEADERS if name not in own)]
