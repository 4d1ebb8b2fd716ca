"""The HTTP application: one table of operations, one shape of errors, one guard in front."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from time import perf_counter

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import (
    routes_bento,
    routes_catalog,
    routes_consents,
    routes_customers,
    routes_decide,
    routes_decisions,
    routes_events,
    routes_health,
    routes_identities,
    routes_outcomes,
    routes_pages,
)
from serving.guard import BODY, Guard, method_of
from serving.logs import log
from serving.openapi import document
from serving.operations import Operation, Parts, caller_of, parts_of
from serving.problems import ProblemError, from_status, problem_response

OPERATIONS: tuple[Operation, ...] = (
    *routes_decide.OPERATIONS,
    *routes_events.OPERATIONS,
    *routes_outcomes.OPERATIONS,
    *routes_decisions.OPERATIONS,
    *routes_consents.OPERATIONS,
    *routes_identities.OPERATIONS,
    *routes_customers.OPERATIONS,
    *routes_catalog.OPERATIONS,
    *routes_health.OPERATIONS,
    *routes_pages.OPERATIONS,
)
"""Everything that is served and documented, besides what is left to BentoML."""

_HANDLED_INSIDE = ("", "decide", "metrics")
"""Scopes that the handler itself looks at, because they depend on body or settings."""

Endpoint = Callable[[Request], Awaitable[Response]]


class _Admitted(Request):
    """A request whose body the guard has read."""

    async def body(self) -> bytes:
        """Return the whole body."""
        body: bytes = self.scope[BODY]
        return body


class _Application(Starlette):
    """Takes an operation whose path stands in the request as it is written straight to its handler.

    Handlers answer every error themselves, so that Starlette's layers and its search through all
    routes have nothing to add; they cost 20 us.
    """

    direct: Mapping[tuple[str, str], Endpoint]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        endpoint = self.direct.get((scope.get("method", ""), scope.get("path", "")))
        if endpoint is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        response = await endpoint(_Admitted(scope, receive, send))
        await response(scope, receive, send)


def create_app(parts: Parts, bento: ASGIApp | None = None) -> ASGIApp:
    """Return the guarded application.

    Parameters
    ----------
    bento : the BentoML application it stands in front of; answers what is left to it.
    """
    operations = OPERATIONS if bento is None else (*OPERATIONS, *routes_bento.OPERATIONS)
    app = _Application(
        routes=list(_routes(operations)),
        exception_handlers={HTTPException: _unmatched},
    )
    app.router.redirect_slashes = False
    app.direct = {
        (one.method, one.path): _endpoint(one) for one in operations if "{" not in one.path
    }
    app.state.parts = parts
    app.state.bento = bento
    app.state.document = document(operations)
    return Guard(app, parts.settings, parts.metrics)


def _routes(operations: Iterable[Operation]) -> Iterable[Route]:
    """One route per path, so that a wrong method is answered with all that are allowed."""
    in_order = sorted(operations, key=attrgetter("path"))
    for path, at_path in groupby(in_order, attrgetter("path")):
        by_method = {operation.method: _endpoint(operation) for operation in at_path}
        # The id of a customer may hold a slash, which is one here however it is written.
        pattern = path.replace("{customer_id}", "{customer_id:path}")
        yield Route(pattern, _by_method(by_method), methods=list(by_method))


def _by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    if len(endpoints) == 1:
        return next(iter(endpoints.values()))

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return endpoint


def _endpoint(operation: Operation) -> Endpoint:
    """Return the handler with the key check, error shape, counter and log line around it."""

    async def endpoint(request: Request) -> Response:
        started = perf_counter()
        response = await _answer(operation, request)
        parts, seconds = parts_of(request), perf_counter() - started
        parts.metrics.answered(operation.method, operation.path, response.status_code, seconds)
        if parts.settings.log_requests:
            log().info(
                "request",
                method=operation.method,
                route=operation.path,
                status=response.status_code,
                ms=round(seconds * 1_000, 2),
            )
        return response

    return endpoint


async def _answer(operation: Operation, request: Request) -> Response:
    try:
        if operation.scope not in _HANDLED_INSIDE:
            caller_of(request).require(operation.scope)
        return await operation.handler(request)
    except ProblemError as problem:
        return problem_response(problem, request.scope["path"])
    except Exception as error:
        # The last border: the caller learns nothing, the log learns where, not what was sent.
        log().error(
            "failed",
            route=operation.path,
            error=type(error).__name__,
            where=[
                f"{frame.filename}:{frame.lineno}"
                for frame in traceback.extract_tb(error.__traceback__)
            ],
        )
        failed = ProblemError("internal_error", "the service's log says more")
        return problem_response(failed, request.scope["path"])


async def _unmatched(request: Request, error: Exception) -> Response:
    """Answer for an unknown path or method."""
    assert isinstance(error, HTTPException)
    problem = from_status(
        error.status_code, f"{request.method} {request.scope['path'][:200]}", error.headers
    )
    parts_of(request).metrics.answered(method_of(request.scope), "unmatched", error.status_code, 0)
    return problem_response(problem, request.scope["path"])
