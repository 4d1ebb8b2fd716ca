"""CloudEvents 1.0 in JSON (structured mode): an envelope around an event of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from serving.problems import FieldError, fields_of
from serving.reported import UnusableError

_ENVELOPE = {"event_id": "id", "type": "type", "occurred_at": "time"}
"""Members of an event, and where the envelope tells them."""


class CloudEventIn(BaseModel):
    """An event as CloudEvents 1.0 wraps it; extension attributes are not looked at."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: str = Field(description="The event_id; new for every event, whatever its source.")
    source: str = Field(min_length=1, max_length=2_048, description="Where it comes from.")
    type: str = Field(description="The type.")
    time: str | None = Field(None, description="When it happened.")
    subject: str | None = Field(None, description="The customer, where data names nobody.")
    datacontenttype: str | None = Field(None, description="application/json, or left out.")
    dataschema: str | None = None
    data: dict[str, JsonValue] | None = Field(None, description="The other members of the event.")


def is_cloud_event(content: object) -> bool:
    """Return whether it says of itself that it is a CloudEvent, of whatever version."""
    return isinstance(content, dict) and "specversion" in content


class Envelope:
    """A CloudEvent, and the event in it.

    Raises
    ------
    UnusableError : it is not one of version 1.0 with JSON in it.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        try:
            envelope = CloudEventIn.model_validate({**content, "data": None}, strict=True)
        except ValidationError as error:
            raise UnusableError(*fields_of(error)) from error
        data = content.get("data")
        _check(content, envelope.datacontenttype)
        self.event: dict[str, Any] = {
            **(data or {}),
            "event_id": envelope.id,
            "type": envelope.type,
        }
        if envelope.time is not None:
            self.event["occurred_at"] = envelope.time
        names_nobody = self.event.keys().isdisjoint(("customer_id", "identities"))
        self._by_subject = names_nobody and envelope.subject is not None
        if self._by_subject:
            self.event["customer_id"] = envelope.subject

    def sent_as(self, error: FieldError) -> FieldError:
        """Return what is wrong with a field of the event under the name it was sent by."""
        return error.model_copy(update={"field": self._place_of(error.field)})

    def _place_of(self, field: str) -> str:
        if field == "customer_id" and self._by_subject:
            return "subject"
        return _ENVELOPE.get(field, f"data.{field}" if field else "data")


def _check(content: Mapping[str, Any], media_type: str | None) -> None:
    told = (media_type or "application/json").partition(";")[0].strip().lower()
    if told != "application/json" and not told.endswith("+json"):
        raise UnusableError.of("datacontenttype", "not JSON", media_type)
    if "data_base64" in content:
        raise UnusableError.of(
            "data_base64", "only JSON in the member data is read", content["data_base64"]
        )
    data = content.get("data")
    if data is None:
        return
    if not isinstance(data, dict):
        raise UnusableError.of("data", "not an object", data)
    for name, told_by in _ENVELOPE.items():
        if name in data:
            raise UnusableError.of(f"data.{name}", f"the envelope says it: {told_by}", data[name])
