"""What people write in arbitration.yaml: how the actions that may be shown are put in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from decisioning.arbitration.control import ControlGroup
from decisioning.border import Border
from decisioning.fault import Faults, Told, raise_any
from decisioning.request import Channel, Direction

Probability = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]


class FactorSwitches(Border):
    """Which factors of the priority count; one that is off counts as 1."""

    propensity: bool = True
    """How likely a positive outcome is."""
    context_weight: bool = True
    """How well the action fits the moment."""
    value: bool = True
    """What a positive outcome is worth."""
    lever: bool = True
    """What the business wants more or less of."""


class Levers(Border):
    """Percent by which the business lifts or lowers actions; what applies is added together.

    The lever of an action is 1 + sum / 100: 20 for its issue, 30 for its group and 5 for itself
    make 1.55. The sum must stay above -100 for every action.
    """

    issues: dict[str, float] = {}
    """Percent by issue."""
    groups: dict[str, float] = {}
    """Percent by group."""
    actions: dict[str, float] = {}
    """Percent by action id."""


class ContextFact(Border):
    """A fact of the moment that is worked out from what is known of the customer."""

    type: Text
    """The kind of fact, such as journey."""
    key: Text
    """What it is about, such as experience."""
    value: Text
    """What holds, such as bad."""
    when: Text
    """When it holds: a condition over profile, journey and request."""


class ContextWeight(Border):
    """Percent by which a fact of the moment lifts or lowers part of the actions.

    The context weight of an action is 1 + sum / 100 over all facts that hold, at least 0.01.
    """

    type: Text
    """The kind of fact, exactly as in the request or in `contexts`."""
    key: Text
    """Its key, exactly."""
    value: Text
    """Its value, exactly."""
    issue: str | None = None
    """The issue whose actions it is for; or a group or an action."""
    group: str | None = None
    """The group whose actions it is for."""
    action: str | None = None
    """The action that it is for."""
    weight: Annotated[float, Field(gt=-100)]
    """Percent, above -100; 100 doubles the priority."""

    @model_validator(mode="after")
    def _for_one_part(self) -> ContextWeight:
        given = [one for one in (self.issue, self.group, self.action) if one is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of issue, group, action")
        return self


class Minimum(Border):
    """The least that is enough; the most specific entry counts: group, then issue, then all."""

    model_config = ConfigDict(json_schema_extra={"type": ["object", "number"]})

    everywhere: Annotated[float, Field(ge=0)] = 0.0
    """For every action that no entry below names; a bare number says the same."""
    issues: dict[str, Annotated[float, Field(ge=0)]] = {}
    """By issue."""
    groups: dict[str, Annotated[float, Field(ge=0)]] = {}
    """By group."""

    @model_validator(mode="before")
    @classmethod
    def _number_alone(cls, content: Any) -> Any:
        if isinstance(content, int | float) and not isinstance(content, bool):
            return {"everywhere": content}
        return content


class Thresholds(Border):
    """Below which propensity or priority an action is rather not shown at all."""

    propensity: Minimum = Minimum()
    """The least propensity, 0 to 1."""
    priority: Minimum = Minimum()
    """The least priority, in the currency of the values."""

    @model_validator(mode="after")
    def _within_reach(self) -> Thresholds:
        least = self.propensity
        entries: dict[tuple[str, ...], float] = {
            (): least.everywhere,
            **{("issues", name): value for name, value in least.issues.items()},
            **{("groups", name): value for name, value in least.groups.items()},
        }
        raise_any(
            [
                Told(("propensity", *place), f"nothing is above 1 (value {value:g})")
                for place, value in entries.items()
                if value > 1
            ]
        )
        return self


class Smoothing(Border):
    """What is believed of an action before the model has seen much of it.

    propensity = s / (s + e + 1) x start + e / (s + e + 1) x model, with s the start evidence, e
    the evidence of the model and start the start propensity.
    """

    start_propensity: Probability
    """What is believed without any evidence, such as 0.30."""
    start_evidence: Annotated[float, Field(ge=0)]
    """How much evidence that belief is worth, such as 50 positive outcomes."""
    groups: dict[str, Probability] = {}
    """Another start propensity by group."""
    actions: dict[str, Probability] = {}
    """Another start propensity by action id; it counts before the group's."""


