"""Customers are taken out of files, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.erasure import erase_from_folder, ids_in_folder
from features.errors import DataError


def table(path: Path, **columns: list[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_rows_of_the_customers_go_and_all_others_stay_in_order(tmp_path: Path) -> None:
    path = table(tmp_path / "a" / "t.parquet", customer_id=["7", "07", "8", "7"], x=[1, 2, 3, 4])
    untouched = table(tmp_path / "u.parquet", customer_id=["70", "8"], x=[1, 2])
    before = untouched.read_bytes()
    assert erase_from_folder(tmp_path, ["7", "9"]) == {"a/t.parquet": 2}
    left = pq.read_table(path)
    assert left.to_pydict() == {"customer_id": ["07", "8"], "x": [2, 3]}
    assert untouched.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["t.parquet"]
    assert erase_from_folder(tmp_path, ["7"]) == {}


def test_the_statistics_of_a_table_do_not_name_the_customer_either(tmp_path: Path) -> None:
    ids = ["a-smallest-of-all", *(f"customer-{number}" for number in range(1_000))]
    path = table(tmp_path / "t.parquet", customer_id=ids)
    assert b"a-smallest-of-all" in path.read_bytes()
    erase_from_folder(tmp_path, ["a-smallest-of-all"])
    assert b"a-smallest-of-all" not in path.read_bytes()
    assert pq.read_table(path)["customer_id"].to_pylist() == ids[1:]


def test_a_table_in_small_pieces_stays_in_small_pieces(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"customer_id": [str(n) for n in range(100)]}), path, row_group_size=10)
    erase_from_folder(tmp_path, ["7"])
    found = pq.ParquetFile(path).metadata
    assert [found.row_group(at).num_rows for at in range(found.num_row_groups)] == [9] + [10] * 9


def test_rejected_rows_that_name_the_customer_go(tmp_path: Path) -> None:
    row = {"file": "f", "row": 1, "column": "amount", "reason": "not_a_number"}
    values = ["7", "x"]
    columns = {name: [value] * 2 for name, value in row.items()} | {"value": values}
    table(tmp_path / "rejects.parquet", **columns)
    lines = ["file,row,column,value,reason", "f,1,customer_id,7,r", 'f,2,note,"a, 7",r']
    (tmp_path / "rejects.csv").write_text("\n".join(lines) + "\n")
    assert erase_from_folder(tmp_path, ["7"]) == {"rejects.csv": 1, "rejects.parquet": 1}
    assert (tmp_path / "rejects.csv").read_text() == f"{lines[0]}\n{lines[2]}\n"


def test_lines_of_json_that_name_the_customer_go(tmp_path: Path) -> None:
    lines = ['{"customer_id": "7"}\n', '{"customer_id": "77", "n": 7}\n']
    (tmp_path / "outbox.jsonl").write_text("".join(lines))
    assert erase_from_folder(tmp_path, ["7"]) == {"outbox.jsonl": 1}
    assert (tmp_path / "outbox.jsonl").read_text() == lines[1]


def test_a_table_that_cannot_be_read_is_named_and_left(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"broken\.parquet.*cannot be taken out"):
        erase_from_folder(tmp_path, ["7"])
    assert path.read_bytes() == b"not parquet"


def test_a_folder_that_is_not_there_has_nobody_in_it(tmp_path: Path) -> None:
    assert erase_from_folder(tmp_path / "nowhere", ["7"]) == {}


def test_the_customers_of_a_folder_are_those_of_all_its_tables(tmp_path: Path) -> None:
    table(tmp_path / "t.parquet", customer_id=["7", None, "7"])
    table(tmp_path / "u.parquet", customer_id=["07"])
    table(tmp_path / "actions.parquet", action_id=["8"])
    assert ids_in_folder(tmp_path) == {"7", "07"}
