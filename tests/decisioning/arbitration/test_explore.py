from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.arbitration import Exploration, Explored, Factors, Switches, explore, seed_of

IDS = ("beef", "coffee", "eggs", "soap", "tea", "yogurt")
PROPENSITY = np.array([0.30, 0.22, 0.25, 0.10, 0.28, 0.05])
VALUE = np.array([1.0, 1.5, 1.2, 2.0, 1.0, 4.0])
EVIDENCE = np.array([20.0, 5.0, 0.0, 300.0, 60.0, 2.0])
KINDS = {
    "none": Exploration(),
    "evidence": Exploration(kind="evidence"),
    "epsilon": Exploration(kind="epsilon", epsilon=0.5),
    "epsilon_first": Exploration(kind="epsilon_first", epsilon=0.5),
}
EXPLORING = [kind for kind in KINDS if kind != "none"]


def factors_of(propensity: np.ndarray = PROPENSITY, value: np.ndarray = VALUE) -> Factors:
    return Factors(propensity, np.ones(len(value)), value, np.ones(len(value)))


def drawn(kind: str, seed: int = 1, k: int = 2, rows: object = None, **more: object) -> Explored:
    chosen = np.arange(len(IDS)) if rows is None else np.asarray(rows)
    mandatory = np.isin(np.array(IDS)[chosen], more.pop("mandatory", ()))
    return explore(
        [IDS[row] for row in chosen],
        factors_of().of(chosen),
        more.pop("switches", Switches()),
        EVIDENCE[chosen],
        mandatory,
        KINDS[kind],
        seed,
        k,
        **more,
    )


def one_odd_one_even(order: np.ndarray) -> np.ndarray:
    """At most one row of each parity."""
    return np.array([order[0], order[(order % 2 != order[0] % 2).argmax()]])


def test_without_exploration_what_is_returned_is_certain() -> None:
    found = drawn("none")
    best = np.lexsort((IDS, -PROPENSITY, -PROPENSITY * VALUE))
    assert found.order.tolist() == best.tolist()
    assert found.returned.tolist() == found.order[:2].tolist()
    assert found.probability.sum() == 2.0 and set(found.probability[found.returned]) == {1.0}
    assert not found.explored.any() and not found.error.any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_and_another_one_may_not(kind: str) -> None:
    one, two = drawn(kind, seed_of("a")), drawn(kind, seed_of("a"))
    assert all(np.array_equal(first, second) for first, second in zip(one, two, strict=True))
    orders = {tuple(drawn(kind, seed).order.tolist()) for seed in range(30)}
    assert (len(orders) == 1) == (kind == "none")


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 2**63 - 1), st.sampled_from(sorted(KINDS)))
def test_nothing_hangs_on_the_order_of_the_candidates(rows, seed, kind) -> None:
    usual, other = drawn(kind, seed), drawn(kind, seed, rows=rows)
    assert np.asarray(rows)[other.order].tolist() == usual.order.tolist()
    assert other.probability == pytest.approx(usual.probability[rows], abs=2e-6)
    assert other.explored.tolist() == usual.explored[rows].tolist()


@pytest.mark.parametrize("kind", EXPLORING)
def test_estimates_do_not_hang_on_the_order_of_the_candidates(kind: str) -> None:
    names = [5, 3, 1, 0, 2, 4]

    def two_of_three(order: np.ndarray, ids: tuple[str, ...]) -> np.ndarray:
        return np.array([row for row in order if ids[row] in ("beef", "tea", "soap")][:2])

    usual = drawn(kind, 5, select=lambda order: two_of_three(order, IDS))
    ids = tuple(IDS[row] for row in names)
    other = drawn(kind, 5, rows=names, select=lambda order: two_of_three(order, ids))
    assert other.probability == pytest.approx(usual.probability[names], abs=1e-12)


@pytest.mark.parametrize("select", [None, lambda order: order[:3]], ids=["plain", "limited"])
@pytest.mark.parametrize("kind", EXPLORING)
def test_what_is_mandatory_stays_first_and_certain(kind: str, select) -> None:
    for seed in range(20):
        found = drawn(kind, seed, k=3, mandatory=("yogurt", "soap"), select=select)
        assert found.order[:2].tolist() == [3, 5]
        assert found.probability[[3, 5]] == pytest.approx(1.0)
        assert not found.explored[[3, 5]].any()
        assert found.probability.sum() == pytest.approx(3.0)


