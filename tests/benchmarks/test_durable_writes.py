from pathlib import Path

from benchmarks.durable_writes import measure


def test_both_sides_store_every_outcome(tmp_path: Path) -> None:
    turns = measure(tmp_path, repetitions=1)
    assert len(turns.ours.wall) == len(turns.baseline.wall) == 1
