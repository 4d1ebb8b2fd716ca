"""What the company can do for a customer: an action as it is written in the catalog."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from decisioning.border import Border, Code, Moment
from decisioning.request import Channel
from decisioning.rules import Condition
from decisioning.treatments import Template, Words
from decisioning.value import Value

ActionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""How actions are called: as other systems call them, as long as it is one plain word."""


Purpose = Literal["marketing", "service", "transactional"]
"""What an action is for: marketing may need consent, transactional is free of contact policies."""

Outcome = Literal["viewed", "clicked", "accepted", "refused", "later", "dismissed", "converted"]
"""What can come of an action that was shown."""


class OutcomeModel(Border):
    """What counts as a yes and what as a no, within the response window."""

    positive: Annotated[dict[Outcome, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = {
        "accepted": 1.0,
        "converted": 1.0,
    }
    """Outcomes that count as a yes, each with how much of one it is: more than 0, at most 1."""
    negative: tuple[Outcome, ...] = ("refused", "dismissed")
    """Outcomes that count as a no at once; without any, a no is the end of the window."""

    @model_validator(mode="after")
    def _yes_or_no(self) -> OutcomeModel:
        both = sorted({*self.positive} & {*self.negative})
        if both:
            raise ValueError(f"{both[0]!r} is both positive and negative")
        return self


class Budget(Border):
    """How much of an action there is, over all customers and since it began."""

    presentations: Annotated[int, Field(ge=0)] | None = None
    """How often it may be presented in all."""
    amount: Annotated[float, Field(ge=0)] | None = None
    """How much it may cost in all: presentations times `cost`."""

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if self.presentations is None and self.amount is None:
            raise ValueError("give presentations, amount or both")
        return self


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
    valid_from: Moment | None = None
    """When it begins; UTC unless an offset is given."""
    valid_to: Moment | None = None
    """When it ends; that moment itself is outside."""
    enabled: bool = True
    """Set to false to stop it at once."""
    mandatory: bool = False
    """Goes before everything that is not, wherever policies let it through."""
    propensity: Annotated[float, Field(gt=0, le=1)] | None = None
    """A fixed propensity instead of the model's, for what no model predicts."""
    purpose: Purpose = "marketing"
    """What it is for; consent and contact policies ask for it."""
    impact: Literal["none", "significant"] = "none"
    """significant: has legal or similar weight, so only an advisor gets it, to confirm it."""
    outcomes: OutcomeModel = OutcomeModel()
    """What counts as a yes and what as a no."""
    budget: Budget | None = None
    """How much of it there is for all customers together."""
    response_window_days: Annotated[int, Field(ge=1)] = 28
    """How long after it was shown an outcome still counts."""
    eligibility: tuple[Condition, ...] = ()
    """Who may get it, in addition to the catalog's own eligibility."""
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] | None = None
    """The only channels that it may be said on; left out, every channel that has a text for it."""
    treatments: dict[Channel, Template] = {}
    """What is said on a channel instead of the catalog's treatment."""

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Action:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError(
                f"valid_from {self.valid_from.isoformat()} is not before "
                f"valid_to {self.valid_to.isoformat()}"
            )
        return self

    @model_validator(mode="after")
    def _costs_what_its_budget_counts(self) -> Action:
        if self.budget and self.budget.amount is not None and self.cost == 0:
            raise ValueError("budget.amount counts the cost, and cost is 0")
        return self
