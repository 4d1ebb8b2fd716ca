"""What is left to BentoML, for Bento clients: behind our guard, key check and errors."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.answer_schemas import NextBestActionsAnswer
from serving.bodies import read_body
from serving.operations import Operation, caller_of
from serving.routes_decide import EXAMPLES
from serving.schemas import NextBestActionsRequest

_OURS = ("app", "router", "endpoint", "path_params")


class Delegated(Response):
    """A response that BentoML gives."""

    def __init__(self, bento: ASGIApp, body: bytes) -> None:
        super().__init__()
        self._bento, self._body = bento, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let BentoML answer the request as it came."""
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": self._body, "more_body": False}

        as_it_came = {key: value for key, value in scope.items() if key not in _OURS}
        await self._bento(as_it_came, replay, send)


async def bento_recommend(request: Request) -> Response:
    """Check the question as the other route does, then let BentoML's method answer it."""
    caller, body = caller_of(request), await request.body()
    caller.require(*read_body(NextBestActionsRequest, body).scopes)
    return Delegated(request.app.state.bento, body)


async def bento_schema(request: Request) -> Response:
    """Return what Bento clients learn the service from."""
    return Delegated(request.app.state.bento, b"")


OPERATIONS = (
    Operation(
        "POST",
        "/recommend",
        bento_recommend,
        "The same question and answer as /v1/next-best-actions, for Bento clients.",
        scope="decide",
        body=NextBestActionsRequest,
        answer=NextBestActionsAnswer,
        examples=EXAMPLES,
    ),
    Operation("GET", "/schema.json", bento_schema, "The service as Bento clients see it."),
)
