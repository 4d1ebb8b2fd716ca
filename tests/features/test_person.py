"""A person sees the rows of the tables that are theirs, whatever type of text the file has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from features.layout import Layout
from features.person import named_values, source_rows
from features.profiles import no_profile


@pytest.mark.parametrize("text", [pa.string(), pa.large_string()])
def test_rows_of_all_ids_come_back_with_aware_times(tmp_path: Path, text: pa.DataType) -> None:
    at = datetime(2018, 1, 1, 6)
    columns = {"customer_id": pa.array(["7", "8", "9"], text), "timestamp": pa.array([at] * 3)}
    pq.write_table(pa.table(columns), tmp_path / "transactions.parquet")
    pq.write_table(pa.table({"action_id": ["7"]}), tmp_path / "actions.parquet")
    found = source_rows(tmp_path, ["9", "7", "nobody"])
    assert [row["customer_id"] for row in found["transactions"]] == ["7", "9"]
    assert found["transactions"][0]["timestamp"] == at.replace(tzinfo=UTC)
    assert found.keys() == {"transactions"}
    pq.write_table(pa.table({"customer_id": pa.nulls(0)}), tmp_path / "consents.parquet")
    assert source_rows(tmp_path, ["nobody"]) == {}


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "touchpoints.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match=r"touchpoints\.parquet"):
        source_rows(tmp_path, ["7"])


def test_a_profile_is_told_by_name_without_what_is_missing_or_usual() -> None:
    layout = Layout.of(("RICE", "TEA"), ("tea",))
    profiles = no_profile(layout, "7")
    layout.scalar_block(profiles.vectors)[0, 0] = 5.0
    at = layout.category_features.index("category_trips_all")
    layout.category_block(profiles.vectors)[0, 1, at] = 3.0
    told = named_values(profiles)
    assert told["customer"] == {"profile_at": datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)}
    assert told["categories"] == {"TEA": {"category_trips_all": 3.0}} and told["actions"] == {}
    assert set(told["meanings"]) == {"category_trips_all"}
    assert np.isnan(profiles.vectors).sum() == layout.size - 2
