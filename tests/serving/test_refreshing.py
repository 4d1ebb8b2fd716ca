"""Whoever is touched is refreshed soon, in a thread of its own, whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from features.errors import FeatureError
from features.layout import Layout
from features.profiles import Profiles, no_profile
from serving import refreshing as refreshing_module
from serving.refreshing import Refreshing

PATIENCE_S = 20.0


@dataclass
class Recorder:
    """Keeps the contract of a refresher, and who was refreshed together."""

    batches: list[list[str]] = field(default_factory=list)
    failures: int = 0
    built: float | None = 100.0
    late: tuple[str, ...] = ()
    impossible: frozenset[str] = frozenset()
    gate: threading.Event = field(default_factory=threading.Event)
    closed: bool = False
    asked: list[tuple[str, float]] = field(default_factory=list)

    def now(self, customer_ids: Iterable[str]) -> Profiles:
        assert self.gate.wait(PATIENCE_S)
        if self.failures:
            self.failures -= 1
            raise FeatureError("the store of customer 007 is locked")
        if self.impossible & {*customer_ids}:
            raise ArithmeticError("an amount of customer 007 does not fit")
        self.batches.append(sorted(customer_ids))
        return no_profile(Layout.of((), ()), "?")

    def behind(self, newest: Iterable[tuple[str, float]]) -> Iterator[str]:
        self.asked += list(newest)
        yield from self.late

    def built_at(self) -> float | None:
        return self.built

    def close(self) -> None:
        self.closed = True

    @property
    def done(self) -> list[str]:
        return [one for batch in self.batches for one in batch]


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.fixture
def recorder() -> Recorder:
    made = Recorder()
    made.gate.set()
    return made


def started(recorder: Recorder, events: dict[str, str] | None = None) -> Refreshing:
    known = {} if events is None else events
    refreshing = Refreshing(
        recorder,
        newest=lambda since: [("a", since)],
        customers_of=lambda ids: [(one, known[one]) for one in ids if one in known],
        gather_seconds=0.02,
    )
    refreshing.start()
    return refreshing


def test_customers_are_gathered_and_refreshed_once_together(recorder: Recorder) -> None:
    recorder.gate.clear()
    refreshing = started(recorder)
    refreshing.touched(["first"])
    wait_until(lambda: not refreshing._waiting)
    for _ in range(50):
        refreshing.touched(["a", "b"])
    recorder.gate.set()
    wait_until(lambda: len(recorder.done) == 3)
    refreshing.close()
    assert recorder.batches == [["first"], ["a", "b"]]
    assert recorder.closed


def test_touching_does_not_wait_for_a_refresh_under_way(recorder: Recorder) -> None:
    recorder.gate.clear()
    refreshing = started(recorder)
    refreshing.touched(["a"])
    wait_until(lambda: not refreshing._waiting)
    refreshing.touched(["b"])
    assert recorder.done == []
    recorder.gate.set()
    wait_until(lambda: recorder.done == ["a", "b"])
    refreshing.close()


def test_a_failure_is_told_and_tried_again(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    note = SimpleNamespace(error=lambda event, **more: told.append(f"{event} {more}"))
    monkeypatch.setattr("serving.refreshing.log", lambda: note)
    recorder.failures = 2
    refreshing = started(recorder)
    refreshing.touched(["a"])
    wait_until(lambda: refreshing.degraded() == ["refresh_failed"])
    wait_until(lambda: recorder.done == ["a"])
    wait_until(lambda: refreshing.degraded() == [])
    refreshing.close()
    assert [one.partition(" ")[0] for one in told] == ["profiles_not_refreshed"]
    assert "007" not in told[0]


def test_the_customers_of_events_are_found_also_when_these_are_placed_later(
    recorder: Recorder,
) -> None:
    events = {"e1": "a"}
    refreshing = started(recorder, events)
    refreshing.happened(["e1", "e2"])
    wait_until(lambda: recorder.done == ["a"])
    events["e2"] = "b"
    wait_until(lambda: recorder.done == ["a", "b"])
    refreshing.close()
    assert recorder.done == ["a", "b"]


def test_it_begins_with_whoever_was_left_behind(recorder: Recorder) -> None:
    recorder.late = ("x", "y")
    refreshing = started(recorder)
    wait_until(lambda: recorder.done == ["x", "y"])
    refreshing.close()
    # Nothing received long before the build can be missing from it.
    assert recorder.asked == [("a", 40.0)]


def test_before_the_first_build_nothing_is_refreshed_and_nothing_is_wrong(
    recorder: Recorder,
) -> None:
    recorder.built = None
    refreshing = started(recorder)
    refreshing.touched(["a"])
    wait_until(lambda: not refreshing._waiting)
    assert refreshing.degraded() == []
    refreshing.close()
    assert recorder.done == []


def test_who_waits_when_it_stops_is_refreshed_before(recorder: Recorder) -> None:
    refreshing = started(recorder)
    wait_until(lambda: bool(recorder.asked))
    refreshing.touched(["a"])
    refreshing.close()
    assert recorder.done == ["a"]


def test_a_store_that_fails_does_not_hold_the_end_up(recorder: Recorder) -> None:
    recorder.failures = 1_000
    refreshing = started(recorder)
    refreshing.touched(["a"])
    wait_until(lambda: refreshing.degraded() == ["refresh_failed"])
    refreshing.close()
    assert recorder.closed
    assert recorder.done == []


def test_a_customer_of_whom_nothing_can_be_computed_holds_nobody_up(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing_module, "_LONGEST_RETRY_S", 0.05)
    recorder.impossible = frozenset({"c"})
    refreshing = started(recorder)
    refreshing.touched(["a", "b", "c", "d", "e"])
    wait_until(lambda: {*recorder.done} >= {"a", "b", "d", "e"})
    wait_until(lambda: refreshing.degraded() == ["refresh_failed"])
    refreshing.touched(["f"])
    wait_until(lambda: "f" in recorder.done)
    assert "c" not in recorder.done
    # It is tried again by itself: what failed may have been a disk, or was taken back meanwhile.
    recorder.impossible = frozenset()
    wait_until(lambda: "c" in recorder.done)
    wait_until(lambda: refreshing.degraded() == [])
    refreshing.close()
