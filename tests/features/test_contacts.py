"""Service on the journey: what went wrong, and whether it was put right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from small_world import AS_OF, LINES, TOUCHES, profiles_of, write_world

COMPLAINED = [
    ("q1", "b", "2024-02-20 10:00", "web", "complaint", None, None, None),
    ("q2", "b", "2024-02-21 10:00", "web", "complaint", None, None, None),
]
CLOSED = ("q3", "b", "2024-02-25 10:00", "advisor", "complaint_closed", None, None, None)


def customer(folder: Path, name: str, touches: list[tuple]) -> dict[str, float]:
    """Return the customer's own stored values by name."""
    world = write_world(folder, LINES, [*TOUCHES, *touches])
    profile = profiles_of(world, [name], np.array([AS_OF]))
    names = profile.layout.scalars
    return dict(zip(names, profile.layout.scalar_block(profile.vectors)[0].tolist(), strict=True))


def test_a_complaint_is_open_until_it_is_closed(tmp_path: Path) -> None:
    assert customer(tmp_path / "a", "b", COMPLAINED)["open_complaints"] == 2
    assert customer(tmp_path / "b", "b", [*COMPLAINED, CLOSED])["open_complaints"] == 1
    closed_twice = [*COMPLAINED, CLOSED, ("q4", *CLOSED[1:]), ("q5", *CLOSED[1:])]
    assert customer(tmp_path / "c", "b", closed_twice)["open_complaints"] == 0


def test_failures_on_our_side_are_counted_for_28_days_and_remembered(tmp_path: Path) -> None:
    failures = [
        ("q1", "b", "2024-01-10 10:00", "web", "failure", None, None, None),
        ("q2", "b", "2024-03-01 10:00", "app", "failure", None, None, None),
    ]
    seen = customer(tmp_path, "b", failures)
    assert seen["failures_28d"] == 1
    assert seen["last_failure_at"] == np.datetime64("2024-03-01T10:00", "s").astype(float)
