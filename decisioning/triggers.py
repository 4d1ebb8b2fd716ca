"""What people write in triggers.yaml: which event leads to a decision, when, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from decisioning.border import Border, Code, read_border
from decisioning.catalog import Catalog
from decisioning.customer_condition import CustomerCondition
from decisioning.expressions import Vocabulary
from decisioning.fault import Told, raise_any
from decisioning.request import Channel, Context, DecisionRequest, Language
from features.canonical.schemas import TOUCHPOINT_TYPES
from features.errors import PolicyError, TriggerError
from features.spelling import did_you_mean

TYPES = (*TOUCHPOINT_TYPES, "transaction", "login", "contract_ending")
"""Types of events that a trigger can wait for."""

Types = Annotated[tuple[str, ...], Field(min_length=1)]


class OnEvent(Border):
    """Which events a trigger waits for."""

    types: Types
    """Types of events, such as basket or complaint."""
    when: Annotated[str, Field(min_length=1)] | None = None
    """An expression (CEL) about profile, journey, request and event, asked when it is due;
    anything but true drops the event."""


class UnlessEvent(Border):
    """What makes a trigger pointless when it happens after its event."""

    types: Types
    """Types of events, such as transaction."""
    within_minutes: Annotated[float, Field(gt=0, le=525_600)] | None = None
    """How long after the event they count; left out, until it is decided."""


class Trigger(Border):
    """One rule: an event of a customer leads to one decision, which is delivered."""

    id: Code
    """What logs, deliveries and decisions call it."""
    on: OnEvent
    """Which events it waits for."""
    unless: UnlessEvent | None = None
    """What makes it pointless."""
    after_minutes: Annotated[float, Field(ge=0, le=525_600)] = 0.0
    """How long after the event it is decided."""
    expires_hours: Annotated[float, Field(gt=0, le=8_760)] = 24.0
    """How long after that it is still decided, where the service was down or hours are quiet."""
    cooldown_days: Annotated[float, Field(ge=0, le=3_660)] = 0.0
    """How long a customer hears no more of this trigger after it had something to say."""
    channel: Channel
    """Where it is said; we turn to the customer, so the direction is outbound."""
    language: Language = "en"
    """Language of texts and reasons."""
    placements: tuple[Code, ...] = ()
    """Placements of the channel to fill."""
    candidates: tuple[str, ...] | None = None
    """Only these actions; all when left out."""
    max_results: Annotated[int, Field(ge=1, le=100)] = 1
    """How many actions at most."""
    deliver: Literal["outbox", "webhook"] = "outbox"
    """outbox: a line in a file of NBA_OUTBOX; webhook: a call of an address of NBA_WEBHOOKS."""
    webhook: Code | None = None
    """The name of the address in NBA_WEBHOOKS."""
    enabled: bool = True
    """Set to false to stop it at once."""

    @model_validator(mode="after")
    def _names_its_webhook(self) -> Trigger:
        if (self.deliver == "webhook") != (self.webhook is not None):
            raise ValueError("webhook names an address exactly where deliver is webhook")
        return self

    def question(self, customer_id: str, event_id: str) -> DecisionRequest:
        """Return what is asked for an event: always the same, under an id of its own."""
        context: Context = "web" if self.channel == "app" else self.channel
        return DecisionRequest(
            customer_id=customer_id,
            channel=self.channel,
            context=context,
            direction="outbound",
            placements=self.placements,
            candidates=self.candidates,
            max_results=self.max_results,
            language=self.language,
            decision_request_id=f"trigger:{self.id}:{event_id}",
        )

    def condition(self, vocabulary: Vocabulary, place: str) -> CustomerCondition | None:
        """Return `on.when` compiled; None where there is none.

        Raises
        ------
        PolicyError : it cannot be used.
        """
        when = self.on.when
        return None if when is None else CustomerCondition(when, vocabulary.with_event(), place)


class TriggerFile(Border):
    """The whole triggers.yaml; without it no event leads to anything by itself."""

    triggers: tuple[Trigger, ...] = ()
    """Which events lead to which decisions."""


def load_triggers(path: Path, catalog: Catalog) -> TriggerFile:
    """Read a triggers.yaml that goes with a catalog.

    Raises
    ------
    TriggerError : any fault; the message names the file, the line, the key path and the value.
    """
    return read_border(
        path, TriggerFile, TriggerError, check=lambda file: raise_any(list(_faults(file, catalog)))
    )


def _faults(file: TriggerFile, catalog: Catalog) -> Iterator[Told]:
    actions, seen = {*catalog.position, catalog.default_action.id}, set()
    vocabulary = Vocabulary.of(catalog.ordered)
    for at, trigger in enumerate(file.triggers):
        places = {
            name
            for name, one in catalog.arrays.placements.items()
            if one.channel == trigger.channel
        }
        if trigger.id in seen:
            yield Told(("triggers", at, "id"), f"the id {trigger.id!r} is there twice")
        seen.add(trigger.id)
        unless = trigger.unless.types if trigger.unless else ()
        for path, what, names, known in (
            (("on", "types"), "event type", trigger.on.types, set(TYPES)),
            (("unless", "types"), "event type", unless, set(TYPES)),
            (("candidates",), "action", trigger.candidates or (), actions),
            (("placements",), f"placement on {trigger.channel}", trigger.placements, places),
        ):
            for position, name in enumerate(names):
                if name not in known:
                    said = f"unknown {what} {name!r}{did_you_mean(name, known)}"
                    yield Told(("triggers", at, *path, position), said)
        try:
            trigger.condition(vocabulary, "")
        except PolicyError as error:
            yield Told(("triggers", at, "on", "when"), str(error))
