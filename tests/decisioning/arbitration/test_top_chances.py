from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.arbitration import Factors, Switches, panels
from decisioning.arbitration.beliefs import Beliefs, beliefs_of, log_quantile
from decisioning.arbitration.top_chances import TOLERANCE, top_chances

DRAWS = 200_000


def believe(propensity: np.ndarray, value: np.ndarray, evidence: np.ndarray) -> Beliefs:
    ones = np.ones(len(propensity))
    names = [f"action_{number:02d}" for number in range(len(propensity))]
    factors = Factors(propensity, ones, value, ones)
    return beliefs_of(names, factors, Switches(), evidence)[0]


def world(kind: str, seed: int, rows: int = 16) -> Beliefs:
    dice = np.random.default_rng(seed)
    propensity, value = dice.uniform(0.01, 0.3, rows), dice.uniform(1, 10, rows)
    if kind == "old":
        return believe(propensity, value, dice.uniform(100, 2_000, rows))
    if kind == "mixed":
        return believe(propensity, value, dice.choice([0.0, 3, 20, 200, 1e5], rows))
    if kind == "young":
        return believe(propensity, value, dice.choice([0.0, 1, 2], rows))
    if kind == "rare":
        return believe(10.0 ** dice.uniform(-4, -1, rows), value, dice.choice([0.0, 10], rows))
    if kind == "alike":
        return believe(dice.uniform(0.1, 0.6, rows), np.ones(rows), dice.choice([0.0, 5], rows))
    if kind == "likely":
        return believe(dice.uniform(0.6, 0.99, rows), value / 5, dice.choice([0.0, 50], rows))
    return believe(propensity, value, np.where(dice.random(rows) < 0.5, np.inf, 20.0))


KINDS = ("old", "mixed", "young", "rare", "alike", "likely", "half_known")


@pytest.mark.parametrize("kind", KINDS)
def test_the_integral_is_what_brute_force_finds(kind: str) -> None:
    beliefs = world(kind, seed=3, rows=10)
    order = np.argsort(-beliefs.drawn_often(7, DRAWS), axis=1, kind="stable")
    for k in (1, 3, 7):
        exact = top_chances(beliefs, k)
        assert exact is not None
        share = np.bincount(order[:, :k].ravel(), minlength=len(beliefs)) / DRAWS
        spread = np.sqrt(np.maximum(exact * (1 - exact), 1 / DRAWS) / DRAWS)
        assert (np.abs(share - exact) < 5 * spread + TOLERANCE).all()


