from __future__ import annotations

from pathlib import Path

import pytest

from features.canonical.reader import FILE, ROW, connect, find_sources, open_source
from features.errors import DataError


def read(folder: Path, name: str) -> list[tuple[object, ...]]:
    connection = connect(folder / "spill")
    relation = open_source(connection, find_sources(folder)[name])
    columns = ", ".join(f'"{column}"' for column in relation.columns)
    query = f"SELECT {FILE}, {ROW}, {columns} FROM {relation.name} ORDER BY {FILE}, {ROW}"
    return connection.execute(query).fetchall()


def malformed(folder: Path, name: str) -> list[tuple[object, ...]]:
    connection = connect(folder / "spill")
    relation = open_source(connection, find_sources(folder)[name])
    query = f"SELECT {ROW}, problem FROM {relation.malformed} ORDER BY {ROW}"
    return connection.execute(query).fetchall()


def test_rows_keep_their_number_when_malformed_lines_lie_between_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,b\n1,2\n3,4,5\n6\n7,"x\ny"\n8,9\n1,2,3\n')
    assert read(tmp_path, "t") == [
        ("t.csv", 1, "1", "2"),
        ("t.csv", 4, "7", "x\ny"),
        ("t.csv", 5, "8", "9"),
    ]
    assert malformed(tmp_path, "t") == [
        (2, "TOO MANY COLUMNS"),
        (3, "MISSING COLUMNS"),
        (6, "TOO MANY COLUMNS"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "t.csv").write_text(f"a{delimiter}b\r\n1{delimiter}2\r\n")
    assert read(tmp_path, "t") == [("t.csv", 1, "1", "2")]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert read(tmp_path, "t") == [("t.csv", 1, "1", "2")]


def test_a_line_that_is_not_utf8_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\nM\u00fcller,3\n4,5\n".encode("latin-1"))
    assert [row[1] for row in read(tmp_path, "t")] == [1, 3]
    assert malformed(tmp_path, "t") == [(2, "INVALID ENCODING")]


def test_the_parts_of_a_folder_number_their_own_rows(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    connection = connect(tmp_path / "spill")
    for part in ("p1", "p2"):
        query = f"SELECT '{part}' AS a, i AS b FROM range(2) AS t(i)"
        connection.execute(f"COPY ({query}) TO '{tmp_path}/t/{part}.parquet' (FORMAT parquet)")
    assert read(tmp_path, "t") == [
        ("t/p1.parquet", 1, "p1", 0),
        ("t/p1.parquet", 2, "p1", 1),
        ("t/p2.parquet", 1, "p2", 0),
        ("t/p2.parquet", 2, "p2", 1),
    ]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "p1.parquet").write_text("PAR1 and nothing else")
    with pytest.raises(DataError, match=r"p1\.parquet: not readable as parquet"):
        read(tmp_path, "t")


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n")
    (tmp_path / "t.parquet").write_text("")
    with pytest.raises(DataError, match="t is there twice"):
        find_sources(tmp_path)


def test_a_quote_in_a_name_stays_a_name(tmp_path: Path) -> None:
    (tmp_path / "it's.csv").write_text("a'b\n1\n")
    assert read(tmp_path, "it's") == [("it's.csv", 1, "1")]


@pytest.mark.parametrize(
    ("header", "message"),
    [("a,b,a", "'a' is in the header twice"), ("a,,b", "column 2 of the header has no name")],
)
def test_an_unusable_header_is_refused(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(header + "\n1,2,3\n")
    with pytest.raises(DataError, match=message):
        read(tmp_path, "t")
