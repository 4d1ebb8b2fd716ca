"""Reference pages of what people write: made from the models that read it (`nba docs`)."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

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
        rows.append(f"| `{name}` | {_type(field)} | {_default(field)} | {meaning} |")
    return "\n".join(rows)


def _type(field: FieldInfo) -> str:
    text = (
        field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    )
    text = re.sub(r"typing\.|pathlib\.|\b(?:\w+\.)+(?=[A-Z])", "", text)
    text = re.sub(r"Annotated\[(\w+)[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*\]", r"\1", text)
    text = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    return f"`{text}`".replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ((), {}, ""):
        return ""
    return f"`{json.dumps(value, default=str)}`"
