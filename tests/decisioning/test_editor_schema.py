from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from decisioning.catalog import Catalog
from decisioning.editor_schema import DRAFT, editor_schema, schema_pages

CONFIGS = Path(__file__).parents[2] / "configs" / "complete_journey"


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that lists keys."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for below in schema.values():
            yield from objects_in(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from objects_in(below)


def test_every_key_has_a_meaning_and_no_other_key_is_allowed() -> None:
    schema = editor_schema(Catalog)
    assert schema["$schema"] == DRAFT
    parts = [*objects_in(schema)]
    assert len(parts) > 8
    for part in parts:
        assert part["additionalProperties"] is False
        assert part["description"] and "\n" not in part["description"]
        for key, told in part["properties"].items():
            assert told.get("description"), (part["title"], key)


def test_what_has_to_be_written_is_required() -> None:
    schema = editor_schema(Catalog)
    assert schema["required"] == ["default_action", "actions"]
    assert schema["$defs"]["Action"]["required"] == ["id", "name", "issue", "group"]
    assert schema["$defs"]["Words"]["required"] == ["en", "de"]


def test_a_day_may_stand_where_a_moment_is_meant() -> None:
    assert "date-time" not in json.dumps(editor_schema(Catalog))


def test_a_page_is_the_schema_as_text() -> None:
    page = schema_pages({"actions": Catalog})["actions.schema.json"]
    assert json.loads(page) == editor_schema(Catalog)
    assert page.endswith("}\n")


@pytest.mark.parametrize("name", [file.stem for file in sorted(CONFIGS.glob("*.yaml"))])
def test_a_file_that_ships_names_the_schema_that_lies_there(name: str) -> None:
    file = CONFIGS / f"{name}.yaml"
    first = file.read_text(encoding="utf-8").split("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None
    schema = json.loads((file.parent / found[1]).read_text(encoding="utf-8"))
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {*schema.get("required", ())} <= {*written} <= {*schema["properties"]}


def is_valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Check a value by the words of JSON Schema that these schemas use."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return any(is_valid(value, choice, root) for choice in choices)
    kinds = {
        "object": dict, "array": list, "string": str, "integer": int,
        "number": (int, float), "boolean": bool, "null": type(None),
    }  # fmt: skip
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return False
    if "const" in schema or "enum" in schema:
        return value in (schema.get("enum") or [schema["const"]])
    if isinstance(value, str):
        return bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, list):
        return all(is_valid(entry, schema["items"], root) for entry in value)
    return not isinstance(value, dict) or is_valid_object(value, schema, root)


def is_valid_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
    return {*schema.get("required", ())} <= {*value} and all(
        is_valid(below, known[key], root)
        if key in known
        else isinstance(other, dict) and is_valid(below, other, root)
        for key, below in value.items()
    )


@pytest.mark.parametrize("name", ["actions", "campaigns"])
def test_a_catalog_that_ships_is_valid_by_its_schema(name: str) -> None:
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    # An editor sees a date as the text that it is.
    written = json.loads(json.dumps(yaml.safe_load(text), default=str))
    schema = editor_schema(Catalog)
    assert is_valid(written, schema, schema)
    written["actions"][0]["elegibility"] = []
    assert not is_valid(written, schema, schema)
