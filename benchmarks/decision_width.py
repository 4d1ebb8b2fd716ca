"""`width`: what one candidate costs in a wide decision, to what it costs in a usual one."""

from __future__ import annotations

from itertools import cycle

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Sample, by_turns
from benchmarks.wide_world import Question, WideWorld, questions

USUAL = 50
TARGETS = {10: None, 200: None, 1_000: 1.2}
"""The widths, and how much more than usual a candidate may cost."""


def width(home: DemoHome, repetitions: int = 100) -> tuple[Figure, ...]:
    """Return the cost per candidate of decisions of several widths."""
    asked, usual = questions(home), WideWorld.of(home, USUAL)
    return tuple(_figure(home, width, usual, asked, repetitions) for width in TARGETS)


def _figure(
    home: DemoHome, candidates: int, usual: WideWorld, asked: list[Question], repetitions: int
) -> Figure:
    wide, ours, theirs = WideWorld.of(home, candidates), cycle(asked), cycle(asked)
    turns = by_turns(
        lambda: wide.answer(next(ours)), lambda: usual.answer(next(theirs)), repetitions
    )
    for decision, expected in ((turns.our_result, candidates), (turns.baseline_result, USUAL)):
        if decision.degraded or decision.candidates != expected:
            raise AssertionError(f"{decision.candidates} candidates, {decision.degraded}")
    return Figure(
        name="width",
        workload=f"decide() per candidate, {wide.workload}",
        against=f"per candidate with {USUAL} of them",
        ours=_per(candidates, turns.ours),
        baseline=_per(USUAL, turns.baseline),
        target=TARGETS[candidates],
    )


def _per(candidates: int, sample: Sample) -> Sample:
    return Sample(
        tuple(seconds / candidates for seconds in sample.wall),
        tuple(seconds / candidates for seconds in sample.cpu),
    )
