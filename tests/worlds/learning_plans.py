"""What may come of a returned action, planned before it happens; a plan knows what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from learning_shop import CHANCES, DAY


@dataclass(frozen=True)
class Told:
    """One planned outcome: when after the presentation, and whether that is in the window."""

    outcome: str
    after: float
    inside: bool = True
    value: float | None = None


@dataclass(frozen=True)
class Plan:
    """What comes of one returned action.

    Attributes
    ----------
    presented : seconds after the first presentation; empty where it is never shown.
    told : answers, their times in windows after the first presentation.
    delay : seconds from the decision to the first presentation.
    """

    presented: tuple[float, ...] = (0.0,)
    told: tuple[Told, ...] = ()
    delay: float = 60.0
    presentation_undone: bool = False
    answers_undone: bool = False

    def says(self, one: Told, action: str, click: float) -> str:
        """Return what an answer counts as; a click on tea weighs `click`."""
        if not one.inside:
            return "late"
        if one.outcome in ("refused", "dismissed"):
            return "negative"
        return "positive" if self.weight(one, action, click) else "neutral"

    def weight(self, one: Told, action: str, click: float) -> float:
        """Return how much of a yes an answer is."""
        if one.outcome == "clicked":
            return click if action == "tea" else 0.0
        return float(one.outcome in ("accepted", "converted"))


WHAT_MAY_COME: tuple[Plan, ...] = (
    Plan(),
    Plan(told=(Told("accepted", 0.3, value=4.0),)),
    Plan(told=(Told("accepted", 1.0, value=2.5),)),
    Plan(told=(Told("accepted", 1.0, inside=False, value=9.0),)),
    Plan(told=(Told("viewed", 1.0, inside=False),)),
    Plan(told=(Told("clicked", 0.1),)),
    Plan(told=(Told("clicked", 0.1), Told("converted", 0.6, value=7.0))),
    Plan(told=(Told("refused", 0.2),)),
    Plan(told=(Told("refused", 0.2), Told("accepted", 0.9, value=1.0))),
    Plan(told=(Told("refused", 0.2), Told("accepted", 1.0, inside=False))),
    Plan(told=(Told("viewed", 0.0), Told("later", 0.5))),
    Plan(told=(Told("accepted", 0.4, value=3.0),), answers_undone=True),
    Plan(told=(Told("accepted", 0.4, value=3.0),), presentation_undone=True),
    Plan(presented=(0.0, 900.0, 2.0 * DAY)),
    Plan(presented=()),
    Plan(presented=(), told=(Told("accepted", 0.2),)),
)
"""Everything that can become of an action; times lie on whole seconds where a window ends."""


def anything(rng: np.random.Generator, action: str, engine: Any) -> Plan:
    """Plan any of it, an answer by chance."""
    return WHAT_MAY_COME[int(rng.integers(len(WHAT_MAY_COME)))]


def by_chance(rng: np.random.Generator, action: str, engine: Any) -> Plan:
    """Plan a presentation that is accepted as often as the world's truth says."""
    return Plan(told=(Told("accepted", 0.5),)) if rng.random() < CHANCES[action] else Plan()