def test_twice_as_many_panels_change_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [top_chances(world(kind, seed), 3) for kind in KINDS for seed in range(4)]
    closer = panels.edges

    def halved(*found: np.ndarray) -> np.ndarray:
        edge = closer(*found)
        return np.sort(np.concatenate([edge, (edge[1:] + edge[:-1]) / 2]))

    monkeypatch.setattr("decisioning.arbitration.top_chances.edges", halved)
    for before, (kind, seed) in zip(usual, ((k, s) for k in KINDS for s in range(4)), strict=True):
        assert top_chances(world(kind, seed), 3) == pytest.approx(before, abs=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_chances_add_up_to_the_number_of_places(kind: str) -> None:
    for seed in range(6):
        for k in (1, 2, 5, 15):
            chances = top_chances(world(kind, seed), k)
            assert chances is not None
            assert chances.sum() == pytest.approx(k, abs=TOLERANCE)
            assert chances.min() >= 0.0 and chances.max() <= 1.0


def test_two_equal_candidates_have_equal_chances_and_two_known_ones_are_exact() -> None:
    alike = believe(np.array([0.2, 0.2]), np.ones(2), np.full(2, 9.0))
    assert top_chances(alike, 1) == pytest.approx([0.5, 0.5], abs=TOLERANCE)
    # Beta(1, 1) against a known 0.3: above it with a chance of 0.7.
    known = believe(np.array([0.5, 0.3]), np.ones(2), np.array([1.0, np.inf]))
    assert top_chances(known, 1) == pytest.approx([0.7, 0.3], abs=TOLERANCE)
    # Beta(1, 1) x 2 against Beta(1, 1): 3/4.
    twice = believe(np.array([0.5, 0.5]), np.array([2.0, 1.0]), np.ones(2))
    assert sorted(top_chances(twice, 1)) == pytest.approx([0.25, 0.75], abs=TOLERANCE)


def test_with_a_place_for_everybody_everybody_is_certain() -> None:
    assert top_chances(world("old", 1, rows=4), 4).tolist() == [1.0] * 4
    assert top_chances(world("old", 1, rows=4), 9).tolist() == [1.0] * 4


def test_what_is_worth_nothing_fills_only_places_that_are_left() -> None:
    worth = np.array([0.0, 3.0, 0.0, 2.0])
    beliefs = believe(np.array([0.4, 0.1, 0.5, 0.2]), worth, np.full(4, 5.0))
    chances = dict(zip(beliefs.action_ids, top_chances(beliefs, 3), strict=True))
    assert chances == {"action_00": 0.0, "action_01": 1.0, "action_02": 1.0, "action_03": 1.0}
    one = top_chances(beliefs, 1)
    assert one.sum() == pytest.approx(1.0, abs=TOLERANCE) and (one > 0).sum() == 2


def test_a_propensity_of_zero_or_one_is_not_drawn() -> None:
    beliefs = believe(np.array([0.0, 1.0, 0.5]), np.ones(3), np.full(3, 4.0))
    chances = dict(zip(beliefs.action_ids, top_chances(beliefs, 1), strict=True))
    assert chances == pytest.approx({"action_00": 0, "action_01": 1, "action_02": 0}, abs=1e-6)


def test_equal_known_priorities_go_by_propensity_and_then_by_id() -> None:
    beliefs = believe(
        np.array([0.2, 0.4, 0.4, 0.5]), np.array([2.0, 1, 1, 0.1]), np.full(4, np.inf)
    )
    assert dict(zip(beliefs.action_ids, top_chances(beliefs, 1), strict=True))["action_01"] == 1.0
    drawn = believe(
        np.array([0.2, 0.4, 0.4, 0.5]), np.array([2.0, 1, 1, 1]), np.array([np.inf] * 3 + [3])
    )
    chances = dict(zip(drawn.action_ids, top_chances(drawn, 1), strict=True))
    assert chances["action_00"] == chances["action_02"] == 0.0
    assert chances["action_01"] + chances["action_03"] == pytest.approx(1.0, abs=TOLERANCE)


def test_too_many_rows_and_too_coarse_numbers_are_left_to_an_estimate() -> None:
    assert top_chances(world("old", 1, rows=65), 3) is None
    hopeless = believe(np.full(6, 0.99), np.ones(6), np.zeros(6))
    assert top_chances(hopeless, 2) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(KINDS), st.integers(2, 12), st.integers(1, 6))
def test_any_contest_is_integrated_within_its_tolerance(
    seed: int, kind: str, rows: int, k: int
) -> None:
    chances = top_chances(world(kind, seed, rows), k)
    assert chances is not None
    assert chances.sum() == pytest.approx(min(k, rows), abs=TOLERANCE)


def test_tiny_quantiles_are_exact_where_numbers_underflow() -> None:
    alpha, beta = np.array([1e-3, 0.5]), np.array([0.999, 0.5])
    logarithm = log_quantile(alpha, beta, 1e-3)
    assert logarithm[0] == pytest.approx(1e3 * np.log(1e-3), rel=1e-3)
    assert np.exp(logarithm[1]) == pytest.approx(np.sin(np.pi * 1e-3 / 2) ** 2)


def test_known_priorities_that_no_draw_can_reach_are_certain() -> None:
    ones = np.ones(4)
    propensity, value = np.array([0.9, 0.8, 0.01, 0.02]), np.array([1e6, 1e6, 1.0, 1.0])
    fixed = np.array([True, True, False, False])
    factors = Factors(propensity, ones, value, ones)
    names = ["a", "b", "c", "d"]
    beliefs, place = beliefs_of(names, factors, Switches(), np.full(4, 50.0), fixed)
    chances = top_chances(beliefs, 2)
    assert chances is not None
    assert sorted(place[chances == 1.0].tolist()) == [0, 1]
    assert chances.sum() == 2.0
