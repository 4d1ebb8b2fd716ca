"""JSON Schemas of the files that people write, so that an editor completes and checks them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def editor_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a file: every key with its meaning, no other keys allowed.

    An editor checks kinds, ranges and spelling by it; what only the whole file shows, such as an
    id that is there twice, is left to `nba`.

    >>> from decisioning.treatments import Words
    >>> schema = editor_schema(Words)
    >>> schema["properties"]["de"]["description"], schema["additionalProperties"]
    ('German.', False)
    """
    schema = model.model_json_schema()
    for below in [schema, *schema.get("$defs", {}).values()]:
        if "description" in below:
            below["description"] = below["description"].partition("\n\n")[0].replace("\n", " ")
    return {"$schema": DRAFT, **_for_yaml(schema)}


def schema_pages(models: Mapping[str, type[BaseModel]]) -> dict[str, str]:
    """Return the text of `NAME.schema.json` for each name, as it is written to a file."""
    return {
        f"{name}.schema.json": json.dumps(editor_schema(model), indent=1, ensure_ascii=False) + "\n"
        for name, model in models.items()
    }


def _for_yaml(schema: Any) -> Any:
    """Leave out what would refuse YAML that can be read, and write patterns as editors read them.

    A day may stand where a moment is meant; the end of a text as pydantic writes it is unknown to
    the regular expressions of editors.
    """
    if isinstance(schema, str):
        return schema.removesuffix("\\z") + "$" if schema.endswith("\\z") else schema
    if isinstance(schema, list):
        return [_for_yaml(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    dated = schema.get("format") in ("date", "date-time") and schema.get("type") == "string"
    return {
        key: _for_yaml(value)
        for key, value in schema.items()
        if not (dated and key == "format") and key != "discriminator"
    }
