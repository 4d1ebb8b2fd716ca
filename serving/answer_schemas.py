"""What goes over the wire: answers of decisions, of the catalog and about health."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectionOut(_Out):
    """Something a customer may say against an action, and an answer to it."""

    objection: str
    answer: str


class TreatmentOut(_Out):
    """How an action is said on one channel in one language."""

    channel: str
    language: str
    title: str
    text: str
    talking_points: list[str] = Field(description="For the advisor; empty on other channels.")
    quick_replies: list[str] = Field(description="For the bot; empty on other channels.")
    objections: list[ObjectionOut] = Field(
        description="For the advisor: what customers say against it, and what to answer."
    )
    accept_label: str = Field(description="What a button for yes says.")
    decline_label: str = Field(description="What a button for no says.")
    later_label: str = Field(description="What a button for later says.")


class ReasonOut(_Out):
    """One reason in words."""

    text: str
    features: list[str] = Field(description="The features that it speaks of.")
    contribution: float = Field(
        description="What they add to the log-odds of the model; 0 of an action that has a fixed "
        "propensity, whose reasons are the conditions that the customer meets."
    )


class ResultOut(_Out):
    """One action of the answer; factors and reasons only for advisor and email."""

    rank: int = Field(ge=1)
    action_id: str
    name: str
    issue: str
    group: str
    treatment: TreatmentOut
    placement: str | None = Field(None, description="The placement of the question it goes to.")
    confirm: bool | None = Field(
        None, description="A person has to confirm it, because of its impact on the customer."
    )
    because: str | None = Field(
        None, description="For a bot that asks for reasons: the first one, in short."
    )
    propensity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Probability of the outcome that label_model names, smoothed by evidence "
        "where arbitration says so.",
    )
    model_propensity: float | None = Field(
        None, description="What the model said; null where the catalog fixes the propensity."
    )
    label_model: str | None = Field(
        None,
        description="response: answers when shown; adoption: does it unasked; fixed: the catalog "
        "says so.",
    )
    evidence: float | None = Field(None, description="Positive outcomes the model has seen.")
    value: float | None = Field(None, description="Worth of the outcome, in the currency.")
    context_weight: float | None = None
    lever: float | None = None
    priority: float | None = Field(
        None, description="propensity x context_weight x value x lever; ranks the actions."
    )
    probability: float | None = Field(
        None, description="Probability with which the action was to be returned."
    )
    probability_error: float | None = Field(
        None, description="Standard error of the probability; 0 where it is exact."
    )
    mandatory: bool | None = Field(None, description="Whether it goes before all that are not.")
    explored: bool | None = Field(None, description="Whether it was returned in order to learn.")
    reasons: list[ReasonOut] | None = None


class RemovedOut(_Out):
    """One candidate that is not in the answer, and why."""

    action_id: str
    stage: str = Field(description="Where it left the funnel.")
    tier: str
    policy_id: str
    reason: str = Field(description="Reason code, e.g. not_eligible.")
    words: dict[str, str] = Field(description="The reason in words, by language.")
    until: str | None = Field(None, description="When the reason ends, where that is known.")


class StageOut(_Out):
    """One stage of the funnel: what came to it, and what it turned down."""

    stage: str
    entered: int
    removed: int


class VersionsOut(_Out):
    """What a decision was made with; empty text where there was none."""

    model: str
    catalog: str
    policies: str
    features: str


class NextBestActionsAnswer(_Out):
    """The answer; `results` is never empty."""

    decision_id: str
    decided_at: str = Field(description="Time of the service's clock, ISO 8601 in UTC.")
    results: list[ResultOut] = Field(min_length=1)
    removed: list[RemovedOut] | None = Field(None, description="With explain=all, where allowed.")
    funnel: list[StageOut] | None = Field(
        None, description="With explain=all, where allowed; what is left after it was ranked."
    )
    control_group: str | None = Field(None, description="The control group of the customer.")
    consent: str | None = Field(
        None, description="`assumed: demo` where a missing consent was taken for granted."
    )
    logged: Literal["durable", "spooled", "not_logged", "dry_run"] = Field(
        description="durable: committed. spooled: on disk, committed within a tenth of a second."
    )
    versions: VersionsOut
    degraded: list[str] = Field(description="What was missing, as codes; empty for a full answer.")
    feature_age_s: float | None = Field(description="Age of the profile in seconds.")


class ActionOut(_Out):
    """One action of the catalog."""

    id: str
    name: dict[str, str] = Field(description="By language.")
    issue: str
    group: str
    category: str | None


class ActionsAnswer(_Out):
    """The catalog."""

    version: str
    actions: list[ActionOut]


class Check(_Out):
    """One thing the service needs for a full answer."""

    ok: bool
    detail: str


class ClockOut(_Out):
    """The clock that all decisions use."""

    now: str = Field(description="ISO 8601, UTC.")
    time_zone: str = Field(description="Time zone of business days.")


class ReadyAnswer(_Out):
    """Whether the service can answer, and how fully."""

    status: str = Field(description="ready, or not_ready.")
    degraded: list[str] = Field(description="What is missing for a full answer, as codes.")
    checks: dict[str, Check]
    clock: ClockOut
    versions: VersionsOut


class HealthAnswer(_Out):
    """The process is alive."""

    status: str
