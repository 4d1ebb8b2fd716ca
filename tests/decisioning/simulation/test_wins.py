from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from decisioning.arbitration import Factors, Switches, priorities, rank
from decisioning.simulation.answered import NO_ACTION, Answered, Entries
from decisioning.simulation.wins import AS_DECIDED, FORMULAS, first_under, win_shares


@pytest.fixture
def drawn(bench: Any) -> Callable[[int], Answered]:
    """Answers with factors of chance, many of them equal, and one mandatory action."""
    mandatory = ("    group: dairy\n", "    group: dairy\n    mandatory: true\n")
    _, answered = bench.run(bench.configuration(mandatory))

    def draw(seed: int) -> Answered:
        random = np.random.default_rng(seed)
        customer, action = np.nonzero(random.random((6, 4)) < 0.7)
        mixed = random.permutation(len(customer))
        levels = [random.integers(1, 4, len(customer)) / 4.0 for _ in range(4)]
        first = np.where(np.isin(np.arange(6), customer), 0, NO_ACTION)
        entries = Entries(customer[mixed], action[mixed], Factors(*levels))
        return replace(answered, first=first, entries=entries)

    return draw


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_first_is_the_one_that_arbitration_would_rank_first(
    drawn: Callable[[int], Answered], seed: int, formula: str
) -> None:
    answered, switches = drawn(seed), FORMULAS[formula]
    first = first_under(answered, switches)
    for customer in range(6):
        rows = np.flatnonzero(answered.entries.customer == customer)
        if not len(rows):
            assert first[customer] == NO_ACTION
            continue
        factors, action = answered.entries.factors.of(rows), answered.entries.action[rows]
        order = rank(
            [answered.catalog.action_ids[one] for one in action],
            priorities(factors, switches),
            factors.propensity,
            answered.catalog.arrays.mandatory[action],
        )
        assert first[customer] == action[order[0]]


def test_all_factors_together_give_what_was_decided(bench: Any) -> None:
    arbitration = "levers: {groups: {breakfast: 150, pantry: -60}}\n"
    _, answered = bench.run(bench.configuration(arbitration=arbitration))
    assert first_under(answered, Switches()).tolist() == answered.first.tolist()


def test_a_lever_shows_only_where_levers_count(bench: Any) -> None:
    arbitration = "levers: {groups: {dairy: 5000}}\n"
    _, plain = bench.run(bench.configuration())
    _, lifted = bench.run(bench.configuration(arbitration=arbitration, name="lifted"))
    before, after = win_shares(plain), win_shares(lifted)
    for formula in ("P", "P x V"):
        assert before[formula].tolist() == after[formula].tolist()
    eggs = lifted.catalog.position["eggs"]
    assert after["P x C x V x L"][eggs] == after[AS_DECIDED][eggs] == 3 / 6
    assert before[AS_DECIDED][eggs] < 3 / 6


def test_shares_and_the_customers_without_an_action_make_everybody(bench: Any) -> None:
    _, answered = bench.run(bench.configuration())
    for shares in win_shares(answered).values():
        assert shares.sum() + (answered.first == NO_ACTION).mean() == pytest.approx(1.0)
