"""The mapping file: which source file and column becomes which canonical column, and how.

Whatever it does not mention is taken as it is: a table from the file of its name, a column from the
source column of its name.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from features.canonical.schemas import SCHEMAS
from features.errors import DataError
from features.spelling import did_you_mean

Constant = str | int | float | bool
TimeUnit = Literal["days", "hours", "minutes", "seconds", "milliseconds"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ColumnMapping(_Strict):
    """How one canonical column is read; the short form is the name of the source column."""

    source: str | None = Field(default=None, alias="from")
    """The source column; left out, the one with the canonical column's own name."""
    missing: tuple[Constant, ...] = ()
    """Values that mean that the value is missing, such as an age of 118."""
    factor: float | None = None
    """What a number is multiplied by, such as 0.01 for cents."""
    decimal: Literal[".", ","] = "."
    """What stands before the fraction of a number in text; with a comma, points are dropped."""
    unit: TimeUnit | None = None
    """What a number counts when it stands for a time."""
    origin: datetime | date | None = None
    """The time that such a number counts from, in the mapping's time zone; default 1970-01-01."""
    format: str | None = None
    """The strptime format of a time that is not written as ISO 8601, such as `%d.%m.%Y`."""

    @model_validator(mode="after")
    def _origin_needs_a_unit(self) -> ColumnMapping:
        if self.origin is not None and self.unit is None:
            raise ValueError("origin needs a unit (days, hours, minutes, seconds, milliseconds)")
        if isinstance(self.origin, datetime) and self.origin.tzinfo is not None:
            raise ValueError("origin takes no offset: it is in the mapping's time_zone")
        if self.unit is not None and self.format is not None:
            raise ValueError("unit and format exclude each other")
        return self


class TableMapping(_Strict):
    """One source file of a canonical table."""

    file: str | None = None
    """Name of the source file or folder without its suffix; default: the table's own name."""
    columns: dict[str, ColumnMapping] = {}
    """Canonical column (or attribute): how it is read."""
    constants: dict[str, Constant] = {}
    """Canonical column (or attribute): one value for every row."""

    @field_validator("columns", mode="before")
    @classmethod
    def _expand_short_form(cls, columns: Any) -> Any:
        if not isinstance(columns, dict):
            return columns
        return {
            name: {"from": value} if isinstance(value, str) else value
            for name, value in columns.items()
        }


class Mapping(_Strict):
    """The whole mapping file."""

    time_zone: str = "UTC"
    """The zone of times that carry none."""
    missing: tuple[Constant, ...] = ()
    """Values that mean missing in every column."""
    tables: dict[str, tuple[TableMapping, ...]] = {}
    """Canonical table: its source file, or a list of source files."""

    @field_validator("tables", mode="before")
    @classmethod
    def _one_file_or_many(cls, tables: Any) -> Any:
        if not isinstance(tables, dict):
            return tables
        return {
            name: value if isinstance(value, list | tuple) else (value,)
            for name, value in tables.items()
        }

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"not an IANA time zone{did_you_mean(zone, available_timezones())}")
        return zone


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    DataError
        Not readable, not YAML, or an unknown table, column or key: the message names the file, the
        key and the nearest valid one.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: not a readable YAML file ({error})") from error
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{path}: {_first_fault(error)}") from error
    _check_names(path, mapping)
    return mapping


def _check_names(path: Path, mapping: Mapping) -> None:
    for table, files in mapping.tables.items():
        if table not in SCHEMAS:
            raise DataError(
                f"{path}: tables.{table}: no such table{did_you_mean(table, SCHEMAS)} "
                f"(known: {', '.join(SCHEMAS)})"
            )
        schema = SCHEMAS[table]
        for name in [name for file in files for name in (*file.columns, *file.constants)]:
            if name not in schema.names and not schema.attributes:
                raise DataError(
                    f"{path}: tables.{table}: no such column {name!r}"
                    f"{did_you_mean(name, schema.names)} (known: {', '.join(schema.names)})"
                )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{place or 'file'}: {fault['msg']} (value {fault['input']!r})"
    key = str(fault["loc"][-1])
    keys = _keys_at(len(fault["loc"]))
    return f"{place}: unknown key {key!r}{did_you_mean(key, keys)} (known: {', '.join(keys)})"


def _keys_at(depth: int) -> list[str]:
    # tables.NAME.INDEX.KEY is four deep, tables.NAME.INDEX.columns.COLUMN.KEY six.
    model = Mapping if depth == 1 else TableMapping if depth == 4 else ColumnMapping
    return [field.alias or name for name, field in model.model_fields.items()]
