"""What can be wrong with a catalog as a whole: its hierarchy, its rules, its texts, its places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from decisioning.action import Action
from decisioning.decision import Treatment
from decisioning.fault import Faults, KeyPath, Told
from decisioning.placements import ids_twice, wrong_placements
from decisioning.request import Channel, Language
from decisioning.rules import Condition
from decisioning.treatments import (
    CHANNELS,
    FALLBACK,
    LANGUAGES,
    Template,
    find_template,
    render_all,
    texts_of,
    wrong_variables,
)
from decisioning.value import value_faults
from features import declared
from features.matrix import ACTION_CODE
from features.spelling import did_you_mean

if TYPE_CHECKING:
    from decisioning.catalog import Catalog

_OWN_VARIABLES = ("name", "inline_name")

Places = list[tuple[KeyPath, Mapping[Channel, Template]]]


def faults_of(catalog: Catalog) -> list[Told]:
    """Find everything that only the whole catalog can show."""
    return [
        *_attributes(catalog.actions),
        *_conditions(catalog),
        *_values(catalog),
        *ids_twice(catalog.placements),
        *_placements(catalog),
        *_texts(catalog),
        *_silence(catalog),
    ]


def hierarchy_faults(content: Mapping[str, Any]) -> Iterator[Told]:
    """Find, in a catalog as it was written, what is not one tree of issues, groups and actions."""
    written = content.get("actions")
    entries = [
        (at, entry)
        for at, entry in enumerate(written if isinstance(written, list | tuple) else ())
        if isinstance(entry, Mapping)
    ]
    default = content.get("default_action")
    taken = {default.get("id"): default} if isinstance(default, Mapping) else {}
    yield from _ids_twice(entries, taken)
    first_of_group: dict[str, Mapping[str, Any]] = {}
    for at, entry in entries:
        group, issue = entry.get("group"), entry.get("issue")
        for level, given in (("group", group), ("issue", issue)):
            if isinstance(given, list):
                yield Told(("actions", at, level), f"an action is in one {level} (value {given!r})")
        if isinstance(group, str) and isinstance(issue, str):
            first = first_of_group.setdefault(group, entry)
            if first.get("issue") != issue:
                yield Told(
                    ("actions", at, "issue"),
                    f"the group {group!r} is in the issue {first.get('issue')!r} with the action "
                    f"{first.get('id')!r}; a group is in one issue (value {issue!r})",
                )


def _ids_twice(
    entries: list[tuple[int, Mapping[str, Any]]], taken: dict[Any, Mapping[str, Any]]
) -> Iterator[Told]:
    """Find ids that are there twice; `taken` holds those that are given before any action."""
    default = dict(taken)
    for at, entry in entries:
        action_id = entry.get("id")
        if not isinstance(action_id, str):
            continue
        first = taken.setdefault(action_id, entry)
        if first is entry:
            continue
        said = f"the id {action_id!r} is there twice"
        groups = (first.get("group"), entry.get("group"))
        if action_id in default:
            said += ": it is that of the default action"
        elif groups[0] != groups[1]:
            said += f", in the groups {groups[0]!r} and {groups[1]!r}; an action is in one group"
        yield Told(("actions", at, "id"), said)


def _attributes(actions: Iterable[Action]) -> Iterator[Told]:
    kinds: dict[str, type] = {}
    for at, action in enumerate(actions):
        for key, value in action.attributes.items():
            path = ("actions", at, "attributes", key)
            if key in declared.BY_NAME or key in (ACTION_CODE, *_OWN_VARIABLES):
                yield Told(path, f"the name {key!r} is taken by the product")
            elif kinds.setdefault(key, type(value)) is not type(value):
                yield Told(
                    path, f"a number here and a text elsewhere, or the reverse (value {value!r})"
                )


def _values(catalog: Catalog) -> Iterator[Told]:
    of_actions = [
        (("actions", at, "value"), action.value) for at, action in enumerate(catalog.actions)
    ]
    yield from value_faults([(("value",), catalog.value), *of_actions], catalog.actions)


def _conditions(catalog: Catalog) -> Iterator[Told]:
    attributes = {key: v for action in catalog.actions for key, v in action.attributes.items()}
    texts = {key for key, value in attributes.items() if isinstance(value, str)}
    known = {*declared.model_inputs(), *attributes} - texts
    places: list[tuple[KeyPath, tuple[Condition, ...]]] = [((), catalog.eligibility)]
    places += [(("actions", at), action.eligibility) for at, action in enumerate(catalog.actions)]
    for above, conditions in places:
        for number, condition in enumerate(conditions):
            name = condition.feature
            if name in known:
                continue
            nearest = "; it is a text" if name in texts else did_you_mean(name, known)
            path = (*above, "eligibility", number, "feature")
            yield Told(path, f"unknown feature {name!r}{nearest}", unknown=name)


def _placements(catalog: Catalog) -> Iterator[Told]:
    known = {placement.id: placement for placement in catalog.placements}
    places: Places = [
        (("treatments",), catalog.treatments),
        (("default_action", "treatments"), catalog.default_action.treatments),
        *((("actions", at, "treatments"), a.treatments) for at, a in enumerate(catalog.actions)),
    ]
    for path, treatments in places:
        yield from wrong_placements(path, treatments, known)


def _texts(catalog: Catalog) -> Iterator[Told]:
    """Find texts that cannot be filled in: for any action, then for the one that says it."""
    hopeless = {told.path: told for told in _common_texts(catalog)}
    yield from hopeless.values()
    missing: dict[KeyPath, Told] = {}
    for at, action in enumerate(catalog.actions):
        for told in _unfilled(catalog, at, action):
            if told.path[0] != "treatments":
                yield told
            elif told.path not in hopeless and told.path not in missing:
                said = f"the action {action.id!r} has no attribute {told.unknown!r}: {told.message}"
                missing[told.path] = told._replace(message=said)
    yield from missing.values()
    default = catalog.default_action
    try:
        render_all(default.name, {}, [(("default_action", "treatments"), default.treatments)])
    except Faults as error:
        yield from error.found


def _common_texts(catalog: Catalog) -> Iterator[Told]:
    """Find texts for all actions that can be filled in for none of them."""
    known = {*_OWN_VARIABLES}.union(*(action.attributes for action in catalog.actions))
    for channel, template in catalog.treatments.items():
        for language in LANGUAGES:
            for path, text in texts_of(template.in_language(language)):
                yield from wrong_variables(("treatments", channel, language, *path), text, known)
    for language in LANGUAGES:
        for path, text in texts_of(catalog.labels.in_language(language)):
            if "{" in text or "}" in text:
                said = f"labels for all actions have no variables (value {text!r})"
                yield Told(("labels", language, *path), said)


def _unfilled(catalog: Catalog, at: int, action: Action) -> tuple[Told, ...]:
    try:
        rendered(catalog, at, action)
    except Faults as error:
        return error.found
    return ()


def rendered(
    catalog: Catalog, at: int, action: Action
) -> dict[tuple[Channel, Language], Treatment]:
    """Return everything that is said about an action.

    Parameters
    ----------
    at : its position in `catalog.actions`.

    Raises
    ------
    Faults : texts cannot be filled in.
    """
    places = places_of(catalog, at, action)
    channels = action.channels or CHANNELS
    return render_all(action.name, action.attributes, places, catalog.labels, channels)


def places_of(catalog: Catalog, at: int, action: Action) -> Places:
    """Return where the treatments of an action are written, its own first."""
    return [
        (("actions", at, "treatments"), action.treatments),
        (("treatments",), catalog.treatments),
    ]


def _silence(catalog: Catalog) -> Iterator[Told]:
    """Find actions that cannot be said where they have to be."""
    for at, action in enumerate(catalog.actions):
        places = places_of(catalog, at, action)
        yield from _never_said(at, action)
        said_on = {
            channel
            for channel in action.channels or CHANNELS
            if find_template(channel, places) is not None
        }
        if not said_on:
            yield Told(("actions", at, "treatments"), "no treatment on any channel")
        elif action.impact == "significant" and "advisor" not in said_on:
            said = "only an advisor gets what is significant, and there is no treatment for one"
            yield Told(("actions", at, "impact"), said)
    own: Places = [(("default_action", "treatments"), catalog.default_action.treatments)]
    for channel in CHANNELS:
        if find_template(channel, own) is None:
            yield Told(("default_action", "treatments"), f"the channel {channel!r} is missing")


def _never_said(at: int, action: Action) -> Iterator[Told]:
    """Find treatments on channels that the action leaves out."""
    allowed = action.channels or CHANNELS
    usable = {*allowed, *(FALLBACK[channel] for channel in allowed if channel in FALLBACK)}
    for channel in action.treatments:
        if channel not in usable:
            said = f"is never said, since channels has only {', '.join(allowed)}"
            yield Told(("actions", at, "treatments", channel), said, key=channel)
