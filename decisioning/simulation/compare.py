"""Puts the report of a simulation together from the answers of both configurations."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from decisioning.request import DecisionRequest
from decisioning.simulation.answered import NO_ACTION, Answered, Verdicts
from decisioning.simulation.audience import Audience
from decisioning.simulation.changes import edits_between
from decisioning.simulation.groups import describe, facts_about
from decisioning.simulation.movement import changed_customers, movement_of
from decisioning.simulation.report import About, Report
from decisioning.simulation.run import Variant
from decisioning.simulation.sides import side_of
from decisioning.simulation.weak import only_weak, weak_threshold


def compare(
    current: tuple[Variant, Answered],
    changed: tuple[Variant, Answered],
    audience: Audience,
    request: DecisionRequest,
    now: datetime,
    files: tuple[str, ...],
    with_history: bool = False,
    weak_below: float | None = None,
) -> Report:
    """Return the report.

    Parameters
    ----------
    files : which files are changed.
    weak_below : below which propensity an action counts as weak; None for the lowest 5 % quantile
        of the customers' best propensities under the current configuration.
    """
    (variant, before), (proposed, after) = current, changed
    threshold = weak_threshold(before) if weak_below is None else weak_below
    catalogs = (proposed.configuration.catalog, variant.configuration.catalog)
    facts = facts_about(audience, variant.world, variant.popularity, now.timestamp())
    return Report(
        about=About(
            channel=request.channel,
            direction=request.direction,
            decided_at=now,
            customers=len(audience),
            known_customers=audience.known_customers,
            seed=audience.seed,
            model=variant.world.versions.model,
            with_history=with_history,
            files=files,
        ),
        edits=edits_between(variant.configuration, proposed.configuration),
        before=side_of(variant, before, request.direction, threshold),
        after=side_of(proposed, after, request.direction, threshold),
        movement=movement_of(audience, before, after),
        groups=describe(_groups(before, after, threshold), facts),
        weak_below=threshold,
        weak_is_given=weak_below is not None,
        default_action_id=proposed.configuration.catalog.default_action.id,
        names={one.id: one.name.en for catalog in catalogs for one in catalog.everything},
    )


def _groups(
    before: Answered, after: Answered, threshold: float | None
) -> dict[tuple[str, str], Verdicts]:
    moved = np.zeros(before.customers, dtype=bool)
    moved[changed_customers(before, after)] = True
    return {
        ("changed", "The first action changes"): moved,
        ("no_action_before", "No action under the current configuration"): (
            before.first == NO_ACTION
        ),
        ("no_action_after", "No action after the change"): after.first == NO_ACTION,
        ("weak_before", "Only weak actions under the current configuration"): only_weak(
            before, threshold
        ),
        ("weak_after", "Only weak actions after the change"): only_weak(after, threshold),
    }
