"""`decide`: a whole decision to the model call inside it; `explain`: what the reasons add, and what
they add at least."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import lightgbm as lgb
import numpy as np

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, Turns, by_turns
from benchmarks.reasons_by_hand import Index, LeafTable, leaf_table
from benchmarks.wide_world import Question, WideWorld, questions
from decisioning.decision import Decision
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

    @property
    def booster(self) -> lgb.Booster:
        """The trees."""
        return self._booster

    def score(self, matrix: Array) -> Scores:
        """Return the scores, and keep them and the matrix."""
        self.asked = matrix
        self.said = super().score(matrix)
        return self.said


def recorded(home: DemoHome, wide: WideWorld) -> tuple[WideWorld, Recording]:
    """Return the same world with a model that remembers, and that model."""
    recording = Recording(home.champion)
    return replace(wide, world=replace(wide.world, model=recording)), recording


def decide(home: DemoHome, repetitions: int = 400) -> tuple[Figure, ...]:
    """Return the figures of decisions for customers with many eligible actions."""
    wide, asked = WideWorld.of(home, CANDIDATES), questions(home)
    explained, plain = cycle(asked), cycle(asked)
    reasons = by_turns(
        lambda: wide.answer(next(explained), explain="top"),
        lambda: wide.answer(next(plain)),
        repetitions,
    )
    floor = _floor(home, wide, asked, repetitions)
    return (
        _to_the_model(home, wide, asked, repetitions),
        _to_the_model(home, WideWorld.of(home, MANY_ENOUGH), asked, repetitions),
        Figure(
            name="explain",
            workload=f"the same with the reasons of its {len(reasons.our_result.results)} results",
            against="decide() without reasons",
            ours=reasons.ours,
            baseline=reasons.baseline,
            target=1.15,
        ),
        Figure(
            name="explain_floor",
            workload="the same with sums and sentences by hand, everything prepared",
            against="decide() without reasons",
            ours=floor.ours,
            baseline=floor.baseline,
        ),
    )


def _floor(
    home: DemoHome, wide: WideWorld, asked: list[Question], repetitions: int
) -> Turns[Decision, Decision]:
    """Time a decision with the least that its reasons cost, nothing of the product's in them."""
    watched, recording = recorded(home, wide)
    table = leaf_table(recording.booster)
    prepared = [_results(watched.answer(one), recording, table) for one in asked]
    ours, theirs = cycle(zip(asked, prepared, strict=True)), cycle(asked)

    def by_hand() -> Decision:
        question, (leaves, names) = next(ours)
        decision = wide.answer(question)
        table.reasons(leaves, names)
        return decision

    return by_turns(by_hand, lambda: wide.answer(next(theirs)), repetitions)


def _results(
    decision: Decision, recording: Recording, table: LeafTable
) -> tuple[Index, tuple[str, ...]]:
    """Return the leaves of what a decision returned, and its names; check the sums by hand."""
    scores = recording.said
    at = [int((scores.propensity == one.propensity).argmax()) for one in decision.results]
    if scores.leaves is None:
        raise AssertionError(f"{len(scores.raw)} rows were scored without their leaves")
    leaves, names = scores.leaves.take(at, axis=0), tuple(one.name for one in decision.results)
    sums, _ = table.reasons(leaves, names)
    if not np.allclose(sums.sum(axis=1) + table.bias, scores.raw.take(at), rtol=0.0, atol=1e-9):
        raise AssertionError(f"{names}: what the leaves add is not the score")
    return leaves, names


def _to_the_model(
    home: DemoHome, wide: WideWorld, asked: list[Question], repetitions: int
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
        target=2.5,
    )


def _matrices(home: DemoHome, wide: WideWorld, asked: list[Question]) -> list[Array]:
    """Return what the model is asked in each decision; check that it is what is answered with."""
    watched, recording = recorded(home, wide)
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
