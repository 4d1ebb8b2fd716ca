import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.clock import FixedClock, WallClock, move_clock, open_clock, pin_clock
from features.errors import ConfigError

START = datetime(2018, 1, 1, 6, tzinfo=UTC)


def test_a_pinned_clock_starts_where_the_data_ends_and_runs_on(tmp_path: Path) -> None:
    clock = pin_clock(tmp_path / "clock.json", START)
    first = clock.now()
    assert timedelta(0) <= first - START < timedelta(minutes=1)
    assert clock.now() >= first


def test_pinning_the_same_start_again_does_not_turn_time_back(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    pin_clock(path, START)
    an_hour_ago = json.loads(path.read_text())
    pinned = datetime.fromisoformat(an_hour_ago["pinned_at"]) - timedelta(hours=1)
    path.write_text(json.dumps(an_hour_ago | {"pinned_at": pinned.isoformat()}))
    assert pin_clock(path, START).now() - START >= timedelta(hours=1)


def test_another_start_pins_anew(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    pin_clock(path, START)
    later = START + timedelta(days=365)
    assert pin_clock(path, later).now() >= later


def test_a_pinned_clock_is_found_by_every_process_that_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    first = pin_clock(path, START).now()
    opened = open_clock(path)
    assert opened.pinned
    assert timedelta(0) <= opened.now() - first < timedelta(minutes=1)


def test_without_a_pin_time_is_the_machines_own(tmp_path: Path) -> None:
    clock, machine = open_clock(tmp_path / "clock.json"), WallClock()
    assert not clock.pinned
    assert machine.now() <= clock.now() <= machine.now()
    assert machine.now().tzinfo is UTC


def test_whoever_has_a_clock_open_follows_when_it_is_pinned_moved_or_let_go(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = open_clock(path, look_every_s=0.0)
    pin_clock(path, START)
    assert timedelta(0) <= clock.now() - START < timedelta(minutes=1)
    later = START + timedelta(hours=7)
    move_clock(path, later)
    assert timedelta(0) <= clock.now() - later < timedelta(minutes=1)
    pin_clock(path, None)
    assert clock.now().year > 2024 and not clock.pinned


def test_the_file_is_not_looked_at_each_time_that_the_clock_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    pin_clock(path, START)
    seldom = open_clock(path, look_every_s=3_600.0)
    move_clock(path, START + timedelta(hours=7))
    assert seldom.now() - START < timedelta(minutes=1)
    assert seldom.trouble is None
    assert seldom.now() - START >= timedelta(hours=7)


def test_a_clock_that_was_moved_is_not_turned_back_by_a_second_ingest(tmp_path: Path) -> None:
    path, later = tmp_path / "clock.json", START + timedelta(days=3)
    pin_clock(path, START)
    move_clock(path, later)
    assert pin_clock(path, START).now() >= later


def test_a_clock_is_moved_forward_only_and_only_where_one_is_pinned(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    with pytest.raises(ConfigError, match="no clock is pinned"):
        move_clock(path, START)
    assert not path.exists()
    pin_clock(path, START)
    before = path.read_text()
    with pytest.raises(ConfigError, match="not turned back to 2018-01-01T05:59:59"):
        move_clock(path, START - timedelta(seconds=1))
    assert path.read_text() == before


def test_a_file_that_becomes_unusable_does_not_make_time_jump(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    pin_clock(path, START)
    clock = open_clock(path, look_every_s=0.0)
    path.write_text("{")
    for _ in range(2):
        assert timedelta(0) <= clock.now() - START < timedelta(minutes=1)
    assert "clock.json" in str(clock.trouble)
    move = START + timedelta(days=1)
    path.unlink()
    pin_clock(path, move)
    assert clock.now() >= move and clock.trouble is None


def test_a_fixed_clock_stands_still() -> None:
    clock = FixedClock(START)
    assert clock.now() is clock.now()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"starts_at": "yesterday"}',
        "{}",
        '{"starts_at": "2018-01-01T06:00:00", "pinned_at": "2026-01-01T00:00:00"}',
    ],
)
def test_a_damaged_clock_file_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"clock\.json"):
        open_clock(path)
