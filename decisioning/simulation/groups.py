"""Who the customers of a group are: a few means beside those of everybody, no model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from decisioning.simulation.answered import Array, Verdicts
from decisioning.simulation.audience import Audience
from decisioning.simulation.report import Group, Trait
from decisioning.world import World
from features.declared import BY_NAME, is_moment
from features.matrix import Candidates
from features.spec import Block

MOST_TRAITS, LEAST_CUSTOMERS = 4, 5
LEAST_DISTANCE = 0.2
"""In standard deviations; what lies nearer to everybody is not worth telling."""
_LEAST_KNOWN, _ALIKE = 0.5, 0.7


def describe(
    found: Mapping[tuple[str, str], Verdicts], facts: Mapping[str, Array]
) -> tuple[Group, ...]:
    """Return the groups and what is typical of each.

    Parameters
    ----------
    found : by id and title, who is in it, shape (customers,).
    facts : by feature, a value per customer, NaN for missing.
    """
    return tuple(
        Group(name, title, int(inside.sum()), float(inside.mean()), _traits(inside, facts))
        for (name, title), inside in found.items()
    )


def facts_about(
    audience: Audience, world: World, popularity: Array, decided_at: float
) -> dict[str, Array]:
    """Return every feature of customers alone, derived ones too, by name, shape (customers,)."""
    rows = len(audience)
    candidates = Candidates(
        audience.profiles,
        np.full(rows, decided_at),
        np.arange(rows),
        np.zeros(rows, dtype=np.int64),
        popularity,
    )
    columns = world.builder.columns(candidates)
    found = {}
    for feature in BY_NAME.values():
        if feature.block is Block.CUSTOMER and not is_moment(feature.name):
            # Profiles that were built before a feature was declared do not have it.
            with suppress(KeyError):
                found[feature.name] = columns[feature.name]
    return found


def _traits(inside: Verdicts, facts: Mapping[str, Array]) -> tuple[Trait, ...]:
    if inside.sum() < LEAST_CUSTOMERS:
        return ()
    found = [
        trait
        for name, values in facts.items()
        if (trait := _trait(name, values, inside)) is not None
    ]
    told: list[Trait] = []
    for trait in sorted(found, key=lambda one: (-abs(one.distance), one.feature)):
        if len(told) == MOST_TRAITS:
            break
        # Windows of the same thing would tell the same four times.
        if all(_alike(facts[trait.feature], facts[one.feature]) < _ALIKE for one in told):
            told.append(trait)
    return tuple(told)


def _trait(name: str, values: Array, inside: Verdicts) -> Trait | None:
    known = ~np.isnan(values)
    here = known & inside
    if here.sum() < max(LEAST_CUSTOMERS, _LEAST_KNOWN * inside.sum()):
        return None
    spread, everybody = float(values[known].std()), float(values[known].mean())
    if spread <= 0.0:
        return None
    mean = float(values[here].mean())
    distance = (mean - everybody) / spread
    if abs(distance) < LEAST_DISTANCE:
        return None
    feature = BY_NAME[name]
    return Trait(name, feature.meaning, feature.unit, mean, everybody, distance)


def _alike(one: Array, other: Array) -> float:
    """Return the absolute correlation of two features over those of whom both are known."""
    both = ~np.isnan(one) & ~np.isnan(other)
    if both.sum() < LEAST_CUSTOMERS or not one[both].std() or not other[both].std():
        return 0.0
    return float(abs(np.corrcoef(one[both], other[both])[0, 1]))
