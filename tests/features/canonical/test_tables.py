from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features.canonical.schemas import SCHEMAS
from features.canonical.tables import empty_schema, known_customers, open_tables
from features.errors import DataError


def write(folder: Path, table: str, query: str) -> None:
    duckdb.connect().execute(f"COPY ({query}) TO '{folder}/{table}.parquet' (FORMAT parquet)")


def test_absent_tables_are_empty_and_complete(tmp_path: Path) -> None:
    tables = open_tables(tmp_path)
    for name, schema in SCHEMAS.items():
        table = getattr(tables, name)
        assert table.schema() == empty_schema(schema)
        assert table.count().execute() == 0


def test_columns_that_the_source_lacked_are_null_with_their_type(tmp_path: Path) -> None:
    write(tmp_path, "actions", "SELECT 'x' AS action_id, 'Tea' AS name, 3.0::DOUBLE AS reach")
    actions = open_tables(tmp_path).actions
    assert actions.columns == (*SCHEMAS["actions"].names, "reach")
    assert str(actions.schema()["items"]) == "array<string>"
    assert actions["items"].isnull().all().execute()
    assert actions["reach"].max().execute() == 3.0


def test_customers_known_only_from_their_events_are_customers(tmp_path: Path) -> None:
    write(tmp_path, "customers", "SELECT 'b' AS customer_id, 40.0::DOUBLE AS age")
    write(tmp_path, "transactions", "SELECT unnest(['c', 'a', 'b', 'a']) AS customer_id")
    write(tmp_path, "touchpoints", "SELECT 'd' AS customer_id")
    write(tmp_path, "identities", "SELECT 'e' AS customer_id")
    known = known_customers(open_tables(tmp_path)).execute()
    assert list(known["customer_id"]) == ["a", "b", "c", "d", "e"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        open_tables(tmp_path / "nowhere")


def test_a_damaged_table_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "actions.parquet").write_text("PAR1 and nothing else")
    with pytest.raises(DataError, match=r"actions\.parquet: not readable as parquet"):
        open_tables(tmp_path)
