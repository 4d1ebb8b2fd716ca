"""What random worlds are made of: names, moments, and what was written for one world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from generated_conditions import Tree

CHANNELS = ("web", "app", "bot", "advisor", "email")
DIRECTIONS = ("inbound", "outbound")
PURPOSES = ("marketing", "service", "transactional")
OUTCOMES = (
    "presented", "viewed", "clicked", "accepted", "refused", "later", "dismissed", "converted",
)  # fmt: skip
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Atlantic/Azores", "UTC")
CATEGORIES = ("COFFEE", "MILK", "TEA")

MOMENTS = tuple(
    (datetime.fromisoformat(moment).replace(tzinfo=UTC), zone)
    for moment, zone in (
        ("2024-03-31T01:00", "Europe/Berlin"),
        ("2024-10-27T01:00", "Europe/Berlin"),
        ("2024-03-31T01:00", "Atlantic/Azores"),
        ("2024-10-27T01:00", "Atlantic/Azores"),
        ("2024-03-10T07:00", "America/New_York"),
        ("2024-11-03T06:00", "America/New_York"),
        ("2024-04-06T15:00", "Australia/Lord_Howe"),
        ("2024-10-05T15:30", "Australia/Lord_Howe"),
        ("2024-02-29T00:00", "UTC"),
        ("2024-12-31T23:00", "Europe/Berlin"),
    )
)
"""When clocks are changed in a zone, a leap day, the end of a year."""

Content = dict[str, Any]


@dataclass
class Written:
    """What was written for one world; conditions also as trees, by the id of their policy."""

    seed: int
    zone: str
    moments: tuple[datetime, ...]
    catalog: Content
    policies: Content
    arbitration: Content
    with_model: bool
    evidence: dict[str, float]
    trees: dict[str, Tree] = field(default_factory=dict)

    @property
    def actions(self) -> list[Content]:
        found: list[Content] = self.catalog["actions"]
        return found


def some(dice: Random, choices: Any, most: int = 2) -> list[Any]:
    """Choose between one and `most` different entries."""
    left = list(choices)
    return dice.sample(left, min(len(left), dice.randint(1, most)))
