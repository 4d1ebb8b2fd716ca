from __future__ import annotations

from pathlib import Path

import pytest
from small_source import HEADER, NOW, ingest, write, write_parquet

from features.canonical.ingest import ingest_folder
from features.errors import DataError


def test_a_folder_without_events_is_refused_with_the_nearest_name(source: Path) -> None:
    write(source, "transaction.csv", HEADER, "1,1,a,2024-01-01,2")
    with pytest.raises(DataError, match="neither transactions nor touchpoints.*'transactions'"):
        ingest(source)


def test_tables_of_events_without_a_row_are_refused(source: Path) -> None:
    write(source, "transactions.csv", HEADER)
    with pytest.raises(DataError, match="no event is left to load"):
        ingest(source)


def test_when_every_event_is_rejected_the_first_one_is_named(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2025-01-01,2")
    with pytest.raises(DataError, match=r"first transactions\.csv row 1, timestamp.*in_the_future"):
        ingest(source)
    listed = (source.parent / "rejected.csv").read_text()
    assert "transactions.csv,1,timestamp,2025-01-01,in_the_future" in listed


def test_an_empty_file_is_refused(source: Path) -> None:
    (source / "transactions.csv").touch()
    with pytest.raises(DataError, match=r"transactions\.csv: empty file"):
        ingest(source)


def test_a_csv_without_a_required_column_is_refused_by_file_and_column(source: Path) -> None:
    write(source, "transactions.csv", "transaction_id,customer_id,timestamp,ammount", "1,a,2,3")
    with pytest.raises(DataError, match=r"transactions\.csv.*'amount'.*did you mean 'ammount'"):
        ingest(source)


def test_a_csv_without_a_header_is_refused(source: Path) -> None:
    write(source, "transactions.csv", "1,1,a,2024-01-01,2", "2,2,a,2024-01-01,2")
    with pytest.raises(DataError, match=r"transactions\.csv.*(header twice|is the first line)"):
        ingest(source)


@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_a_truncated_parquet_is_refused_by_name(source: Path, kept: int) -> None:
    path = source / "transactions.parquet"
    write_parquet(path, "SELECT 1 AS transaction_id, 'a' AS customer_id")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"transactions\.parquet: not readable as parquet"):
        ingest(source)


def test_a_parquet_with_damaged_pages_is_refused_by_name(source: Path) -> None:
    path = source / "transactions.parquet"
    write_parquet(
        path,
        "SELECT i AS transaction_id, 1 AS line_id, 'a' || i AS customer_id, "
        "TIMESTAMP '2024-01-01' AS timestamp, i * 1.5 AS amount FROM range(5000) AS t(i)",
    )
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"transactions\.parquet"):
        ingest(source)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        ingest_folder(tmp_path / "nowhere", tmp_path / "target", NOW)


def test_a_failed_ingest_leaves_the_former_data_as_they_were(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    ingest(source)
    target = source.parent / "target"
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,3")
    write(source, "customers.csv", "client", "a")
    with pytest.raises(DataError, match="customer_id"):
        ingest(source)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert sorted(path.name for path in source.parent.iterdir()) == ["source", "target"]
