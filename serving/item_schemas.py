"""What is told of everything that was reported: outcomes and events, item by item."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ITEMS = 500

ItemStatus = Literal["stored", "duplicate", "quarantined", "conflict", "refused"]


class ItemStored(BaseModel):
    """What became of one item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: str | None = Field(description="As sent; null where it could not be read.")
    status: ItemStatus = Field(
        description="stored, or duplicate: it is durable. quarantined: durable, and linked as soon "
        "as its decision, or the event that it takes back, is known. conflict: the event_id was "
        "used for something else. refused: a field cannot be used."
    )
    detail: str | None = Field(None, description="Why it was not stored.")
    field: str | None = Field(None, description="The field that cannot be used.")
    value: object = Field(None, description="What was sent there, shortened.")


class ItemsAnswer(BaseModel):
    """What became of the items, in the order in which they were sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: list[ItemStored]
