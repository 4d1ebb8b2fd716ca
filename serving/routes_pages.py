"""The pages for people, and the document they are made from."""

from __future__ import annotations

from datetime import UTC

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.answers import json_response
from serving.operations import Operation, parts_of
from serving.pages import STYLE, home_page, reference_page
from serving.routes_health import checks, ledger_check


async def home(request: Request) -> Response:
    """Show how the service is."""
    parts = parts_of(request)
    engine, settings = parts.engine, parts.settings
    ready = {
        "checks": checks(engine, parts.keys.trouble) | ledger_check(parts.desk),
        "degraded": [*engine.degraded(), *parts.desk.degraded()],
        "now": engine.clock.now().astimezone(UTC).isoformat(timespec="seconds"),
        "time_zone": engine.calendar.zone,
        "address": f"http://{settings.http_host}:{settings.http_port}",
    }
    return HTMLResponse(home_page(ready))


async def openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    return json_response(request.app.state.document)


async def reference(request: Request) -> Response:
    """Show the OpenAPI document to people."""
    return HTMLResponse(reference_page(request.app.state.document))


async def style(request: Request) -> Response:
    """Return the style of the pages."""
    return Response(STYLE, media_type="text/css")


OPERATIONS = (
    Operation("GET", "/", home, "How the service is, for people.", media_type="text/html"),
    Operation("GET", "/docs", reference, "This reference, for people.", media_type="text/html"),
    Operation("GET", "/openapi.json", openapi, "This reference, for machines."),
    Operation("GET", "/style.css", style, "The style of the pages.", media_type="text/css"),
)
