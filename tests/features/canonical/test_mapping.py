from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from features.canonical.ingest import ingest_folder
from features.canonical.mapping import Mapping, read_mapping
from features.clock import FixedClock
from features.errors import DataError

NOW = FixedClock(datetime(2024, 6, 1, 12, tzinfo=UTC))
EXAMPLE = Path(__file__).parents[3] / "configs" / "mapping.example.yaml"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return tmp_path / "mapping.yaml"


def load(tmp_path: Path, table: str, *columns: str) -> list[tuple[object, ...]]:
    source, target = tmp_path / "source", tmp_path / "target"
    ingest_folder(source, target, NOW, tmp_path / "mapping.yaml")
    query = f"SELECT {', '.join(columns)} FROM '{target}/{table}.parquet' ORDER BY ALL"
    return duckdb.connect().execute(query).fetchall()


def write(tmp_path: Path, name: str, *lines: str) -> None:
    (tmp_path / "source").mkdir(exist_ok=True)
    (tmp_path / "source" / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: {}", r"mapping\.yaml: tabels: unknown key 'tabels'; did you mean 'tables'"),
        ("tables: {transaction: {}}", "tables.transaction: no such table; did you mean 'transac"),
        ("tables: {transactions: {colums: {}}}", "unknown key 'colums'; did you mean 'columns'"),
        (
            "tables: {transactions: {columns: {ammount: price}}}",
            "tables.transactions: no such column 'ammount'; did you mean 'amount'",
        ),
        (
            "tables: {transactions: {constants: {chanel: web}}}",
            "no such column 'chanel'; did you mean 'channel'",
        ),
        (
            "tables: {transactions: {columns: {amount: {factr: 2}}}}",
            "unknown key 'factr'; did you mean 'factor'",
        ),
        ("time_zone: Europe/Berln", "time_zone: .*did you mean 'Europe/Berlin'"),
        ("tables: {transactions: {columns: {timestamp: {origin: 2017-01-01}}}}", "needs a unit"),
        (
            "tables: {transactions: {columns: "
            "{timestamp: {unit: days, origin: 2017-01-01T00:00:00+02:00}}}}",
            "takes no offset",
        ),
        (
            "tables: {transactions: {columns: {timestamp: {unit: weeks}}}}",
            r"columns\.timestamp\.unit: .*'weeks'",
        ),
        ("tables: [", "not a readable YAML file"),
        ("- a", "value"),
    ],
)
def test_a_fault_in_the_mapping_is_named_with_the_nearest_valid_key(
    mapping: Path, text: str, message: str
) -> None:
    mapping.write_text(text)
    with pytest.raises(DataError, match=message):
        read_mapping(mapping)


def test_a_mapping_that_is_not_there_is_refused(mapping: Path) -> None:
    with pytest.raises(DataError, match=r"mapping\.yaml: not a readable YAML file"):
        read_mapping(mapping)


def test_an_empty_mapping_changes_nothing(mapping: Path) -> None:
    mapping.write_text("")
    assert read_mapping(mapping) == Mapping()


def test_the_example_can_be_read() -> None:
    assert set(read_mapping(EXAMPLE).tables) == {"transactions", "touchpoints", "customers"}


def test_files_columns_constants_and_factors_are_mapped(mapping: Path, tmp_path: Path) -> None:
    mapping.write_text(
        """
        tables:
          transactions:
            file: receipts
            columns:
              transaction_id: receipt
              customer_id: card
              timestamp: sold_at
              amount: {from: cents, factor: 0.01}
            constants: {channel: store}
        """
    )
    write(tmp_path, "receipts.csv", "receipt,card,sold_at,cents,quantity", "1,a,2024-01-01,250,2")
    columns = ("transaction_id", "customer_id", "amount", "channel", "quantity")
    assert load(tmp_path, "transactions", *columns) == [("1", "a", 2.5, "store", 2.0)]


def test_two_files_may_feed_one_table(mapping: Path, tmp_path: Path) -> None:
    mapping.write_text(
        """
        tables:
          touchpoints:
            - {file: shown, constants: {type: presented}}
            - {file: clicks, constants: {type: clicked}}
        """
    )
    header = "touchpoint_id,customer_id,timestamp,channel"
    write(tmp_path, "shown.csv", header, "1,a,2024-01-01,web")
    write(tmp_path, "clicks.csv", header, "2,a,2024-01-02,web")
    assert load(tmp_path, "touchpoints", "touchpoint_id", "type") == [
        ("1", "presented"),
        ("2", "clicked"),
    ]


def test_sentinel_values_become_missing(mapping: Path, tmp_path: Path) -> None:
    mapping.write_text(
        """
        missing: [n/a]
        tables:
          customers:
            columns:
              age: {missing: [118]}
        """
    )
    write(
        tmp_path,
        "transactions.csv",
        "transaction_id,customer_id,timestamp,amount",
        "1,a,2024-01-01,1",
    )
    write(tmp_path, "customers.csv", "customer_id,age,city", "a,118,n/a", "b,118.0,Ulm", "c,40,Ulm")
    assert load(tmp_path, "customers", "customer_id", "age", "city") == [
        ("a", None, None),
        ("b", None, "Ulm"),
        ("c", 40.0, "Ulm"),
    ]


def test_a_sentinel_in_a_required_column_rejects_the_row(mapping: Path, tmp_path: Path) -> None:
    mapping.write_text("tables: {transactions: {columns: {customer_id: {missing: ['0']}}}}")
    header = "transaction_id,customer_id,timestamp,amount"
    write(tmp_path, "transactions.csv", header, "1,0,2024-01-01,1", "2,00,2024-01-01,1")
    assert load(tmp_path, "transactions", "customer_id") == [("00",)]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{file: recipts}", r"mapping\.yaml: tables\.transactions: no file recipts.*'receipts'"),
        (
            "{file: receipts, columns: {amount: prise}}",
            r"mapping\.yaml: column 'amount' comes from 'prise'.*did you mean 'price'",
        ),
    ],
)
def test_a_mapping_to_what_the_source_lacks_is_refused(
    mapping: Path, tmp_path: Path, entry: str, message: str
) -> None:
    mapping.write_text(f"tables: {{transactions: {entry}}}")
    write(
        tmp_path, "receipts.csv", "transaction_id,customer_id,timestamp,price", "1,a,2024-01-01,1"
    )
    with pytest.raises(DataError, match=message):
        load(tmp_path, "transactions", "amount")


def test_german_numbers_are_read_where_the_mapping_says_so(tmp_path: Path, mapping: Path) -> None:
    write(
        tmp_path,
        "bons.csv",
        "transaction_id;customer_id;timestamp;amount",
        "t1;1;2024-01-01;1,23",
        "t2;1;2024-01-02;1.234,50",
        "t3;1;2024-01-03;-7",
    )
    mapping.write_text("tables: {transactions: {file: bons, columns: {amount: {decimal: ','}}}}\n")
    assert load(tmp_path, "transactions", "amount") == [(-7.0,), (1.23,), (1234.5,)]


def test_another_sign_than_comma_or_point_is_refused(tmp_path: Path, mapping: Path) -> None:
    mapping.write_text("tables: {transactions: {columns: {amount: {decimal: ';'}}}}\n")
    with pytest.raises(DataError, match="decimal"):
        read_mapping(mapping)
