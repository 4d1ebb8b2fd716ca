"""What goes over the wire when something happened that is no outcome of an action."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    RootModel,
)
from pydantic_core import PydanticCustomError

from features.canonical.schemas import LARGEST, OUTCOME_TYPES, TOUCHPOINT_TYPES
from features.spelling import did_you_mean
from serving.cloud_events import CloudEventIn
from serving.item_schemas import MOST_ITEMS
from serving.schemas import Moment, Name

TRANSACTION, UNDO = "transaction", "undo"
EVENT_TYPES = (TRANSACTION, UNDO, *(one for one in TOUCHPOINT_TYPES if one not in OUTCOME_TYPES))
"""What may happen besides outcomes."""

MOST_LINES = 1_000
LONGEST_ATTRIBUTES = 16_384
"""Most characters of the attributes as JSON."""
DEEPEST_ATTRIBUTES = 8

# Adding 0 makes of a negative zero a plain one.
Number = Annotated[FiniteFloat, Field(ge=-LARGEST, le=LARGEST), AfterValidator(lambda n: n + 0.0)]
"""A number that is still one when many of them are added up."""
OfLine = Annotated[Number, Field(ge=-LARGEST / MOST_LINES, le=LARGEST / MOST_LINES)]
"""A number of which a transaction may have as many as lines."""


def _known_type(name: str) -> str:
    if name in OUTCOME_TYPES:
        message = "an outcome of an action; send it to /v1/outcomes"
    elif name not in EVENT_TYPES:
        message = f"not a type of event{did_you_mean(name, EVENT_TYPES)}"
    else:
        return name
    raise PydanticCustomError("event_type", "{message}", {"message": message})


def _bounded(value: object) -> object:
    """Return attributes that every database and every reader of JSON can take."""
    fault = _fault(value, 0)
    if fault is None and len(json.dumps(value)) > LONGEST_ATTRIBUTES:
        fault = f"more than {LONGEST_ATTRIBUTES:,} characters"
    if fault is not None:
        raise PydanticCustomError("attributes", "{fault}", {"fault": fault})
    return value


def _fault(value: object, depth: int) -> str | None:
    """Return what is wrong with a JSON value; None where nothing is."""
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a whole number of more than 64 bits"
    if not isinstance(value, dict | list):
        return None
    if depth == DEEPEST_ATTRIBUTES:
        return f"nested deeper than {DEEPEST_ATTRIBUTES} levels"
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    faults = (_fault(part, depth + 1) for part in parts)
    return next((fault for fault in faults if fault is not None), None)


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "the character NUL"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half of a character"
    return None


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LineIn(_In):
    """One line of a transaction."""

    line_id: Name | None = Field(None, description="Left out: its place, from 1 on.")
    item_id: Name | None = Field(None, description="The article.")
    category: Name | None = Field(None, description="Its category, as in the catalog.")
    category_group: Name | None = Field(None, description="The group of the category.")
    quantity: Number | None = Field(None, description="How many, or how much.")
    amount: OfLine = Field(description="What was paid, in the currency; negative when returned.")
    discount: OfLine | None = Field(None, ge=0, description="What was taken off, without a sign.")
    coupon_discount: OfLine | None = Field(
        None, ge=0, description="What a coupon took off, without a sign."
    )


class EventIn(_In):
    """One thing that happened: a transaction, a touchpoint, or an undo of another event."""

    event_id: Name = Field(description="Yours, and new for every event; send it again to be safe.")
    type: Annotated[
        Name, AfterValidator(_known_type), Field(json_schema_extra={"enum": [*EVENT_TYPES]})
    ] = Field(description="What happened. Outcomes of actions go to /v1/outcomes.")
    customer_id: Name | None = Field(
        None, description="Whose event it is; left out, that of the decision."
    )
    identities: (
        Annotated[
            dict[Name, Annotated[list[Name], Field(min_length=1, max_length=16)]],
            Field(max_length=16),
        ]
        | None
    ) = Field(None, description="Ids by namespace, instead of customer_id.")
    occurred_at: Moment | None = Field(
        None, description="When, ISO 8601 with an offset; left out: now, by the service's clock."
    )
    channel: Name = Field(description="Where, such as web, app, store, phone or email.")
    amount: Number | None = Field(
        None, description="In the currency; of a transaction with lines it must be their sum."
    )
    category: Name | None = Field(
        None, description="What it was about; of a transaction with lines each line has its own."
    )
    rating: Annotated[FiniteFloat, Field(ge=1, le=10)] | None = Field(
        None, description="1 to 10; a `rated` event has one, a `complaint` may."
    )
    value: Number | None = Field(None, description="What it was worth, in the currency.")
    session_id: Name | None = Field(None, description="The visit or call that it was part of.")
    action_id: Name | None = Field(None, description="The action that it was about.")
    decision_id: Name | None = Field(None, description="The decision that it was about.")
    refers_to: Name | None = Field(
        None, description="Another event: what an undo takes back, the complaint that is closed."
    )
    on_behalf_of: Name | None = Field(
        None, description="Who reported it for the customer, such as an advisor's id."
    )
    transaction_id: Name | None = Field(
        None, description="Of a transaction, such as the number of the receipt; else the event_id."
    )
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)] | None = Field(
        None, description="Of a transaction; or else its amount."
    )
    attributes: Annotated[dict[str, JsonValue], BeforeValidator(_bounded)] = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Whatever else is known: an object of at most 16,384 characters.",
    )


class EventsIn(
    RootModel[
        EventIn
        | CloudEventIn
        | Annotated[list[EventIn | CloudEventIn], Field(min_length=1, max_length=MOST_ITEMS)]
    ]
):
    """One event, or a list of up to 500; each may be a CloudEvent."""
