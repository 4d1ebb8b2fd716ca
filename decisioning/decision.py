"""What a decision answers: plain values, ready to be shown, logged and replayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args

Stage = Literal[
    "request",
    "catalog",
    "control",
    "consent",
    "eligibility",
    "applicability",
    "suitability",
    "contact",
    "scoring",
    "arbitration",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages of the funnel, in the order in which they turn candidates down."""


@dataclass(frozen=True)
class Objection:
    """What a customer may say against an action, and what an advisor can answer."""

    objection: str
    answer: str


@dataclass(frozen=True)
class Treatment:
    """How an action is said on one channel in one language.

    Attributes
    ----------
    talking_points, quick_replies, objections : empty where the channel has none.
    accept_label, decline_label, later_label : what the buttons for an answer say.
    placements : the places that it may fill; empty for any of its channel.
    """

    channel: str
    language: str
    title: str
    text: str
    talking_points: tuple[str, ...] = ()
    quick_replies: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    accept_label: str = ""
    decline_label: str = ""
    later_label: str = ""
    placements: tuple[str, ...] = ()


class Reason(NamedTuple):
    """One reason in words.

    Attributes
    ----------
    contribution : what the named features add to the raw score (log-odds) of the model; 0 where no
        model was asked.
    """

    text: str
    features: tuple[str, ...]
    contribution: float

    @property
    def short(self) -> str:
        """The reason up to its first comma, for where there is little room.

        >>> Reason("bought eggs 14 times, last 70 days ago", (), 0.5).short
        'bought eggs 14 times'
        """
        return self.text.partition(",")[0]


class RankedAction(NamedTuple):
    """One action of the answer, with every factor of its priority.

    A named tuple, since a frozen dataclass of so many fields takes three times as long to make.

    Attributes
    ----------
    placement : the place of the request that it fills; None where the request named none.
    propensity : probability in [0, 1] of the outcome that `label_model` names, smoothed by
        evidence where arbitration says so; None for the default action.
    model_propensity : what the model said before smoothing; None where it was not asked.
    label_model : `response` or `adoption` as the model learnt it, `fixed` where the catalog says.
    evidence : positive outcomes of the action that the model has seen.
    value, context_weight, lever : factors; priority is the product of propensity, context_weight,
        value and lever, in that order, of those that arbitration counts.
    probability : probability in (0, 1] with which the action was to be returned.
    probability_error : standard error of `probability`; 0 where it is exact.
    explored : whether it is here, or this high, only in order to learn.
    mandatory : whether it goes before all that are not.
    capped : whether a contact policy counts its presentations, so that a place is reserved for it.
    confirm : whether a person has to confirm it, because of its impact.
    """

    rank: int
    action_id: str
    name: str
    issue: str
    group: str
    treatment: Treatment
    propensity: float | None
    label_model: str | None
    evidence: float
    value: float
    context_weight: float
    lever: float
    priority: float
    probability: float = 1.0
    explored: bool = False
    reasons: tuple[Reason, ...] = ()
    placement: str | None = None
    model_propensity: float | None = None
    probability_error: float = 0.0
    mandatory: bool = False
    capped: bool = False
    confirm: bool = False


class Removed(NamedTuple):
    """One candidate that is not in the answer, and why: `reason` is a code.

    A named tuple, since a decision makes one for nearly every candidate.

    Attributes
    ----------
    tier : the kind of rule that turned it down; "" where the stage says it all.
    policy_id : which rule or field.
    until : when the reason ends by itself, where that is known.
    """

    action_id: str
    stage: Stage
    tier: str
    policy_id: str
    reason: str
    until: datetime | None = None


class StageCount(NamedTuple):
    """How many candidates came to a stage of the funnel, and how many it turned down."""

    stage: Stage
    entered: int
    removed: int


@dataclass(frozen=True)
class Versions:
    """What a decision was made with; empty text where there was none.

    Attributes
    ----------
    policies : of policies and arbitration together.
    """

    model: str
    catalog: str
    policies: str
    features: str


class Decision(NamedTuple):
    """The whole answer; `results` is never empty.

    Attributes
    ----------
    candidates : how many actions were considered; each is in `removed` or, unless it is the default
        action, in `results`.
    degraded : codes of what was missing, e.g. `unknown_customer`; empty for a full answer.
    feature_age_s : age of the profile in seconds; None without one.
    control_group : the control group that the customer is in; None without one.
    consent_assumed : whether a missing consent was taken for granted, as the demo does.
    """

    decision_id: str
    decided_at: datetime
    results: tuple[RankedAction, ...]
    removed: tuple[Removed, ...]
    versions: Versions
    candidates: int = 0
    degraded: tuple[str, ...] = ()
    feature_age_s: float | None = None
    control_group: str | None = None
    consent_assumed: bool = False

    @property
    def funnel(self) -> tuple[StageCount, ...]:
        """Return how the candidates became fewer, stage by stage; what is left was ranked."""
        lost = Counter(one.stage for one in self.removed)
        counts, left = [], self.candidates
        for stage in STAGES:
            counts.append(StageCount(stage, left, lost[stage]))
            left -= lost[stage]
        return tuple(counts)
