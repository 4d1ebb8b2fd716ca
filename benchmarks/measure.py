"""Times two ways of doing one thing by turns, so that a busy machine slows both alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Generic, TypeVar

import numpy as np

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")


@dataclass(frozen=True)
class Sample:
    """Repeated timings of one thing.

    Attributes
    ----------
    wall : seconds, one per repetition.
    cpu : seconds of all threads of this process; empty where another process did the work.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """Median of the wall seconds."""
        return float(np.median(self.wall))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the wall seconds."""
        low, high = np.percentile(self.wall, (25, 75))
        return float(low), float(high)


@dataclass(frozen=True)
class Figure:
    """One figure: ours, the baseline, and how many times the baseline ours takes.

    Attributes
    ----------
    target : the ratio not to be exceeded; None where none is set.
    """

    name: str
    workload: str
    against: str
    ours: Sample
    baseline: Sample
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Our median over the baseline's, wall time."""
        return self.ours.median / self.baseline.median

    @property
    def cpu_ratio(self) -> float | None:
        """The same of processor time, which other processes disturb less; None if unknown."""
        if not (self.ours.cpu and self.baseline.cpu):
            return None
        return float(np.median(self.ours.cpu) / np.median(self.baseline.cpu))

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return None if self.target is None else self.ratio <= self.target

    def as_dict(self) -> dict[str, object]:
        """Return the figure as JSON values; times in seconds."""
        return {
            "name": self.name,
            "workload": self.workload,
            "against": self.against,
            "ours_s": _told(self.ours),
            "baseline_s": _told(self.baseline),
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "target": self.target,
            "met": self.met,
        }


@dataclass(frozen=True)
class Turns(Generic[Ours, Theirs]):
    """Both samples, and what the last turn of each returned."""

    ours: Sample
    baseline: Sample
    our_result: Ours
    baseline_result: Theirs


def by_turns(
    ours: Callable[[], Ours], baseline: Callable[[], Theirs], repetitions: int
) -> Turns[Ours, Theirs]:
    """Run both `repetitions` times, one after the other, who begins changing every time."""
    clocks: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for turn in range(repetitions):
        if turn % 2:
            our_result = _timed(ours, clocks[0])
        baseline_result = _timed(baseline, clocks[1])
        if not turn % 2:
            our_result = _timed(ours, clocks[0])
    return Turns(_sample(clocks[0]), _sample(clocks[1]), our_result, baseline_result)


def _timed(run: Callable[[], Ours], into: list[tuple[float, float]]) -> Ours:
    wall, cpu = perf_counter(), process_time()
    result = run()
    into.append((perf_counter() - wall, process_time() - cpu))
    return result


def _sample(clocks: list[tuple[float, float]]) -> Sample:
    return Sample(tuple(wall for wall, _ in clocks), tuple(cpu for _, cpu in clocks))


def _told(sample: Sample) -> dict[str, float | int]:
    low, high = sample.quartiles
    return {
        "median": sample.median,
        "quartile_1": low,
        "quartile_3": high,
        "repetitions": len(sample.wall),
    }
