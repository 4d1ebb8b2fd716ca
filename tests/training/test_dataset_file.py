"""The file of a data set: what another program reads of it."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from learning_plans import Plan, Told
from learning_shop import DAY, INPUTS, START
from learning_world import World

from decisioning.ledger.open import open_ledger
from decisioning.ledger.reading import open_reader
from features.errors import DataError
from training.dataset_file import REPORT_KEY, report_of, write_dataset
from training.frozen import Wanted
from training.logged import LoggedRows, read_log
from training.reconciliation import Reconciliation, reconciliation_table

NOW = START + 9 * DAY
WANTED = Wanted(INPUTS, {})


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedRows:
    place = tmp_path_factory.mktemp("log") / "ledger.db"
    with open_ledger(place) as ledger:
        world = World(ledger, NOW)
        yes = Plan(told=(Told("accepted", 0.1, value=2.0),))
        world.live(world.new, START, "007", lambda _, a, __: yes if a == "tea" else Plan())
        world.finish()
        reader = open_reader(place)
        assert reader is not None
        with reader:
            return read_log(reader, WANTED, 0.0, NOW, NOW)


def test_the_file_holds_rows_inputs_by_name_and_the_report(
    logged: LoggedRows, tmp_path: Path
) -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    report = report_of(logged, WANTED, "offers", now, "", "")
    path, beside = write_dataset(logged, report, tmp_path / "new" / "rows.parquet")
    table = pq.read_table(path)
    assert json.loads(table.schema.metadata[REPORT_KEY]) == json.loads(beside.read_text()) == report
    rows = {row["action_id"]: row for row in table.to_pylist()}
    assert {name: (row["state"], row["grade"]) for name, row in rows.items()} == {
        "rice": ("implicit_negative", 0.0), "soap": ("open", None), "tea": ("positive", 1.0),
    }  # fmt: skip
    assert rows["tea"]["decided_at"] == datetime.fromtimestamp(START, UTC)
    inputs = table.select([f"x.{name}" for name in INPUTS]).to_pandas().to_numpy()
    np.testing.assert_array_equal(inputs, logged.inputs.x)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, beside)] == [0o600, 0o600]
    assert {one.name for one in path.parent.iterdir()} == {"rows.parquet", "rows.json"}


def test_each_total_is_the_sum_of_its_parts(logged: LoggedRows) -> None:
    told = logged.reconciliation.as_dict()
    for name in ("decisions", "rows", "outcomes"):
        parts = dict(told[name])
        assert parts.pop("total") == sum(parts.values()) > 0
    assert reconciliation_table(told).row_count == 25


def test_a_report_that_does_not_add_up_is_refused() -> None:
    lost = Reconciliation()
    lost.totals["decisions"] = 2
    lost.parts["decisions"]["shown"] = 1
    with pytest.raises(DataError, match="2 decisions, but"):
        lost.check()
    unnamed = Reconciliation()
    unnamed.totals["rows"] = unnamed.parts["rows"]["maybe"] = 1
    with pytest.raises(DataError, match="maybe"):
        unnamed.check()
