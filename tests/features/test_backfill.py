from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_world import AS_OF, LINES, TOUCHES, write_world

from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import FeatureError
from features.known_actions import layout_of, with_actions
from features.layout import Layout

CUSTOMERS = np.array(["007", "b"], dtype=object)
EARLIER = np.datetime64("2024-01-20", "us")


def run(world: Tables, folder: Path, told: list[tuple[int, int]] | None = None):
    now = Spine(CUSTOMERS, np.repeat(AS_OF, 2))
    history = Spine(np.tile(CUSTOMERS, 2), np.repeat(np.array([EARLIER, AS_OF]), 2))
    return backfill(
        build.prepare(world),
        layout_of(world),
        Calendar(),
        history,
        now,
        folder,
        lambda done, total: told.append((done, total)) if told is not None else None,
    )


def test_a_pair_asked_for_twice_is_computed_once(world: Tables, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    report = run(world, tmp_path / "features", told)
    assert report.profile_rows == 4
    assert told == [(4, 4)]
    assert report.rows_per_second > 0


def test_only_the_newest_row_of_each_customer_is_packed_for_the_request_path(
    world: Tables, tmp_path: Path
) -> None:
    run(world, tmp_path / "features")
    vectors = pq.read_table(tmp_path / "features" / "vector.parquet").to_pylist()
    assert sorted(row["customer_id"] for row in vectors) == ["007", "b"]
    layout = Layout.load(tmp_path / "features" / "layout.json")
    assert {row["layout"] for row in vectors} == {layout.hash}
    assert {len(row["vector"]) for row in vectors} == {8 * layout.size}


def test_a_row_could_have_been_known_at_its_own_time(world: Tables, tmp_path: Path) -> None:
    run(world, tmp_path / "features")
    rows = pq.read_table(tmp_path / "features" / "profile.parquet").to_pylist()
    assert all(row["created"] == row["as_of"] for row in rows)


def test_a_failed_backfill_leaves_the_former_files(
    world: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(world, tmp_path / "features")
    before = {p.name: p.read_bytes() for p in (tmp_path / "features").iterdir()}

    def fail(*_: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(build, "action_popularity", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        run(world, tmp_path / "features")
    assert {p.name: p.read_bytes() for p in (tmp_path / "features").iterdir()} == before


def test_without_customers_there_is_nothing_to_build(tmp_path: Path) -> None:
    world = write_world(tmp_path / "data", [], [])
    nobody = Spine(np.array([], dtype=object), np.array([], dtype="datetime64[us]"))
    with pytest.raises(FeatureError, match="no customers"):
        backfill(
            build.prepare(world),
            layout_of(world),
            Calendar(),
            nobody,
            nobody,
            tmp_path / "features",
        )


def test_transactions_alone_or_touchpoints_alone_are_enough(tmp_path: Path) -> None:
    for name, lines, touches in (("t", LINES, []), ("p", [], TOUCHES)):
        world = write_world(tmp_path / name, lines, touches)
        assert run(world, tmp_path / name / "features").profile_rows == 4


def test_popularity_sees_nothing_of_its_own_day(world: Tables, tmp_path: Path) -> None:
    midnight = np.array([np.datetime64("2024-03-09", "us")])
    later = [("c", "t9", "1", "2024-03-09 00:00", "i1", "TEA", "DRINKS", 99.0, 0.0, 0.0, "web")]
    touched = [("z", "b", "2024-03-09 00:00", "web", "accepted", "tea", None, None)]
    busier = write_world(tmp_path, LINES + later, TOUCHES + touched)
    before, after = (
        build.action_popularity(build.prepare(tables), Calendar(), midnight)
        .sort_by("action_id")
        .to_pylist()
        for tables in (world, busier)
    )
    assert before == after


def test_a_catalogs_actions_join_those_of_the_data(world: Tables) -> None:
    exported = [
        {"action_id": "jam", "name": "Jam", "category": "JAM", "valid_from": None},
        {"action_id": "tea", "name": "Tea", "category": "TEA"},
    ]
    merged = with_actions(world, exported)
    rows = {row["action_id"]: row for row in merged.actions.to_pyarrow().to_pylist()}
    assert sorted(rows) == ["bread", "jam", "tea"]
    assert rows["tea"]["items"] == ["i1", "i2"]
    assert layout_of(merged).categories == ("BREAD", "JAM", "TEA")


def test_a_second_build_at_the_same_time_is_refused_and_the_first_goes_on(
    world: Tables, tmp_path: Path
) -> None:
    folder = tmp_path / "features"
    refused: list[str] = []

    def begin_another(done: int, total: int) -> None:
        with pytest.raises(FeatureError, match="another build") as told:
            run(world, folder)
        refused.append(str(told.value))

    now = Spine(CUSTOMERS, np.repeat(AS_OF, 2))
    backfill(build.prepare(world), layout_of(world), Calendar(), now, now, folder, begin_another)
    assert len(refused) == 1
    assert Layout.load(folder / "layout.json") == layout_of(world)
