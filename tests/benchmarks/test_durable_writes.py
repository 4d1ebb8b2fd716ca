from pathlib import Path

from benchmarks.durable_writes import measure, measure_floor


def test_both_sides_store_every_outcome(tmp_path: Path) -> None:
    turns = measure(tmp_path, repetitions=1)
    assert len(turns.ours.wall) == len(turns.baseline.wall) == 1


def test_the_floor_is_measured_beside_the_same_commits(tmp_path: Path) -> None:
    turns = measure_floor(tmp_path, repetitions=2)
    assert len(turns.ours.wall) == len(turns.baseline.wall) == 2
