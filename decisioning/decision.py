"""What a decision answers: plain values, ready to be shown, logged and replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

Stage = Literal["request", "catalog", "eligibility", "applicability", "suitability", "arbitration"]


@dataclass(frozen=True)
class Treatment:
    """How an action is said on one channel in one language.

    Attributes
    ----------
    talking_points, quick_replies : empty where the channel has none.
    """

    channel: str
    language: str
    title: str
    text: str
    talking_points: tuple[str, ...] = ()
    quick_replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """One reason in words.

    Attributes
    ----------
    contribution : what the named features add to the raw score (log-odds) of the model.
    """

    text: str
    features: tuple[str, ...]
    contribution: float


@dataclass(frozen=True)
class RankedAction:
    """One action of the answer, with every factor of its priority.

    Attributes
    ----------
    propensity : probability in [0, 1] of the outcome that `label_model` names; None without model.
    evidence : positive outcomes of the action that the model has seen.
    value, context_weight, lever : factors; priority = propensity x context_weight x value x lever.
    probability : probability in (0, 1] with which the action was to be returned.
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


class Removed(NamedTuple):
    """One candidate that is not in the answer, and why: `reason` is a code.

    A named tuple, since a decision makes one for nearly every candidate.
    """

    action_id: str
    stage: Stage
    tier: str
    policy_id: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class Versions:
    """What a decision was made with; empty text where there was none."""

    model: str
    catalog: str
    policies: str
    features: str


@dataclass(frozen=True)
class Decision:
    """The whole answer; `results` is never empty.

    Attributes
    ----------
    degraded : codes of what was missing, e.g. `unknown_customer`; empty for a full answer.
    feature_age_s : age of the profile in seconds; None without one.
    """

    decision_id: str
    decided_at: datetime
    results: tuple[RankedAction, ...]
    removed: tuple[Removed, ...]
    versions: Versions
    degraded: tuple[str, ...] = ()
    feature_age_s: float | None = None
    control_group: str | None = field(default=None)
