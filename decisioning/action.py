"""What the company can do for a customer: an action as it is written in the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from decisioning.border import Border
from decisioning.request import Channel
from decisioning.rules import Code, Condition
from decisioning.treatments import Template, Words
from decisioning.value import Value

ActionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""How actions are called: as other systems call them, as long as it is one plain word."""


class DefaultAction(Border):
    """What is answered when there is nothing else to answer; it has no value and no rule."""

    id: ActionId
    """The name in requests, answers and logs."""
    name: Words
    """What people read."""
    issue: Code = "none"
    """The business question it belongs to."""
    group: Code = "none"
    """The group within the issue."""
    treatments: dict[Channel, Template]
    """What is said on each channel; every channel needs one (app says what web says)."""


class Action(Border):
    """One thing the company can do for a customer."""

    id: ActionId
    """The name in requests, answers, logs and models; never reuse one for something else."""
    name: Words
    """What people read, as a name stands at the start of a line."""
    issue: Code
    """The business question it belongs to, such as win_back."""
    group: Code
    """The group within the issue, exactly one."""
    category: str | None = None
    """The category of the transactions that it is about, written exactly as there."""
    attributes: dict[str, float | str] = {}
    """Numbers or texts that describe it; the model, rules and texts may use them."""
    value: Value | None = None
    """What a positive outcome is worth; left out, the catalog's."""
    cost: Annotated[float, Field(ge=0)] = 0.0
    """What taking it costs; for reports, not subtracted from the value."""
    valid_from: datetime | None = None
    """When it begins; UTC unless an offset is given."""
    valid_to: datetime | None = None
    """When it ends; that moment itself is outside."""
    enabled: bool = True
    """Set to false to stop it at once."""
    response_window_days: Annotated[int, Field(ge=1)] = 28
    """How long after it was shown an outcome still counts."""
    eligibility: tuple[Condition, ...] = ()
    """Who may get it, in addition to the catalog's own eligibility."""
    treatments: dict[Channel, Template] = {}
    """What is said on a channel instead of the catalog's treatment."""

    @field_validator("valid_from", "valid_to")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Action:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError(
                f"valid_from {self.valid_from.isoformat()} is not before "
                f"valid_to {self.valid_to.isoformat()}"
            )
        return self
