"""`decide`: a whole decision to the model call inside it; `explain`: what the reasons add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import cycle

import numpy as np

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, by_turns
from decisioning.decide import decide as take_decision
from decisioning.decision import Decision
from decisioning.propensity import Model, Scores
from decisioning.request import DecisionRequest
from decisioning.world import Array, World, build_world
from features.canonical.tables import known_customers
from features.profiles import Profiles

CUSTOMERS = 50


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
    model = home.champion
    world, popularity, now = _world(home, model)
    request = DecisionRequest(None, channel="advisor", context="advisor", explain="none")
    asked = [
        (replace(request, customer_id=str(row.customer_ids[0])), row)
        for row in _some_customers(home)
    ]

    def answer(request: DecisionRequest, row: Profiles, world: World = world) -> Decision:
        return take_decision(request, row, popularity, world, now)

    matrices = _matrices(home, model, answer, asked)
    rows = float(np.mean([len(matrix) for matrix in matrices]))
    ours, theirs, explained, plain = cycle(asked), cycle(matrices), cycle(asked), cycle(asked)
    turns = by_turns(lambda: answer(*next(ours)), lambda: model.score(next(theirs)), repetitions)
    reasons = by_turns(
        lambda: _explained(answer, *next(explained)), lambda: answer(*next(plain)), repetitions
    )
    candidates = len(world.catalog.action_ids)
    return (
        Figure(
            name="decide",
            workload=f"decide(), {candidates} candidates, {rows:.0f} of them eligible on average",
            against="the model call inside it",
            ours=turns.ours,
            baseline=turns.baseline,
        ),
        Figure(
            name="explain",
            workload="decide() with the reasons of its 3 results",
            against="decide() without reasons",
            ours=reasons.ours,
            baseline=reasons.baseline,
        ),
    )


def _world(home: DemoHome, model: Model) -> tuple[World, Array, datetime]:
    world = build_world(home.task.catalog, model, home.store.layout, home.project.calendar)
    return world, home.store.popularity_now(world.catalog.action_ids), home.project.clock.now()


def _some_customers(home: DemoHome) -> list[Profiles]:
    ids = known_customers(home.project.tables(home.tasks)).to_pyarrow()["customer_id"].to_pylist()
    chosen = np.random.default_rng(7).choice(np.array(ids, dtype=object), CUSTOMERS, replace=False)
    return [home.store.online(customer_id) for customer_id in chosen]


def _matrices(
    home: DemoHome,
    model: Model,
    answer: Callable[..., Decision],
    asked: list[tuple[DecisionRequest, Profiles]],
) -> list[Array]:
    """Return what the model is asked in each decision; check that it is what is answered with."""
    recording = Recording(model)
    world = build_world(home.task.catalog, recording, home.store.layout, home.project.calendar)
    matrices = []
    for request, row in asked:
        decision = answer(request, row, world)
        scores = model.score(recording.asked).propensity
        told = [result.propensity for result in decision.results]
        if decision.degraded or not set(told) <= set(scores.tolist()):
            raise AssertionError(
                f"customer {request.customer_id!r}: {decision.degraded} {told} are not scores of "
                "the model call"
            )
        matrices.append(recording.asked)
    return matrices


def _explained(
    answer: Callable[..., Decision], request: DecisionRequest, row: Profiles
) -> Decision:
    return answer(replace(request, explain="top"), row)
