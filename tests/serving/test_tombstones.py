"""Who was erased is kept out of tables that bring them again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from decisioning.ledger.open import open_ledger
from serving.tombstones import apply_tombstones


def subject(customer_id: str) -> str:
    return f"hash of {customer_id}"


def test_only_the_erased_are_taken_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(pa.table({"customer_id": ["7", "8", "7"]}), data / "transactions.parquet")
    with open_ledger(tmp_path / "ledger.db") as ledger:
        assert apply_tombstones(ledger.rights, [data], subject) == 0
        ledger.rights.forget(["7"], [subject("7")], 5.0)
        assert apply_tombstones(ledger.rights, [data, tmp_path / "nowhere"], subject) == 2
        assert apply_tombstones(ledger.rights, [data], subject) == 0
    kept = pq.read_table(data / "transactions.parquet")
    assert kept.to_pydict() == {"customer_id": ["8"]}
