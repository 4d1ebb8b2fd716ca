"""What goes over the wire: the request and the answer of a decision, and the catalog."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from decisioning.request import (
    Channel,
    Context,
    ContextEntry,
    DecisionRequest,
    Direction,
    Explain,
    Language,
    Mode,
)

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A short text without control characters."""

CONTEXT_OF: dict[Channel, Context] = {
    "web": "web",
    "app": "web",
    "bot": "bot",
    "advisor": "advisor",
    "email": "email",
}
"""Who sees the answer when the request does not say."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ContextFact(_In):
    """One fact of the moment."""

    type: Name = Field(description="Kind of fact, e.g. page.")
    key: Name = Field(description="Its name, e.g. category.")
    value: Name = Field(description="Its value, e.g. coffee.")


class NextBestActionsRequest(_In):
    """The question: what is best for this customer, here, now."""

    customer_id: Name | None = Field(
        None, description="Id of the customer; a string, leading zeros count."
    )
    identities: dict[Name, Annotated[list[Name], Field(min_length=1, max_length=16)]] | None = (
        Field(
            None,
            max_length=16,
            description="Ids by namespace, instead of customer_id. Only the namespace customer_id "
            "is looked up; others are answered with `identity_not_resolved`.",
        )
    )
    channel: Channel = Field("web", description="Where the answer is used; decides the texts.")
    context: Context | None = Field(
        None,
        description="Who sees the answer; by default that of the channel. web and bot get no "
        "factors, reasons or removed actions.",
    )
    direction: Direction = Field("inbound", description="Who began the contact.")
    placements: list[Name] = Field([], max_length=32, description="Places to fill.")
    contexts: list[ContextFact] = Field([], max_length=32, description="Facts of the moment.")
    candidates: list[Name] | None = Field(
        None, max_length=5_000, description="Only these actions; by default the whole catalog."
    )
    excluded: list[Name] = Field([], max_length=5_000, description="Not these actions.")
    max_results: int = Field(3, ge=1, le=100, description="How many actions to return at most.")
    mode: Mode = Field("live", description="live is shown to the customer; dry_run is a trial.")
    explain: Explain = Field(
        "top", description="none, top: reasons of the returned actions, all: removed ones as well."
    )
    language: Language = Field("en", description="Language of texts and reasons.")
    decision_request_id: Name | None = Field(
        None, description="Repeat it to get the same decision id for the same state."
    )

    @field_validator("identities", mode="after")
    @classmethod
    def _not_both(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("customer_id") is not None:
            raise PydanticCustomError("both", "cannot be sent together with customer_id")
        return value

    @property
    def seen_by(self) -> Context:
        """Who sees the answer."""
        return self.context or CONTEXT_OF[self.channel]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the question needs: for its channel, and for who sees the answer."""
        return f"decide:{CONTEXT_OF[self.channel]}", f"decide:{self.seen_by}"

    def resolve(self) -> tuple[str | None, tuple[str, ...]]:
        """Return whose decision it is, and what could not be found out, as degraded codes."""
        if self.identities is None:
            return self.customer_id, ()
        ids = set(self.identities.get("customer_id", ()))
        return (ids.pop(), ()) if len(ids) == 1 else (None, ("identity_not_resolved",))

    def as_asked(self, customer_id: str | None) -> DecisionRequest:
        """Return the question as the kernel takes it."""
        return DecisionRequest(
            customer_id=customer_id,
            channel=self.channel,
            context=self.seen_by,
            direction=self.direction,
            placements=tuple(self.placements),
            contexts=tuple(ContextEntry(fact.type, fact.key, fact.value) for fact in self.contexts),
            candidates=None if self.candidates is None else tuple(self.candidates),
            excluded=tuple(self.excluded),
            max_results=self.max_results,
            mode=self.mode,
            explain=self.explain,
            language=self.language,
            decision_request_id=self.decision_request_id,
        )


class TreatmentOut(_Out):
    """How an action is said on one channel in one language."""

    channel: str
    language: str
    title: str
    text: str
    talking_points: list[str] = Field(description="For the advisor; empty on other channels.")
    quick_replies: list[str] = Field(description="For the bot; empty on other channels.")


class ReasonOut(_Out):
    """One reason in words."""

    text: str
    features: list[str] = Field(description="The features that it speaks of.")
    contribution: float = Field(description="What they add to the log-odds of the model.")


class ResultOut(_Out):
    """One action of the answer; factors and reasons only for advisor and email."""

    rank: int = Field(ge=1)
    action_id: str
    name: str
    issue: str
    group: str
    treatment: TreatmentOut
    propensity: float | None = Field(
        None, ge=0, le=1, description="Probability of the outcome that label_model names."
    )
    label_model: str | None = Field(
        None, description="response: answers when shown; adoption: does it unasked."
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
    explored: bool | None = Field(None, description="Whether it was returned in order to learn.")
    reasons: list[ReasonOut] | None = None


class RemovedOut(_Out):
    """One candidate that is not in the answer, and why."""

    action_id: str
    stage: str = Field(description="Where it left the funnel.")
    tier: str
    policy_id: str
    reason: str = Field(description="Reason code, e.g. not_eligible.")
    until: str | None = Field(None, description="When the reason ends, where that is known.")


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
    control_group: str | None = None
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
