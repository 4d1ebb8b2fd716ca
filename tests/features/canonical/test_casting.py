from __future__ import annotations

from datetime import date, datetime

import duckdb
import pytest

from features.canonical.casting import Cell, typed
from features.canonical.mapping import ColumnMapping
from features.canonical.schemas import Column

TIME = Column("timestamp", "time")
BERLIN = "Europe/Berlin"


def cast(expression: str, column: Column, reading: ColumnMapping | None = None, zone: str = "UTC"):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    kind = connection.execute(f"SELECT typeof({expression})").fetchone()[0]
    cell = Cell("cell", kind, reading or ColumnMapping(), time_zone=zone)
    query = f"SELECT {typed(cell, column)} FROM (SELECT {expression} AS cell)"
    return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024-01-31T10:00", datetime(2024, 1, 31, 10)),
        (" 2024-01-31 10:00:00.5 ", datetime(2024, 1, 31, 10, 0, 0, 500_000)),
        ("2024-01-31T10:00:00Z", datetime(2024, 1, 31, 10)),
        ("2024-01-31T10:00:00+02:00", datetime(2024, 1, 31, 8)),
        ("2024-01-31 10:00:00-0530", datetime(2024, 1, 31, 15, 30)),
        ("2024-01-31 10:00:00+02", datetime(2024, 1, 31, 8)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20)),
        ("1700000000.25", datetime(2023, 11, 14, 22, 13, 20, 250_000)),
    ],
)
def test_a_written_time_is_read_as_utc(written: str, moment: datetime) -> None:
    assert cast(f"'{written}'", TIME) == moment


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2024-02-30",
            "31.01.2024",
            "soon",
            "infinity",
            "epoch",
            "2024-01-31 10:00 Europe/Berlin",
        ),
        # More likely a day number, a date without dashes and milliseconds than epoch seconds.
        *("711", "20240131", "1700000000000", "-5", "nan", "1e300"),
    ],
)
def test_what_may_be_another_time_is_not_guessed(written: str) -> None:
    assert cast(f"'{written}'", TIME) is None


@pytest.mark.parametrize("number", ["'nan'::DOUBLE", "'inf'::DOUBLE", "1e300::DOUBLE"])
def test_a_number_that_is_no_time_is_null(number: str) -> None:
    assert cast(number, TIME) is None
    assert cast(number, TIME, ColumnMapping(unit="days", origin=date(2017, 1, 1))) is None


@pytest.mark.parametrize(
    "expression",
    ["'2024-07-01 12:00'", "TIMESTAMP '2024-07-01 12:00'", "TIMESTAMP_NS '2024-07-01 12:00'"],
)
def test_a_time_without_an_offset_is_in_the_zone_of_the_mapping(expression: str) -> None:
    assert cast(expression, TIME, zone=BERLIN) == datetime(2024, 7, 1, 10)


def test_a_time_with_an_offset_ignores_the_zone_of_the_mapping() -> None:
    assert cast("'2024-07-01T12:00Z'", TIME, zone=BERLIN) == datetime(2024, 7, 1, 12)
    aware = "TIMESTAMPTZ '2024-07-01 12:00+02:00'"
    assert cast(aware, TIME, zone=BERLIN) == datetime(2024, 7, 1, 10)
    assert cast("1700000000", TIME, zone=BERLIN) == datetime(2023, 11, 14, 22, 13, 20)


def test_a_day_begins_at_local_midnight_on_both_sides_of_the_clock_change() -> None:
    days = ColumnMapping(unit="days", origin=date(2024, 3, 30))
    assert cast("DATE '2024-03-31'", TIME, zone=BERLIN) == datetime(2024, 3, 30, 23)
    assert cast("1", TIME, days, BERLIN) == datetime(2024, 3, 30, 23)
    assert cast("2", TIME, days, BERLIN) == datetime(2024, 3, 31, 22)
    assert cast("'2'", TIME, days, BERLIN) == datetime(2024, 3, 31, 22)


@pytest.mark.parametrize(
    ("unit", "number", "moment"),
    [
        ("days", "1.5", datetime(2017, 1, 2, 12)),
        ("hours", "25", datetime(2017, 1, 2, 1)),
        ("minutes", "90", datetime(2017, 1, 1, 1, 30)),
        ("seconds", "-1", datetime(2016, 12, 31, 23, 59, 59)),
        ("milliseconds", "1500", datetime(2017, 1, 1, 0, 0, 1, 500_000)),
    ],
)
def test_an_offset_counts_in_its_unit_from_its_origin(unit, number, moment) -> None:
    reading = ColumnMapping(unit=unit, origin=date(2017, 1, 1))
    assert cast(number, TIME, reading) == moment


def test_milliseconds_without_an_origin_are_epoch_milliseconds() -> None:
    reading = ColumnMapping(unit="milliseconds")
    expected = datetime(2023, 11, 14, 22, 13, 20)
    assert cast("1700000000000", TIME, reading, BERLIN) == expected


def test_a_format_reads_what_is_not_iso() -> None:
    german = ColumnMapping(format="%d.%m.%Y %H:%M")
    assert cast("'31.01.2024 10:00'", TIME, german, BERLIN) == datetime(2024, 1, 31, 9)
    assert cast("'2024-01-31'", TIME, german) is None
    aware = ColumnMapping(format="%d.%m.%Y %H:%M%z")
    assert cast("'31.01.2024 10:00+02:00'", TIME, aware) == datetime(2024, 1, 31, 8)
    assert cast("20240131", TIME, ColumnMapping(format="%Y%m%d")) == datetime(2024, 1, 31)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'007'", "007"),
        ("7", "7"),
        ("7.0::DOUBLE", "7"),
        ("7.00::DECIMAL(5,2)", "7"),
        ("7.5::DOUBLE", "7.5"),
        ("'nan'::DOUBLE", None),
        ("''", None),
        ("' a'", " a"),
        ("31198570044.0::DOUBLE", "31198570044"),
        ("'nan'", "nan"),
    ],
)
def test_an_id_keeps_its_text(expression: str, text: str | None) -> None:
    assert cast(expression, Column("customer_id", "id")) == text


@pytest.mark.parametrize("expression", ["-2.5", "'-2.5'", "'2.5'", "-2.5::DOUBLE"])
def test_a_discount_has_no_sign(expression: str) -> None:
    assert cast(expression, Column("discount", "number", unsigned=True)) == 2.5


@pytest.mark.parametrize("expression", ["'inf'", "'inf'::DOUBLE", "'1,5'", "'nan'"])
def test_what_is_no_finite_number_is_null(expression: str) -> None:
    assert cast(expression, Column("amount", "number", required=True)) is None


def test_a_list_of_numbers_becomes_a_list_of_ids() -> None:
    assert cast("[7, 8]", Column("items", "ids")) == ["7", "8"]