@pytest.mark.parametrize("kind", EXPLORING)
def test_more_mandatory_ones_than_places_leave_nothing_to_the_others(kind: str) -> None:
    found = drawn(kind, 3, k=2, mandatory=("beef", "coffee", "eggs"))
    assert found.probability.tolist() == [float(row in found.returned) for row in range(len(IDS))]
    assert set(found.returned.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_place_for_everybody_everybody_is_certain(kind: str) -> None:
    found = drawn(kind, 3, k=10)
    assert found.probability == pytest.approx(np.ones(len(IDS)))
    assert len(found.returned) == len(IDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", [(), ("tea",), ("tea", "beef")])
def test_few_candidates_are_no_problem(kind: str, names: tuple[str, ...]) -> None:
    rows = np.array([IDS.index(name) for name in names], dtype=np.int64)
    found = drawn(kind, 3, k=1, rows=rows)
    assert sorted(found.order.tolist()) == list(range(len(names)))
    assert found.probability.sum() == pytest.approx(min(1, len(names)))
    assert (found.probability[found.returned] > 0).all()


@pytest.mark.parametrize("kind", EXPLORING)
def test_explored_is_what_stands_better_than_it_would_otherwise(kind: str) -> None:
    greedy = drawn("none").returned.tolist()
    seen = set()
    for seed in range(40):
        found = drawn(kind, seed)
        for place, row in enumerate(found.returned.tolist()):
            moved_up = row not in greedy or place < greedy.index(row)
            assert found.explored[row] == moved_up
            seen.add(moved_up)
        assert not found.explored[found.order[2:]].any()
    assert seen == {True, False}


def test_evidence_draws_nothing_without_the_factor_propensity() -> None:
    for seed in range(10):
        found = drawn("evidence", seed, switches=Switches(propensity=False))
        assert found.returned.tolist() == [5, 3]
        assert found.probability.tolist() == [0, 0, 0, 1, 0, 1]


def test_a_fixed_propensity_is_not_drawn() -> None:
    everything = np.ones(len(IDS), dtype=bool)
    greedy = drawn("none").order.tolist()
    assert all(drawn("evidence", s, fixed=everything).order.tolist() == greedy for s in range(9))


def test_more_evidence_explores_less() -> None:
    chances = [
        explore(
            IDS, factors_of(), Switches(), np.full(6, evidence), np.zeros(6, dtype=bool),
            KINDS["evidence"], 1, 1,
        ).probability.max()
        for evidence in (0.0, 10.0, 1e3, 1e5)
    ]  # fmt: skip
    assert chances == sorted(chances) and chances[-1] > 0.99


def test_epsilon_has_its_closed_form() -> None:
    found = drawn("epsilon", 1, k=2)
    best = drawn("none").returned
    expected = np.full(6, 0.5 * 2 / 6)
    expected[best] += 0.5
    assert found.probability == pytest.approx(expected) and not found.error.any()


def test_epsilon_first_has_its_closed_form() -> None:
    found = drawn("epsilon_first", 1, k=2)
    first, second, *rest = drawn("none").order.tolist()
    assert found.probability[first] == pytest.approx(1.0)
    assert found.probability[second] == pytest.approx(0.5 + 0.5 * 2 / 6)
    assert found.probability[rest] == pytest.approx(0.5 / 6)


def test_an_estimate_says_how_far_it_may_be_off() -> None:
    exact = drawn("evidence", 3).probability
    for draws in (500, 20_000):
        kind = Exploration(kind="evidence", draws=draws)
        found = explore(
            IDS, factors_of(), Switches(), EVIDENCE, np.zeros(6, dtype=bool), kind, 3, 2,
            select=lambda order: order[:2],
        )  # fmt: skip
        share = found.probability
        assert found.error == pytest.approx(np.sqrt(share * (1 - share) / (draws + 1)))
        assert (np.abs(share - exact) <= 4.5 * found.error + 2 / draws).all()


def test_more_rows_than_the_integral_takes_are_estimated() -> None:
    rows = 70
    ids = [f"action_{row:02d}" for row in range(rows)]
    factors = factors_of(np.linspace(0.1, 0.3, rows), np.ones(rows))
    found = explore(
        ids, factors, Switches(), np.full(rows, 5.0), np.zeros(rows, dtype=bool),
        KINDS["evidence"], 1, 3,
    )  # fmt: skip
    assert found.error[found.returned].min() > 0.0
    assert found.probability.sum() == pytest.approx(3.0)


def test_what_was_drawn_never_has_the_probability_zero() -> None:
    rare = factors_of(np.array([0.5, 0.001]), np.ones(2))
    for seed in range(600):
        found = explore(
            ("a", "b"), rare, Switches(), np.array([30.0, 0.0]), np.zeros(2, dtype=bool),
            Exploration(kind="evidence", draws=100), seed, 1,
            select=(lambda order: order[:1]) if seed % 60 == 0 else None,
        )  # fmt: skip
        assert found.probability[found.returned[0]] > 0.0


def test_limits_decide_what_is_returned() -> None:
    for kind in KINDS:
        found = drawn(kind, 4, select=one_odd_one_even)
        assert {row % 2 for row in found.returned.tolist()} == {0, 1}
        assert found.probability.sum() == pytest.approx(2.0, abs=2e-3)
