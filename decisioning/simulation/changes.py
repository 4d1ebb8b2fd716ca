"""The proposed files: a folder that holds some of the three, and what they change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decisioning.arbitration import ArbitrationFile, load_arbitration
from decisioning.catalog import load_catalog
from decisioning.configuration import Configuration, beside
from decisioning.policies.policy_file import PolicyFile, load_policies
from features.errors import ConfigError

FILES = ("actions.yaml", "policies.yaml", "arbitration.yaml")
"""What a folder of changes may hold."""

_LONGEST = 80


@dataclass(frozen=True)
class Edit:
    """One place where two configurations differ.

    Attributes
    ----------
    file : the kind of file it is in, one of `FILES`.
    place : the key path; entries of lists by their id where they have one.
    before, after : as JSON, cut to 80 characters; None where there is nothing.
    """

    file: str
    place: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """A proposed configuration.

    Attributes
    ----------
    files : which of `FILES` the folder holds; the others are the current ones.
    """

    folder: Path
    files: tuple[str, ...]
    configuration: Configuration


def load_changes(folder: Path, catalog: Path) -> Changes:
    """Read the files of a folder, and for each that it lacks the current one.

    Parameters
    ----------
    catalog : the current catalog; the current policies and arbitration stand beside it.

    Raises
    ------
    ConfigError : there is no such folder or none of the three files in it, or any fault in a file;
        also where a current file does not fit a changed catalog.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; it holds any of {', '.join(FILES)}")
    found = tuple(name for name in FILES if (folder / name).is_file())
    if not found:
        raise ConfigError(f"{folder}: none of {', '.join(FILES)} is in it; nothing is changed")

    def chosen(name: str, current: Path) -> Path:
        return folder / name if name in found else current

    actions = load_catalog(chosen("actions.yaml", catalog))
    policies = chosen("policies.yaml", beside(catalog, "policies"))
    arbitration = chosen("arbitration.yaml", beside(catalog, "arbitration"))
    configuration = Configuration(
        actions,
        load_policies(policies, actions) if policies.exists() else PolicyFile(),
        load_arbitration(arbitration, actions) if arbitration.exists() else ArbitrationFile(),
    )
    return Changes(folder, found, configuration)


def edits_between(current: Configuration, changed: Configuration) -> tuple[Edit, ...]:
    """Return every place where two configurations differ, in the order of the files."""
    parts = zip(FILES, _parts(current), _parts(changed), strict=True)
    return tuple(
        Edit(file, place, _shown(old), _shown(new))
        for file, before, after in parts
        for place, old, new in _differences(before, after, "")
    )


def _parts(configuration: Configuration) -> Iterator[dict[str, Any]]:
    # With the defaults: of a key that is left out, people want to see what it then means.
    for part in (configuration.catalog, configuration.policies, configuration.arbitration):
        yield part.model_dump(mode="json")


def _differences(old: Any, new: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    old, new = _by_id(old), _by_id(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            below = f"{place}.{key}" if place else str(key)
            yield from _differences(old.get(key), new.get(key), below)
    elif old != new:
        yield place, old, new


def _by_id(content: Any) -> Any:
    """Return a list of things with ids as a mapping by id; everything else as it is."""
    if not isinstance(content, list) or not content:
        return content
    if all(isinstance(one, Mapping) and isinstance(one.get("id"), str) for one in content):
        return {one["id"]: one for one in content}
    return content


def _shown(content: Any) -> str | None:
    if content is None:
        return None
    said = _said(content)
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _said(content: Any) -> Any:
    """Return a mapping without what it leaves empty."""
    if not isinstance(content, Mapping):
        return content
    return {key: _said(one) for key, one in content.items() if one not in (None, [], {})}
