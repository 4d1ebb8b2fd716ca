"""What goes over the wire: the question of a decision."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)
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
from features.identity import CUSTOMER_NAMESPACE, normalised

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff"
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=rf"^[^{_CONTROLS}]+$")]
"""A short text without control characters and without what only hides: marks that turn the
direction of a whole text around, or a space without width, make an id look like another one."""


def _moment(value: object) -> object:
    """Return the time of an ISO 8601 text; JSON has no times of its own."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("moment", "not a time such as 2018-01-01T06:00:00Z") from None
    if moment.year < 1970:
        raise PydanticCustomError("moment", "before 1970")
    if moment.tzinfo is None:
        raise PydanticCustomError("moment", "a time without an offset, such as Z or +01:00")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time with an offset."""

MOST_NAMESPACES = 16
"""How many namespaces, and ids of one namespace, may come together."""


def _each_id_says_something(value: dict[str, list[str]]) -> dict[str, list[str]]:
    for namespace, ids in value.items():
        if not all(normalised(namespace, one) for one in ids):
            # Not the id: what is refused may be told and logged by whoever sent it.
            raise PydanticCustomError(
                "identity", "nothing is left of an id of {namespace}", {"namespace": namespace}
            )
    return value


_Ids = Annotated[list[Name], Field(min_length=1, max_length=MOST_NAMESPACES)]
Identities = Annotated[
    dict[Name, _Ids], Field(max_length=MOST_NAMESPACES), AfterValidator(_each_id_says_something)
]
"""Ids by namespace."""

MOST_RESULTS = 100
"""How many actions one answer may have."""

_SEE_REASONS: tuple[Context, ...] = ("advisor", "email")

_USUAL_DIRECTION: dict[Channel, Direction] = {
    "web": "inbound",
    "app": "inbound",
    "bot": "inbound",
    "advisor": "inbound",
    "email": "outbound",
}

CONTEXT_OF: dict[Channel, Context] = {
    "web": "web",
    "app": "web",
    "bot": "bot",
    "advisor": "advisor",
    "email": "email",
}
"""Who sees the answer when the request does not say."""

# For lists that are made new: a default of [] is deep-copied, and three of them cost 4 us a time.
_EMPTY: dict[str, JsonValue] = {"default": []}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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
    identities: Identities | None = Field(
        None,
        description="Ids by namespace, instead of customer_id: who is meant is found out by the "
        "rules of identity.yaml. Ids are kept as keyed hashes alone.",
    )
    channel: Channel = Field("web", description="Where the answer is used; decides the texts.")
    context: Context | None = Field(
        None,
        description="Who sees the answer; by default that of the channel. web and bot get no "
        "factors, reasons or removed actions.",
    )
    direction: Direction | None = Field(
        None,
        description="Who began the contact; by default outbound for email and inbound elsewhere.",
    )
    placements: list[Name] = Field(
        default_factory=list,
        json_schema_extra=_EMPTY,
        max_length=32,
        description="Places to fill, most important first, as the catalog names them; each answer "
        "goes to one of them. Left out: no place is kept.",
    )
    contexts: list[ContextFact] = Field(
        default_factory=list,
        json_schema_extra=_EMPTY,
        max_length=32,
        description="Facts of the moment; policies and context weights may ask for them.",
    )
    candidates: list[Name] | None = Field(
        None, max_length=5_000, description="Only these actions; by default the whole catalog."
    )
    excluded: list[Name] = Field(
        default_factory=list,
        json_schema_extra=_EMPTY,
        max_length=5_000,
        description="Not these actions.",
    )
    max_results: int = Field(
        3, ge=1, le=MOST_RESULTS, description="How many actions to return at most."
    )
    mode: Mode = Field(
        "live",
        description="live: to be shown now, and logged. deferred: logged, and counted only once it "
        "is activated. dry_run: a trial that leaves no trace.",
    )
    durable: bool = Field(
        False,
        description="Answer only when the decision is committed to the database. Otherwise it is "
        "on disk as well, but a power cut can lose the last tenth of a second.",
    )
    explain: Explain = Field(
        "top", description="none, top: reasons of the returned actions, all: removed ones as well."
    )
    language: Language = Field("en", description="Language of texts and reasons.")
    events: list[dict[str, JsonValue]] = Field(
        default_factory=list,
        json_schema_extra=_EMPTY,
        max_length=20,
        description="What has just happened, as POST /v1/events takes it: it is stored, and the "
        "profile computed anew, before the decision. Needs the scope events; not with dry_run. "
        "Events that name nobody are the customer's; ids belong into the question.",
    )
    decision_request_id: Name | None = Field(
        None,
        description="Yours, and new for every question: the same again gets the stored answer, and "
        "with another question status 409.",
    )

    @field_validator("identities", mode="after")
    @classmethod
    def _not_both(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("customer_id") is not None:
            raise PydanticCustomError("both", "cannot be sent together with customer_id")
        return value

    @field_validator("events", mode="after")
    @classmethod
    def _not_in_a_trial(cls, value: list[object], info: ValidationInfo) -> object:
        if value and info.data.get("mode") == "dry_run":
            raise PydanticCustomError("trial", "cannot be sent with dry_run, which leaves no trace")
        return value

    def digest(self, hashed: Sequence[tuple[str, str]] = ()) -> str:
        """Return the SHA-256 of the question, the same for every way of writing it.

        Parameters
        ----------
        hashed : the ids by namespace as keyed hashes; themselves they go into nothing that is kept.
        """
        content = self.model_dump(mode="json", exclude={"decision_request_id", "identities"})
        if self.identities is not None:
            named = sorted(self.identities.get(CUSTOMER_NAMESPACE, ()))
            content["identities"] = [named, sorted(hashed)]
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()

    @property
    def seen_by(self) -> Context:
        """Who sees the answer."""
        return self.context or CONTEXT_OF[self.channel]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the question needs: for its channel, and for who sees the answer.

        A reason tells something about the customer, so that a bot needs `read` for it.
        """
        needed: tuple[str, ...] = (
            f"decide:{CONTEXT_OF[self.channel]}",
            f"decide:{self.seen_by}",
        )
        if self.brief:
            needed = *needed, "read"
        return (*needed, "events") if self.events else needed

    @property
    def brief(self) -> bool:
        """Whether a bot wants one short reason with each action: it has to ask for reasons."""
        asked = "explain" in self.model_fields_set and self.explain != "none"
        return self.seen_by == "bot" and asked

    @property
    def whose(self) -> dict[str, list[str]] | None:
        """The ids of whoever is meant; None where nobody is named."""
        if self.identities is not None:
            return self.identities
        return None if self.customer_id is None else {CUSTOMER_NAMESPACE: [self.customer_id]}

    def as_asked(self, customer_id: str | None) -> DecisionRequest:
        """Return the question as the kernel takes it."""
        return DecisionRequest(
            customer_id=customer_id,
            channel=self.channel,
            context=self.seen_by,
            direction=self.direction or _USUAL_DIRECTION[self.channel],
            placements=tuple(self.placements),
            contexts=tuple(ContextEntry(fact.type, fact.key, fact.value) for fact in self.contexts),
            candidates=None if self.candidates is None else tuple(self.candidates),
            excluded=tuple(self.excluded),
            max_results=self.max_results,
            mode=self.mode,
            explain=self.explain if self.brief or self.seen_by in _SEE_REASONS else "none",
            language=self.language,
            decision_request_id=self.decision_request_id,
        )
