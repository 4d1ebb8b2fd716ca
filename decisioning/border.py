"""What people write in YAML, read strictly: one frozen model per file, faults in plain words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from features.errors import ConfigError
from features.spelling import did_you_mean

_LONGEST_VALUE = 80


class Border(BaseModel):
    """A value that crosses the border: frozen, finite, and without unknown keys.

    >>> class Cup(Border):
    ...     colour: str
    >>> Cup.model_validate({"color": "red"})
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Cup
      Value error, unknown key 'color'; did you mean 'colour'? (known: colour) ...
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, content: Any) -> Any:
        if isinstance(content, Mapping):
            known = cls.model_fields
            for key in content:
                if key not in known:
                    nearest = did_you_mean(str(key), known)
                    raise ValueError(f"unknown key {key!r}{nearest} (known: {', '.join(known)})")
        return content


AnyBorder = TypeVar("AnyBorder", bound=Border)


def read_border(path: Path, model: type[AnyBorder], error: type[ConfigError]) -> AnyBorder:
    """Read a YAML file as a model.

    Raises
    ------
    error : not readable, not YAML, a key twice, or any fault of the model; the message names the
        file and, for each fault, the key path and the value.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise error(f"{path}: not a readable YAML file ({problem})") from problem
    try:
        return model.model_validate(content)
    except ValidationError as problem:
        found = [_sentence(content, fault) for fault in problem.errors()]
        start = f"{path}: " if len(found) == 1 else f"{path}: {len(found)} faults\n  "
        raise error(start + "\n  ".join(found)) from problem


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _sentence(content: Any, fault: Any) -> str:
    place = _place(content, fault["loc"], absent=fault["type"] == "missing")
    message = str(fault["msg"]).removeprefix("Value error, ")
    told = f"{place}: {message}" if place else message
    given = fault["input"]
    if fault["type"] == "missing" or isinstance(given, Mapping | BaseModel):
        return told
    shown = repr(given)
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + "..."
    return f"{told} (value {shown})"


def _place(content: Any, loc: tuple[int | str, ...], absent: bool = False) -> str:
    """Return the key path; an entry of a list is named by its id where it has one.

    Parameters
    ----------
    absent : the last key is one that should have been written.

    >>> _place({"actions": [{"id": "tea", "name": {"en": 1}}]}, ("actions", 0, "name", "en"))
    'actions.tea.name.en'
    """
    words: list[str] = []
    for part in loc:
        inside = isinstance(content, Mapping) and part in content
        if isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
            named = isinstance(content, Mapping) and isinstance(content.get("id"), str)
            words.append(content["id"] if named else str(part))
        elif inside:
            words.append(str(part))
            content = content[part]
        # What else was not written, such as the tag of a union, is no part of the path.
    if absent:
        words.append(str(loc[-1]))
    return ".".join(words)
