from __future__ import annotations

import json
import shutil
from pathlib import Path

from small_source import HEADER, NOW, ingest, rejects, rows, write, write_parquet

from features.canonical.ingest import ingest_folder
from features.canonical.tables import open_tables


def test_a_row_with_a_negative_amount_is_kept_as_a_return(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,-3.5")
    assert ingest(source).tables["transactions"].loaded == 1
    assert rows(source, "transactions", "amount") == [(-3.5,)]


def test_each_faulty_row_is_rejected_with_file_row_column_value_and_reason(source: Path) -> None:
    write(
        source,
        "transactions.csv",
        HEADER,
        "1,1,a,2024-01-01,2",
        "2,1,a,2024-06-01T12:00:01Z,2",
        "3,1,a,2024-01-01,NaN",
        "4,1,a,2024-01-01,much",
        "5,1,a,yesterday,2",
        "6,1,,2024-01-01,2",
        "7,1,a,2024-01-01,",
    )
    report = ingest(source)
    assert rejects(source) == [
        ("transactions.csv", 2, "timestamp", "2024-06-01T12:00:01Z", "in_the_future"),
        ("transactions.csv", 3, "amount", "NaN", "not_a_number"),
        ("transactions.csv", 4, "amount", "much", "not_a_number"),
        ("transactions.csv", 5, "timestamp", "yesterday", "not_a_time"),
        ("transactions.csv", 6, "customer_id", None, "missing_value"),
        ("transactions.csv", 7, "amount", None, "missing_value"),
    ]
    assert report.tables["transactions"].loaded == 1
    assert report.tables["transactions"].rejected == {
        "in_the_future": 1,
        "missing_value": 2,
        "not_a_number": 2,
        "not_a_time": 1,
    }
    readable = (source.parent / "target" / "rejects.csv").read_text().splitlines()
    assert readable[0] == "file,row,column,value,reason"
    assert len(readable) == 7


def test_a_nan_amount_in_parquet_is_rejected_and_a_nan_quantity_is_missing(source: Path) -> None:
    write_parquet(
        source / "transactions.parquet",
        "SELECT id AS transaction_id, 1 AS line_id, 'a' AS customer_id, "
        "TIMESTAMP '2024-01-01' AS timestamp, CASE id WHEN 1 THEN 'nan'::DOUBLE ELSE 2 END "
        "AS amount, 'nan'::DOUBLE AS quantity FROM range(1, 3) AS t(id)",
    )
    ingest(source)
    assert rejects(source) == [("transactions.parquet", 1, "amount", "nan", "not_a_number")]
    assert rows(source, "transactions", "transaction_id", "quantity") == [("2", None)]


def test_an_event_at_the_clocks_own_moment_is_not_in_the_future(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-06-01 12:00:00,2")
    assert ingest(source).tables["transactions"].loaded == 1


def test_an_identical_duplicate_is_dropped_and_a_conflicting_one_rejected_whole(
    source: Path,
) -> None:
    write(
        source,
        "transactions.csv",
        HEADER,
        *("1,1,a,2024-01-01,2", "1,1,a,2024-01-01,2", "1,1,a,2024-01-01,2"),
        *("2,1,a,2024-01-01,2", "2,1,a,2024-01-01,3", "3,1,a,2024-01-01,2"),
    )
    table = ingest(source).tables["transactions"]
    assert (table.read, table.loaded, table.dropped_duplicates) == (6, 2, 2)
    assert rejects(source) == [
        ("transactions.csv", 4, "transaction_id, line_id", "2, 1", "conflicting_duplicate"),
        ("transactions.csv", 5, "transaction_id, line_id", "2, 1", "conflicting_duplicate"),
    ]
    assert rows(source, "transactions", "transaction_id") == [("1",), ("3",)]


def test_customers_that_differ_in_an_attribute_alone_conflict(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    write(source, "customers.csv", "customer_id,city", "a,Ulm", "a,Bonn", "b,Ulm")
    assert ingest(source).tables["customers"].rejected == {"conflicting_duplicate": 2}


def test_a_missing_line_id_is_counted_within_its_transaction(source: Path) -> None:
    write(
        source,
        "transactions.csv",
        "transaction_id,customer_id,timestamp,amount",
        *("7,a,2024-01-01,1", "8,a,2024-01-02,2", "7,a,2024-01-01,3"),
    )
    ingest(source)
    assert rows(source, "transactions", "transaction_id", "line_id", "amount") == [
        ("7", "1", 1.0),
        ("7", "2", 3.0),
        ("8", "1", 2.0),
    ]


def test_ids_keep_their_leading_zeros_and_integers_become_their_digits(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "007,1,0042,2024-01-01,2")
    write_parquet(
        source / "touchpoints.parquet",
        "SELECT 12345678901 AS touchpoint_id, 7.0::DOUBLE AS customer_id, "
        "DATE '2024-01-01' AS timestamp, 'web' AS channel, 'clicked' AS type",
    )
    ingest(source)
    assert rows(source, "transactions", "transaction_id", "customer_id") == [("007", "0042")]
    assert rows(source, "touchpoints", "touchpoint_id", "customer_id") == [("12345678901", "7")]


def test_touchpoints_have_known_types_and_ratings_from_one_to_ten(source: Path) -> None:
    write(
        source,
        "touchpoints.csv",
        "touchpoint_id,customer_id,timestamp,channel,type,rating",
        "1,a,2024-01-01,web,rated,10",
        "2,a,2024-01-01,web,rated,11",
        "3,a,2024-01-01,web,rated,0.5",
        "4,a,2024-01-01,web,waved,",
        "5,a,2024-01-01,web,complaint,",
    )
    ingest(source)
    assert [row[1:] for row in rejects(source)] == [
        (2, "rating", "11", "out_of_range"),
        (3, "rating", "0.5", "out_of_range"),
        (4, "type", "waved", "unknown_type"),
    ]
    assert rows(source, "touchpoints", "touchpoint_id") == [("1",), ("5",)]


def test_an_amount_that_no_exact_sum_can_hold_is_rejected(source: Path) -> None:
    write(
        source,
        "transactions.csv",
        f"{HEADER},discount",
        "1,1,a,2024-01-01,1e13,0",
        "2,1,a,2024-01-01,10000000000001,0",
        "3,1,a,2024-01-01,-1e14,0",
        "4,1,a,2024-01-01,1,-2e13",
    )
    ingest(source)
    assert [row[1:] for row in rejects(source)] == [
        (2, "amount", "10000000000001", "out_of_range"),
        (3, "amount", "-1e14", "out_of_range"),
        (4, "discount", "-2e13", "out_of_range"),
    ]
    assert rows(source, "transactions", "transaction_id") == [("1",)]


def test_a_consent_of_unknown_status_is_rejected(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    write(
        source,
        "consents.csv",
        "customer_id,purpose,channel,status,valid_from",
        "a,marketing,email,granted,2024-01-01",
        "a,marketing,phone,perhaps,2024-01-01",
    )
    ingest(source)
    assert [row[2:] for row in rejects(source)] == [("status", "perhaps", "unknown_status")]


def test_the_items_of_an_action_are_separated_by_semicolons_in_csv(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    write(source, "actions.csv", "action_id,name,items,reach", "x,Tea,007; 8;,12", "y,Call,,3")
    ingest(source)
    assert rows(source, "actions", "action_id", "items", "reach") == [
        ("x", ["007", "8"], 12.0),
        ("y", None, 3.0),
    ]


def test_an_attribute_with_leading_zeros_stays_text(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    write(source, "customers.csv", "customer_id,postcode,age", "a,01067,40", "b,10115,")
    ingest(source)
    assert rows(source, "customers", "postcode", "age") == [("01067", 40.0), ("10115", None)]


def test_touchpoints_alone_are_enough(source: Path) -> None:
    write(
        source,
        "touchpoints.csv",
        "touchpoint_id,customer_id,timestamp,channel,type",
        "1,a,2024-01-01,phone,call",
    )
    ingest(source)
    tables = open_tables(source.parent / "target")
    assert tables.transactions.count().execute() == 0
    assert tables.touchpoints.count().execute() == 1


def test_a_second_ingest_replaces_its_tables_and_leaves_other_files(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    write(source, "customers.csv", "customer_id", "a")
    ingest(source)
    target = source.parent / "target"
    (target / "clock.json").write_text("{}")
    (source / "customers.csv").unlink()
    ingest(source)
    assert not (target / "customers.parquet").exists()
    assert (target / "clock.json").read_text() == "{}"


def test_the_same_source_gives_the_same_digests(source: Path) -> None:
    lines = [f"{i % 97},{i},{i % 13},2024-01-{i % 28 + 1:02},{i}" for i in range(5000)]
    write(source, "transactions.csv", HEADER, *lines)
    first = ingest(source)
    assert ingest(source).digests == first.digests
    write(source, "transactions.csv", HEADER, *reversed(lines))
    assert ingest(source).digests == first.digests
    assert ingest(source).sources != first.sources


def test_the_report_is_written_beside_the_tables(source: Path) -> None:
    write(source, "transactions.csv", HEADER + ",colour", "1,1,a,2024-01-01,2,red")
    write(source, "promotions.csv", "id", "1")
    report = ingest(source)
    written = json.loads((source.parent / "target" / "ingest.json").read_text())
    assert written["tables"]["transactions"]["loaded"] == 1
    assert written["tables"]["transactions"]["unused_columns"] == ["colour"]
    assert written["unused_files"] == ["promotions"]
    assert written["period"] == ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]
    assert written["digests"] == report.digests
    assert written["ingested_at"] == "2024-06-01T12:00:00+00:00"


def test_tables_of_another_source_are_told_when_they_are_replaced(source: Path) -> None:
    told: list[str] = []
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2")
    target, other = source.parent / "target", source.parent / "other"
    shutil.copytree(source, other)
    for folder in (source, source, other):
        ingest_folder(folder, target, NOW, progress=told.append)
    replaced = f"the tables of {source} that lay in {target} are replaced"
    assert [line for line in told if "replaced" in line] == [replaced] == told[-1:]


def test_progress_tells_the_accounts_of_each_table(source: Path) -> None:
    write(source, "transactions.csv", HEADER, "1,1,a,2024-01-01,2", "2,1,a,2025-01-01,2")
    told: list[str] = []
    ingest_folder(source, source.parent / "target", NOW, progress=told.append)
    assert told[0].startswith(
        "transactions: 2 rows read, 1 loaded, 1 rejected (in_the_future 1), 0 duplicates dropped"
    )
