"""Erases a person from every store, and can be repeated where it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisioning.ledger.open import open_ledger
from features.errors import DataError
from serving.erasing import Erased, erase


def test_one_that_fails_in_the_middle_reaches_every_id_when_it_is_repeated(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "broken.parquet").write_bytes(b"no")
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.people.merge("anonymous:a", "7", 1.0, "test").result(10)

        def ask() -> Erased:
            ids = ledger.people.people(["7"])["7"]
            return erase(ids, ["hash"], 5.0, ledger.rights, tmp_path, lambda _: 0)

        with pytest.raises(DataError):
            ask()
        assert dict(ledger.rights.erased()) == {"hash": 5.0}
        (data / "broken.parquet").unlink()
        assert ask().customer_ids == ("7", "anonymous:a")
        assert ledger.rights.everything_of(["7", "anonymous:a"]).rows == 0
