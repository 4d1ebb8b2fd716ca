"""Rows of single customers are read once, and are those of the table each time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from live_world import live_home

from features.canonical.schemas import TOUCHPOINTS, TRANSACTIONS
from features.canonical.tables import open_tables
from features.source_rows import SourceRows

CUSTOMERS = ("007", "b", "c")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live_home(tmp_path_factory.mktemp("home")).path / "data"


def sources(data: Path, **how: int) -> SourceRows:
    return SourceRows(open_tables(data).connection.con, **how)


def of_table(data: Path, customer_id: str) -> list[dict]:
    table = open_tables(data).transactions
    return table.filter(table.customer_id == customer_id).to_pyarrow().to_pylist()


def told(rows: pa.Table) -> list[str]:
    return sorted(str(row) for row in rows.to_pylist())


@pytest.mark.parametrize("most_bytes", [0, 1_000, 64_000_000])
def test_whatever_is_kept_the_rows_are_those_of_the_table(data: Path, most_bytes: int) -> None:
    kept = sources(data, most_bytes=most_bytes)
    for asked in (CUSTOMERS[:1], CUSTOMERS, CUSTOMERS[1:], ("nobody",), CUSTOMERS):
        found = kept.of(TRANSACTIONS, {one: one for one in asked})
        wanted = sorted(str(row) for one in asked for row in of_table(data, one))
        assert told(found) == wanted
        assert found.schema.names == list(TRANSACTIONS.names)


def test_rows_are_told_under_the_id_that_they_are_counted_for(data: Path) -> None:
    kept = sources(data)
    for owner in ("007", "b"):
        found = kept.of(TRANSACTIONS, {"007": owner, "b": owner})
        assert set(found["customer_id"].to_pylist()) == {owner}
        assert len(found) == len(of_table(data, "007")) + len(of_table(data, "b"))


def test_who_was_read_is_not_read_again_and_has_rows_of_each_table_of_its_own(data: Path) -> None:
    opened = open_tables(data)
    kept = SourceRows(opened.connection.con)
    bought = kept.of(TRANSACTIONS, {"007": "007"})
    met = kept.of(TOUCHPOINTS, {"007": "007"})
    for name in ("transactions", "touchpoints"):
        opened.connection.con.execute(f'DROP VIEW IF EXISTS "{name}"')
    assert kept.of(TRANSACTIONS, {"007": "007"}) == bought
    assert kept.of(TOUCHPOINTS, {"007": "007"}) == met


def test_beyond_its_size_who_was_not_asked_for_the_longest_time_is_read_again(data: Path) -> None:
    opened = open_tables(data)
    size = sum(sources(data).of(TRANSACTIONS, {one: one}).nbytes for one in ("007", "b"))
    kept = SourceRows(opened.connection.con, most_bytes=size)
    kept.of(TRANSACTIONS, {"007": "007"})
    kept.of(TRANSACTIONS, {"b": "b"})
    kept.of(TRANSACTIONS, {"007": "007"})
    kept.of(TRANSACTIONS, {"c": "c"})
    opened.connection.con.execute('DROP VIEW "transactions"')
    with pytest.raises(Exception, match="transactions"):
        kept.of(TRANSACTIONS, {"b": "b"})
