"""When a number of a simulation is in order: the ranges that reports state beside it."""

from __future__ import annotations

from typing import Literal

from decisioning.request import Direction

Health = Literal["good", "fair", "poor"]

OPTIONALITY_GOOD, OPTIONALITY_POOR = 7.0, 2.0
NO_ACTION_GOOD: dict[Direction, float] = {"inbound": 0.10, "outbound": 0.30}
NO_ACTION_POOR = 0.80


def optionality_health(mean_left: float) -> Health:
    """Judge how many actions are left to a customer on average.

    >>> [optionality_health(mean) for mean in (1.9, 2.0, 7.0)]
    ['poor', 'fair', 'good']
    """
    if mean_left < OPTIONALITY_POOR:
        return "poor"
    return "good" if mean_left >= OPTIONALITY_GOOD else "fair"


def no_action_health(share: float, direction: Direction) -> Health:
    """Judge the share of customers with nothing to be offered.

    >>> no_action_health(0.2, "inbound"), no_action_health(0.2, "outbound")
    ('fair', 'good')
    """
    if share > NO_ACTION_POOR:
        return "poor"
    return "good" if share <= NO_ACTION_GOOD[direction] else "fair"


def optionality_ranges() -> str:
    """Return the ranges in words."""
    return f"good from {OPTIONALITY_GOOD:g} on, poor below {OPTIONALITY_POOR:g}"


def no_action_ranges(direction: Direction) -> str:
    """Return the ranges in words."""
    return f"good up to {NO_ACTION_GOOD[direction]:.0%}, poor above {NO_ACTION_POOR:.0%}"
