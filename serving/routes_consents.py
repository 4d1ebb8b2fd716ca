"""POST /v1/customers/{customer_id}/consents: what a customer allows, withdraws or objects to."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from decisioning.ledger.rows import ConsentRow
from features.errors import LedgerError
from serving.answers import json_response
from serving.bodies import read_body
from serving.operations import Operation, parts_of
from serving.people import customer_of
from serving.problems import FieldError, ProblemError
from serving.schemas import Moment
from serving.storing import not_stored


class ConsentIn(BaseModel):
    """One entry for the consent log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Literal["marketing", "service"] = Field(
        "marketing", description="What the customer speaks about."
    )
    channel: Literal["web", "app", "bot", "advisor", "email", "all"] = Field(
        "all", description="A channel, or all of them."
    )
    status: Literal["granted", "withdrawn", "objected"] = Field(
        description="objected to marketing stops it until a later grant; nothing overrides it."
    )
    valid_from: Moment | None = Field(
        None, description="Since when, ISO 8601 with an offset; left out: from now on."
    )


class ConsentStored(BaseModel):
    """What became of a consent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["stored"] = Field(description="It is durable; the next decision sees it.")


async def consents(request: Request) -> Response:
    """Add to the consent log of a customer; the newest entry counts."""
    parts, customer_id = parts_of(request), customer_of(request)
    consent = read_body(ConsentIn, await request.body())
    now = parts.engine.clock.now()
    valid_from = consent.valid_from or now
    if valid_from > now:
        message = f"in the future; the clock of the service reads {now.isoformat()}"
        wrong = FieldError(field="valid_from", message=message, value=valid_from.isoformat())
        raise ProblemError("wrong_field", "cannot use: valid_from", (wrong,))
    row = ConsentRow(
        customer_id,
        consent.purpose,
        consent.channel,
        consent.status,
        valid_from.timestamp(),
        now.timestamp(),
        "api",
    )
    try:
        if parts.desk.ledger is None:
            raise LedgerError("there is no ledger")
        await parts.desk.patience.written(parts.desk.ledger.record_consents([row]))
    except LedgerError as error:
        raise not_stored(error) from error
    return json_response({"status": "stored"})


OPERATIONS = (
    Operation(
        "POST",
        "/v1/customers/{customer_id}/consents",
        consents,
        "What a customer allows, withdraws or objects to.",
        scope="privacy",
        body=ConsentIn,
        answer=ConsentStored,
        problems=(503,),
        examples={"objection": {"status": "objected"}},
        answer_example={"status": "stored"},
    ),
)
