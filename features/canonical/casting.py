"""The SQL that turns one cell of a source into one cell of a canonical table.

Nothing is coerced in silence: what is present but cannot be read becomes null here and a fault in
`features.canonical.validate`.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.canonical.mapping import ColumnMapping, Constant
from features.canonical.quoting import literal
from features.canonical.schemas import Column

_FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_NAIVE = rf"^{_DATE}([T ]\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?)?$"
_AWARE = rf"^{_DATE}[T ]\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d+)?)? ?(Z|UTC|[+-]\d{{2}}(:?\d{{2}})?)$"
_NUMBER = r"^-?\d+(\.\d+)?$"
# A bare number is taken as epoch seconds only from 1980 to 9999: a smaller one is more likely a day
# offset, a larger one milliseconds, and both would silently become a wrong time.
_EPOCH_SECONDS = (315_532_800, 253_402_300_799)
_MICROSECONDS = {
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
}


@dataclass(frozen=True)
class Cell:
    """One cell of a source: its SQL, its DuckDB type, how the mapping reads it and its zone."""

    expression: str
    data_type: str
    reading: ColumnMapping = ColumnMapping()
    missing: tuple[Constant, ...] = ()
    time_zone: str = "UTC"

    @property
    def is_number(self) -> bool:
        """Whether the source's type is numeric."""
        return self.data_type in _FLOATS + _INTEGERS or self.data_type.startswith("DECIMAL")

    @property
    def is_list(self) -> bool:
        """Whether the source's type is a list."""
        return self.data_type.endswith("]")


def shown(cell: Cell, column: Column) -> str:
    """Return the cell as text, null when it is missing: what a rejected row shows."""
    text = f"nullif(CAST({cell.expression} AS VARCHAR), '')"
    sentinels = (*cell.missing, *cell.reading.missing)
    unmeant = [f"{text} IN ({', '.join(literal(str(value)) for value in sentinels)})"]
    numbers = [value for value in sentinels if not isinstance(value, str)]
    if numbers:
        among = ", ".join(literal(float(value)) for value in numbers)
        unmeant.append(f"coalesce(try_cast({text} AS DOUBLE) IN ({among}), false)")
    if not sentinels:
        unmeant = []
    # pandas writes a missing optional number, and an id column with gaps, as NaN.
    if column.kind == "number" and not column.required or column.kind == "id" and cell.is_number:
        unmeant.append(f"lower({text}) = 'nan'")
    return f"CASE WHEN NOT ({' OR '.join(unmeant)}) THEN {text} END" if unmeant else text


def typed(cell: Cell, column: Column) -> str:
    """Return the cell in the canonical type, null when it is missing or cannot be read."""
    present = shown(cell, column)
    return f"CASE WHEN {present} IS NOT NULL THEN {_READERS[column.kind](cell, column)} END"


def _id(cell: Cell, column: Column) -> str:
    text = f"CAST({cell.expression} AS VARCHAR)"
    if cell.data_type in _FLOATS or cell.data_type.startswith("DECIMAL"):
        # An integer id with gaps arrives as a float: 7.0 is the id "7".
        whole = f"CAST(TRY(CAST({cell.expression} AS HUGEINT)) AS VARCHAR)"
        is_whole = f"{cell.expression} = trunc({cell.expression})"
        return f"CASE WHEN {is_whole} THEN {whole} ELSE {text} END"
    return text


def _text(cell: Cell, column: Column) -> str:
    return f"CAST({cell.expression} AS VARCHAR)"


def _number(cell: Cell, column: Column) -> str:
    written = cell.expression
    if cell.reading.decimal == "," and not cell.is_number:
        written = f"replace(replace(CAST({written} AS VARCHAR), '.', ''), ',', '.')"
    number = f"try_cast({written} AS DOUBLE)"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    if cell.reading.factor is not None:
        finite = f"({finite}) * {literal(cell.reading.factor)}"
    return f"abs({finite})" if column.unsigned else finite


def _ids(cell: Cell, column: Column) -> str:
    if cell.is_list:
        return f"CAST({cell.expression} AS VARCHAR[])"
    parts = f"string_split(CAST({cell.expression} AS VARCHAR), ';')"
    return f"list_filter(list_transform({parts}, lambda part: trim(part)), lambda part: part <> '')"


def _time(cell: Cell, column: Column) -> str:
    if cell.data_type.startswith("TIMESTAMP WITH TIME ZONE"):
        moment = f"({cell.expression} AT TIME ZONE 'UTC')"
    elif cell.data_type == "DATE" or cell.data_type.startswith("TIMESTAMP"):
        moment = _to_utc(f"CAST({cell.expression} AS TIMESTAMP)", cell.time_zone)
    elif cell.is_number and cell.reading.format is None:
        moment = _counted(f"CAST({cell.expression} AS DOUBLE)", cell)
    else:
        moment = _written(f"trim(CAST({cell.expression} AS VARCHAR))", cell)
    return f"CASE WHEN isfinite({moment}) THEN {moment} END"


def _written(text: str, cell: Cell) -> str:
    if cell.reading.format is not None:
        moment = f"try_strptime({text}, {literal(cell.reading.format)})"
        if "%z" in cell.reading.format.lower():
            return f"({moment} AT TIME ZONE 'UTC')"
        return _to_utc(moment, cell.time_zone)
    number = _counted(f"try_cast({text} AS DOUBLE)", cell)
    if cell.reading.unit is not None:
        return number
    return (
        f"CASE WHEN regexp_matches({text}, {literal(_NAIVE)}) "
        f"THEN {_to_utc(f'try_cast({text} AS TIMESTAMP)', cell.time_zone)} "
        f"WHEN regexp_matches({text}, {literal(_AWARE)}) "
        f"THEN (try_cast({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC') "
        f"WHEN regexp_matches({text}, {literal(_NUMBER)}) THEN {number} END"
    )


def _counted(number: str, cell: Cell) -> str:
    """A number as a time; days are counted in local time, so that a day keeps its midnight."""
    unit, origin = cell.reading.unit, cell.reading.origin
    if unit is None:
        first, last = _EPOCH_SECONDS
        moment = f"TRY(make_timestamp(CAST({number} * 1000000 AS BIGINT)))"
        return f"CASE WHEN {number} BETWEEN {first} AND {last} THEN {moment} END"
    start = f"TIMESTAMP {literal(origin.isoformat() if origin else '1970-01-01')}"
    passed = f"to_microseconds(CAST({number} * {_MICROSECONDS[unit]} AS BIGINT))"
    if origin is None and unit != "days":
        return f"TRY({start} + {passed})"
    if unit == "days":
        return _to_utc(f"TRY({start} + {passed})", cell.time_zone)
    return f"TRY({_to_utc(start, cell.time_zone)} + {passed})"


def _to_utc(naive: str, time_zone: str) -> str:
    if time_zone == "UTC":
        return naive
    return f"(({naive} AT TIME ZONE {literal(time_zone)}) AT TIME ZONE 'UTC')"


_READERS = {"id": _id, "text": _text, "number": _number, "ids": _ids, "time": _time}
