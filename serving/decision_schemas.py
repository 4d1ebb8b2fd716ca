"""What goes over the wire about a decision of the ledger."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.answer_schemas import ReasonOut, RemovedOut, StageOut, VersionsOut


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoggedOutcome(_Out):
    """One outcome of a decision."""

    event_id: str
    action_id: str
    outcome: str
    occurred_at: str
    value: float | None
    on_behalf_of: str | None
    flags: list[str] = Field(description="Such as late: after the response window.")


class LoggedRemoval(_Out):
    """One candidate that was not in the answer."""

    action_id: str
    stage: str
    tier: str
    policy_id: str
    reason: str
    until: str | None


class DecisionAnswer(_Out):
    """A decision as it was logged; only id, time, state and outcomes once it has been erased."""

    decision_id: str
    decided_at: str
    state: Literal["live", "pending", "activated", "erased"]
    customer_id: str | None = None
    request: dict[str, Any] | None = Field(None, description="The question.")
    results: list[dict[str, Any]] | None = Field(
        None, description="What was returned, with every factor, without texts."
    )
    removed: list[LoggedRemoval] | None = None
    candidates: int | None = Field(None, description="How many actions were considered.")
    degraded: list[str] | None = None
    control_group: str | None = None
    consent: str | None = None
    versions: VersionsOut | None = None
    outcomes: list[LoggedOutcome]


class FeatureContribution(_Out):
    """What one input of the model adds."""

    feature: str
    value: float | None = Field(description="What the model was given; null for missing.")
    contribution: float


class ContributionsOut(_Out):
    """The raw score of the model, taken apart: bias and contributions sum to it."""

    raw_score: float = Field(description="Log-odds before calibration and smoothing.")
    bias: float
    features: list[FeatureContribution]


class ExplainedResult(_Out):
    """One returned action, explained."""

    rank: int
    action_id: str
    name: str
    placement: str | None
    propensity: float | None
    model_propensity: float | None
    label_model: str | None
    evidence: float
    value: float
    context_weight: float
    lever: float
    priority: float
    probability: float
    probability_error: float
    explored: bool
    mandatory: bool
    contributions: ContributionsOut | None = Field(description="Null where no model was asked.")
    reasons: list[ReasonOut]
    note: dict[str, str] | None = Field(None, description="Where it was returned to learn.")


class ChangeOut(_Out):
    """What would change the answer for one action."""

    action_id: str
    about: Literal["second", "first_removed"]
    needed: dict[str, float] = Field(
        description="By factor, the value with which it would draw level with the first."
    )
    words: dict[str, str]


class ExplanationAnswer(_Out):
    """Why a decision was as it was: it is taken again, and nothing is stored."""

    decision_id: str
    decided_at: str
    reproduced: bool = Field(description="Whether taking it again gave the same ranking.")
    differences: list[str]
    versions: VersionsOut
    counted_factors: list[str] = Field(description="The factors that priority is made of.")
    results: list[ExplainedResult]
    removed: list[RemovedOut]
    funnel: list[StageOut]
    what_would_change: list[ChangeOut]


class ActivationAnswer(_Out):
    """What became of an activation."""

    decision_id: str
    status: Literal["activated", "already"]
