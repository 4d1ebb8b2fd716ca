"""Consents on their way into the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from decisioning.history import Consent, HistoryNeeds
from decisioning.ledger.open import open_ledger
from features.errors import ConfigError, DataError
from serving.consents import CHANNELS, PURPOSES, STATUSES, checked_row, rows_of_tables

SPRING = datetime(2017, 4, 1, 9, 30)
NOW = datetime(2018, 1, 1, 6, tzinfo=UTC).timestamp()


def told(folder: Path, **changes: list[object]) -> Path:
    columns = {
        "customer_id": ["007", "008"],
        "purpose": ["marketing", "service"],
        "channel": ["all", "email"],
        "status": ["granted", "objected"],
        "valid_from": [SPRING, datetime(2018, 1, 1)],
    }
    table = pa.table({**columns, **changes})
    place = table.column_names.index("valid_from")
    times = table.column("valid_from").cast(pa.timestamp("us"))
    pq.write_table(table.set_column(place, "valid_from", times), folder / "consents.parquet")
    return folder


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The time zone of the machine."""
    monkeypatch.setitem(os.environ, "TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_what_is_recorded_is_an_entry_of_the_log() -> None:
    row = checked_row("007", "marketing", "email", "objected", NOW - 5, NOW, "operator")
    assert (row.customer_id, row.purpose, row.channel) == ("007", "marketing", "email")
    assert (row.status, row.valid_from, row.recorded_at) == ("objected", NOW - 5, NOW)
    assert row.source == "operator"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("marketting", "all", "granted"), "purpose 'marketting' is none of marketing, service"),
        (("transactional", "all", "granted"), "purpose 'transactional'"),
        (("marketing", "fax", "granted"), "channel 'fax' is none of web, app, bot"),
        (("marketing", "all", "yes"), "status 'yes' is none of granted, withdrawn, objected"),
    ],
)
def test_a_word_that_is_none_of_those_there_are_is_named(
    words: tuple[str, str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        checked_row("007", *words, NOW, NOW, "operator")


def test_every_word_that_there_is_is_taken() -> None:
    for purpose in PURPOSES:
        for channel in CHANNELS:
            for status in STATUSES:
                assert checked_row("1", purpose, channel, status, 0.0, NOW, "x").status == status


def test_times_of_the_tables_are_utc_wherever_the_machine_stands(tmp_path: Path, zone: str) -> None:
    first, second = rows_of_tables(told(tmp_path), NOW)
    assert (first.customer_id, first.status, first.source) == ("007", "granted", "ingest")
    assert first.valid_from == SPRING.replace(tzinfo=UTC).timestamp()
    assert (second.purpose, second.channel, second.recorded_at) == ("service", "email", NOW)


def test_where_nobody_said_anything_there_are_no_rows(tmp_path: Path) -> None:
    assert rows_of_tables(tmp_path, NOW) == []


def test_without_data_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        rows_of_tables(tmp_path / "nowhere", NOW)


def test_a_row_that_cannot_be_used_names_the_customer(tmp_path: Path) -> None:
    told(tmp_path, channel=["all", "pigeon"])
    with pytest.raises(ConfigError, match="consents: customer '008': channel 'pigeon'"):
        rows_of_tables(tmp_path, NOW)


def test_loading_the_same_rows_again_changes_nothing(tmp_path: Path) -> None:
    rows = rows_of_tables(told(tmp_path), NOW)
    ledger = open_ledger(tmp_path / "ledger.db")
    try:
        for _ in range(3):
            ledger.record_consents(rows).result(10)
        history = ledger.history("007", NOW, HistoryNeeds())
    finally:
        ledger.close()
    at = SPRING.replace(tzinfo=UTC).timestamp()
    assert history.consents == (Consent("marketing", "all", "granted", at),)
