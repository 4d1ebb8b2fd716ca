"""`decide`: a whole decision to the model call inside it; `explain`: what the reasons add."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, by_turns
from benchmarks.wide_world import Question, WideWorld, questions
from decisioning.propensity import Model, Scores
from decisioning.world import Array

CANDIDATES = 50
MANY_ENOUGH = 72
"""Of so many candidates of the demo about 50 are left for the model."""


class Recording(Model):
    """The champion, which also remembers the rows it was last asked to score."""

    def __init__(self, model: Model) -> None:
        vars(self).update(vars(model))
        self.asked: Array = np.empty((0, len(model.features)))

    def score(self, matrix: Array) -> Scores:
        """Return the scores, and keep the matrix."""
        self.asked = matrix
        return super().score(matrix)


def decide(home: DemoHome, repetitions: int = 400) -> tuple[Figure, ...]:
    """Return the figures of decisions for customers with many eligible actions."""
    wide, asked = WideWorld.of(home, CANDIDATES), questions(home)
    explained, plain = cycle(asked), cycle(asked)
    reasons = by_turns(
        lambda: wide.answer(next(explained), explain="top"),
        lambda: wide.answer(next(plain)),
        repetitions,
    )
    return (
        _to_the_model(home, wide, asked, repetitions, target=2.5),
        _to_the_model(home, WideWorld.of(home, MANY_ENOUGH), asked, repetitions, target=None),
        Figure(
            name="explain",
            workload=f"the same with the reasons of its {len(reasons.our_result.results)} results",
            against="decide() without reasons",
            ours=reasons.ours,
            baseline=reasons.baseline,
            target=1.15,
        ),
    )


def _to_the_model(
    home: DemoHome,
    wide: WideWorld,
    asked: list[Question],
    repetitions: int,
    target: float | None,
) -> Figure:
    matrices = _matrices(home, wide, asked)
    rows = float(np.mean([len(matrix) for matrix in matrices]))
    ours, theirs = cycle(asked), cycle(matrices)
    turns = by_turns(
        lambda: wide.answer(next(ours)), lambda: home.champion.score(next(theirs)), repetitions
    )
    return Figure(
        name="decide",
        workload=f"decide(), {wide.workload}; {rows:.0f} candidates are scored on average",
        against="the model call inside it",
        ours=turns.ours,
        baseline=turns.baseline,
        target=target,
    )


def _matrices(home: DemoHome, wide: WideWorld, asked: list[Question]) -> list[Array]:
    """Return what the model is asked in each decision; check that it is what is answered with."""
    recording = Recording(home.champion)
    watched = replace(wide, world=replace(wide.world, model=recording))
    matrices = []
    for question in asked:
        decision = watched.answer(question)
        scores = home.champion.score(recording.asked).propensity
        told = [result.propensity for result in decision.results]
        if decision.degraded or not set(told) <= set(scores.tolist()):
            raise AssertionError(
                f"customer {question.request.customer_id!r}: {decision.degraded} {told} are not "
                "scores of the model call"
            )
        matrices.append(recording.asked)
    return matrices
