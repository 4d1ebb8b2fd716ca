"""Reference pages of what people write: made from the models that read it (`nba docs`)."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


def keys_markdown(title: str, intro: str, model: type[BaseModel]) -> str:
    """Return a page that lists every key of a file's model and of the models below it."""
    parts = [f"# {title}", "Made by `nba docs` from the code; edit that, not this page.", intro]
    for place, below in enumerate(_models(model)):
        told = (below.__doc__ or "").partition("\n")[0]
        parts += ["## The file" if place == 0 else f"## {below.__name__}", told, _table(below)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the model and every model that its fields name, each once, in order of mention."""
    found = [model]
    for known in found:
        for field in known.model_fields.values():
            found += [m for m in _named(field.annotation) if m not in found]
    return found


def _named(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    below = [_named(inner) for inner in get_args(annotation)]
    return list(dict.fromkeys(model for models in below for model in models))


def _table(model: type[BaseModel]) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("\n", " ").replace("|", "\\|")
        kind = f"`{_type(field.annotation)}`".replace("|", "\\|")
        rows.append(f"| `{name}` | {kind} | {_default(field)} | {meaning} |")
    return "\n".join(rows)


def _type(annotation: Any) -> str:
    """Return a type as it is written in Python, without what limits its values.

    >>> _type(Annotated[tuple[Annotated[float, "at least 0"], ...], "not empty"] | None)
    'tuple[float, ...] | None'
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, UnionType):
        return " | ".join(_type(one) for one in inner)
    if origin is Literal:
        return f"Literal[{', '.join(repr(one) for one in inner)}]"
    if annotation in (None, NoneType, Ellipsis):
        return "..." if annotation is Ellipsis else "None"
    name = str(getattr(origin or annotation, "__name__", annotation))
    return f"{name}[{', '.join(_type(one) for one in inner)}]" if inner else name


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ((), {}, ""):
        return ""
    return f"`{json.dumps(value, default=str)}`"
