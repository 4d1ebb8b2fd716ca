"""What goes wrong, told in one shape: RFC 9457 problem details."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_LONGEST_ECHO = 100
MOST_ERRORS = 50


class FieldError(BaseModel):
    """One field that cannot be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Path of the field, e.g. contexts.0.key; empty for the body.")
    message: str = Field(description="What is wrong with it.")
    value: object = Field(description="What was sent, shortened when it is long.")


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(description="Which kind of problem, as an address below /docs.")
    title: str = Field(description="The kind of problem in words; the same for each type.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time.")
    instance: str = Field(description="Path of the request.")
    errors: list[FieldError] | None = Field(None, description="The fields, for status 422.")


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its code, status and title."""

    code: str
    status: int
    title: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind("not_json", 400, "The body is not JSON"),
        Kind("no_key", 401, "No valid API key"),
        Kind("scope_missing", 403, "The API key may not do this"),
        Kind("not_found", 404, "There is nothing at this address"),
        Kind("method_not_allowed", 405, "This address does not know the method"),
        Kind("conflict", 409, "The id was used before for something else"),
        Kind("body_too_slow", 408, "The body took too long"),
        Kind("erased", 410, "The content has been erased"),
        Kind("body_too_large", 413, "The body is too large"),
        Kind("not_json_type", 415, "The Content-Type is not application/json"),
        Kind("wrong_host", 421, "The service does not answer for this host"),
        Kind("wrong_field", 422, "A field cannot be used"),
        Kind("internal_error", 500, "The service failed"),
        Kind("not_ready", 503, "The service cannot answer yet"),
        Kind("not_readable", 503, "The ledger cannot be read"),
        Kind("not_reproducible", 503, "The decision cannot be taken again"),
        Kind("still_erasing", 503, "The erasure is under way"),
        Kind("not_stored", 503, "Nothing was stored; send it again later"),
    )
}


class ProblemError(Exception):
    """A request that cannot be answered; raised anywhere, turned into a response at the border."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.errors = code, detail, errors
        self.headers = dict(headers or {})


def problem_response(problem: ProblemError, instance: str) -> Response:
    """Return the problem as a response to the request at path `instance`."""
    kind = KINDS[problem.code]
    body: dict[str, object] = {
        "type": f"/docs#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors]
    # The standard library escapes what UTF-8 cannot carry, such as half of a surrogate pair.
    text = json.dumps(body, ensure_ascii=True, allow_nan=False, default=str)
    return Response(text, kind.status, problem.headers, media_type=MEDIA_TYPE)


def from_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ProblemError:
    """Return the problem for a bare HTTP status, e.g. of a route that does not exist."""
    for kind in KINDS.values():
        if kind.status == status:
            return ProblemError(kind.code, detail or kind.title, headers=headers)
    return ProblemError("internal_error", detail or HTTPStatus(status).phrase)


def wrong_fields(error: ValidationError) -> ProblemError:
    """Return a problem of status 422 that names every field a model refused."""
    errors = fields_of(error)
    names = ", ".join(dict.fromkeys(fault.field or "body" for fault in errors))
    count = error.error_count()
    more = f" and {count - MOST_ERRORS} more" if count > MOST_ERRORS else ""
    return ProblemError("wrong_field", f"cannot use: {names[:300]}{more}", errors)


def fields_of(error: ValidationError) -> tuple[FieldError, ...]:
    """Return the fields that a model refused, the first 50."""
    faults = error.errors(include_url=False, include_context=False)
    return tuple(
        FieldError(
            field=".".join(str(part) for part in fault["loc"]),
            message=fault["msg"],
            value=shortened(fault["input"]) if fault["type"] != "missing" else None,
        )
        for fault in faults[:MOST_ERRORS]
    )


def shortened(value: object) -> object:
    """Return a value as it may be echoed: not longer than a line, and no half characters."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        # Many readers of JSON know no whole numbers beyond 64 bits.
        return value if -(2**63) <= value < 2**63 else f"{str(value)[:_LONGEST_ECHO]}..."
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        return "nested too deeply"
    text = whole(text)
    return text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}..."


def whole(text: str) -> str:
    """Return a text without halves of characters, which JSON can hold and UTF-8 cannot.

    >>> whole("a" + chr(0xD800))
    'a?'
    """
    return text.encode("utf-8", "replace").decode()
