"""What goes over the wire when something happened to an action that was decided."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, RootModel

from serving.item_schemas import MOST_ITEMS
from serving.schemas import Moment, Name

OutcomeType = Literal[
    "presented", "viewed", "clicked", "accepted", "refused", "later", "dismissed", "converted"
]


class OutcomeIn(BaseModel):
    """One thing that happened to an action of a decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: Name = Field(description="Yours, and new for every event; send it again to be safe.")
    decision_id: Name = Field(description="The decision that returned the action.")
    action_id: Name = Field(description="An action of that decision.")
    outcome: OutcomeType = Field(
        description="presented: the customer saw or heard it. The others are what came of it."
    )
    occurred_at: Moment | None = Field(
        None, description="When, ISO 8601 with an offset; left out: now, by the service's clock."
    )
    value: FiniteFloat | None = Field(None, description="What it was worth, in the currency.")
    on_behalf_of: Name | None = Field(
        None, description="Who reported it for the customer, such as an advisor's id."
    )


class OutcomesIn(
    RootModel[OutcomeIn | Annotated[list[OutcomeIn], Field(min_length=1, max_length=MOST_ITEMS)]]
):
    """One outcome, or a list of up to 500."""