class Ramp(Border):
    """How a young action is let out slowly: at first to few customers, always the same ones.

    Reach = floor + (1 - floor) x min(1, evidence / positives). Not for mandatory actions, for
    those that are not marketing, and for those with a propensity of their own.
    """

    positives: Annotated[float, Field(gt=0)] = 200.0
    """From how much evidence on everybody may get it."""
    floor: Probability = 0.02
    """The share of the customers who may get it without any evidence."""
    directions: Annotated[tuple[Direction, ...], Field(min_length=1)] = ("outbound",)
    """Where it counts."""


class Diversity(Border):
    """How many of a kind one answer may hold."""

    per_group: Annotated[int, Field(ge=1)] | None = None
    """At most this many of one group."""
    per_issue: Annotated[int, Field(ge=1)] | None = None
    """At most this many of one issue."""


class Exploration(Border):
    """How a channel now and then tries what does not look best, to keep learning."""

    kind: Literal["none", "evidence", "epsilon", "epsilon_first"] = "none"
    """evidence: the propensity is drawn, the wider the less evidence there is. epsilon: sometimes
    the whole order is random. epsilon_first: sometimes a random action takes the first place."""
    epsilon: Annotated[float, Field(gt=0, le=1)] | None = None
    """How often it is random; needed by the two epsilon kinds, and only by them."""
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2_000
    """How many draws estimate a probability that has no closed form."""

    @model_validator(mode="after")
    def _epsilon_where_it_counts(self) -> Exploration:
        random = self.kind in ("epsilon", "epsilon_first")
        if random and self.epsilon is None:
            raise Faults([(("epsilon",), f"is needed by the kind {self.kind!r}")])
        if not random and self.epsilon is not None:
            raise Faults([(("epsilon",), f"means nothing to the kind {self.kind!r}")])
        return self


class ArbitrationFile(Border):
    """The whole arbitration.yaml; everything may be left out."""

    factors: FactorSwitches = FactorSwitches()
    """Which factors of the priority count."""
    levers: Levers = Levers()
    """What the business wants more or less of."""
    contexts: tuple[ContextFact, ...] = ()
    """Facts of the moment that are worked out, beside those that come with the request."""
    context_weights: tuple[ContextWeight, ...] = ()
    """What facts of the moment do to the priority."""
    thresholds: Thresholds = Thresholds()
    """Below what an action is rather not shown."""
    smoothing: Smoothing | None = None
    """What is believed of young actions; left out, what the model says."""
    ramp: Ramp | None = None
    """How young actions are let out; left out, to everybody at once."""
    diversity: Diversity = Diversity()
    """How many of a kind one answer may hold."""
    exploration: dict[Channel, Exploration] = {}
    """How each channel keeps learning; a channel that is left out does not explore."""
    control_groups: tuple[ControlGroup, ...] = ()
    """Customers who do not get certain actions, so that their effect can be measured."""

    @model_validator(mode="after")
    def _nothing_twice(self) -> ArbitrationFile:
        facts = [(one.type, one.key, one.value) for one in self.contexts]
        weights = [
            (one.type, one.key, one.value, *_part(one).items()) for one in self.context_weights
        ]
        raise_any(
            [
                *_twice("contexts", facts),
                *_twice("context_weights", weights),
                *_ids_twice(self.control_groups),
            ]
        )
        return self

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with the content."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _part(weight: ContextWeight) -> dict[str, str]:
    return weight.model_dump(include={"issue", "group", "action"}, exclude_none=True)


def _twice(key: str, entries: Sequence[Hashable]) -> list[Told]:
    """Find the entries of a list that are there before."""
    return [
        Told((key, at), f"says the same as entry {entries.index(entry) + 1}")
        for at, entry in enumerate(entries)
        if entry in entries[:at]
    ]


def _ids_twice(groups: Sequence[ControlGroup]) -> list[Told]:
    ids = [group.id for group in groups]
    return [
        Told(("control_groups", at, "id"), f"the control group {name!r} is there twice")
        for at, name in enumerate(ids)
        if name in ids[:at]
    ]
