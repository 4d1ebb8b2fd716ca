from __future__ import annotations

from pathlib import Path

import pytest

from features.canonical.mapping import ColumnMapping, Mapping, TableMapping
from features.canonical.schemas import CONSENT_STATUSES, SCHEMAS, TOUCHPOINT_TYPES
from features.canonical.validate import REJECT_REASONS

PAGE = (Path(__file__).parents[3] / "docs" / "bring-your-data.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"### {title}:")[1].split("\n## ")[0].split("\n### ")[0]


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_is_documented_and_the_required_ones_are_bold(table: str) -> None:
    rows = [line.split("|")[1].strip() for line in section(table).splitlines() if "| " in line]
    listed = [row for row in rows if "`" in row]
    assert listed == [
        f"**`{column.name}`**" if column.required else f"`{column.name}`"
        for column in SCHEMAS[table].columns
    ]


@pytest.mark.parametrize("word", [*TOUCHPOINT_TYPES, *CONSENT_STATUSES, *REJECT_REASONS])
def test_every_type_status_and_reason_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("model", [Mapping, TableMapping, ColumnMapping])
def test_every_key_of_the_mapping_is_documented(model: type) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{field.alias or name}` |" in PAGE


def test_every_choice_has_its_reason() -> None:
    columns = [column for schema in SCHEMAS.values() for column in schema.columns]
    reasons = {f"unknown_{column.name}" for column in columns if column.choices}
    assert reasons <= set(REJECT_REASONS)
