import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.clock import FixedClock, ShiftedClock, WallClock, open_clock, pin_clock
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
    pinned = pin_clock(path, START)
    opened = open_clock(path)
    assert isinstance(opened, ShiftedClock)
    assert opened == pinned


def test_without_a_pin_time_is_the_machines_own(tmp_path: Path) -> None:
    assert open_clock(tmp_path / "clock.json") == WallClock()
    assert WallClock().now().tzinfo is UTC


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
