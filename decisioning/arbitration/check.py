"""What an arbitration.yaml says about actions, held against the catalog that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from decisioning.action import Action
from decisioning.arbitration.file import ArbitrationFile, ContextFact, Levers
from decisioning.border import read_border
from decisioning.catalog import Catalog
from decisioning.expressions import Vocabulary, compile_condition
from decisioning.fault import KeyPath, Told, raise_any
from features.errors import ArbitrationError, PolicyError
from features.spelling import did_you_mean

Named = tuple[KeyPath, str, str, bool]
"""Where a name stands, what it names, the name, and whether it is the key itself."""


def load_arbitration(path: Path, catalog: Catalog) -> ArbitrationFile:
    """Read an arbitration.yaml that goes with a catalog.

    Raises
    ------
    ArbitrationError : any fault; the message names the file, the place, the key and the value.
    """
    return read_border(
        path, ArbitrationFile, ArbitrationError, check=lambda file: check_names(file, catalog)
    )


def check_names(file: ArbitrationFile, catalog: Catalog) -> None:
    """Check everything that only the catalog can tell.

    Raises
    ------
    Faults : an issue, group or action is not there, a lever is not above 0, the condition of a
        context cannot be used, or a control group has nothing to withhold.
    """
    known = {
        "issue": sorted({action.issue for action in catalog.actions}),
        "group": sorted({action.group for action in catalog.actions}),
        "action": sorted(catalog.action_ids),
    }
    raise_any(
        [
            *_unknown(file, known),
            *_sunken_levers(file.levers, catalog),
            *_wrong_conditions(file.contexts, catalog),
            *_nothing_to_withhold(file, catalog),
        ]
    )


def may_be_withheld(action: Action) -> bool:
    """Tell whether a control group or a ramp may keep an action from somebody."""
    return action.purpose == "marketing" and not action.mandatory


def lever_parts(levers: Levers, action: Action) -> dict[KeyPath, float]:
    """Return the percents that an action gets, by where they are written."""
    parts = {
        ("issues", action.issue): levers.issues.get(action.issue),
        ("groups", action.group): levers.groups.get(action.group),
        ("actions", action.id): levers.actions.get(action.id),
    }
    return {place: percent for place, percent in parts.items() if percent is not None}


def _unknown(file: ArbitrationFile, known: Mapping[str, list[str]]) -> Iterator[Told]:
    for path, level, name, is_key in _named(file):
        if name not in known[level]:
            near = did_you_mean(name, known[level])
            yield Told(path, f"unknown {level} {name!r}{near}", path[-1] if is_key else None)


def _named(file: ArbitrationFile) -> Iterator[Named]:
    """Find every name of an issue, group or action in the file."""
    for place, mapping, level in (
        (("levers", "issues"), file.levers.issues, "issue"),
        (("levers", "groups"), file.levers.groups, "group"),
        (("levers", "actions"), file.levers.actions, "action"),
        (("thresholds", "propensity", "issues"), file.thresholds.propensity.issues, "issue"),
        (("thresholds", "propensity", "groups"), file.thresholds.propensity.groups, "group"),
        (("thresholds", "priority", "issues"), file.thresholds.priority.issues, "issue"),
        (("thresholds", "priority", "groups"), file.thresholds.priority.groups, "group"),
        (("smoothing", "groups"), file.smoothing.groups if file.smoothing else {}, "group"),
        (("smoothing", "actions"), file.smoothing.actions if file.smoothing else {}, "action"),
    ):
        yield from (((*place, name), level, name, True) for name in mapping)
    parts: list[tuple[KeyPath, object]] = [
        (("context_weights", at), weight) for at, weight in enumerate(file.context_weights)
    ]
    parts += [
        (("control_groups", at, "scope"), g.scope) for at, g in enumerate(file.control_groups)
    ]
    for path, part in parts:
        for level in ("issue", "group", "action"):
            name = getattr(part, level)
            if name is not None:
                yield (*path, level), level, name, False


def _sunken_levers(levers: Levers, catalog: Catalog) -> Iterator[Told]:
    """Find what pulls the lever of an action to 0 or below, each place once."""
    blamed: set[KeyPath] = set()
    for action in catalog.ordered:
        parts = lever_parts(levers, action)
        total = sum(parts.values())
        if total > -100:
            continue
        place = min(parts, key=lambda one: (parts[one], one))
        if place not in blamed:
            blamed.add(place)
            said = f"the percents of {action.id!r} add up to {total:g}; they must stay above -100"
            yield Told(("levers", *place), f"{said} (value {parts[place]:g})")


def _wrong_conditions(facts: Sequence[ContextFact], catalog: Catalog) -> Iterator[Told]:
    """Find conditions that cannot be compiled, or are not the same for every action."""
    vocabulary = Vocabulary.of(catalog.ordered)
    for at, fact in enumerate(facts):
        try:
            condition = compile_condition(fact.when, vocabulary, "")
        except PolicyError as error:
            yield Told(("contexts", at, "when"), str(error))
            continue
        if condition.of_action:
            yield Told(("contexts", at, "when"), f"asks about an action (value {fact.when!r})")


def _nothing_to_withhold(file: ArbitrationFile, catalog: Catalog) -> Iterator[Told]:
    for at, group in enumerate(file.control_groups):
        inside = [action for action in catalog.actions if group.scope.holds(action)]
        if inside and not any(may_be_withheld(action) for action in inside):
            said = "nothing in it may be withheld: all is mandatory or not marketing"
            yield Told(("control_groups", at, "scope"), said)
