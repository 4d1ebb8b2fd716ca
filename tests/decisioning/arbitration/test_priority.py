from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.arbitration import Factors, Switches, priorities, rank

FACTORS = Factors(
    propensity=np.array([0.5]),
    context_weight=np.array([3.0]),
    value=np.array([10.0]),
    lever=np.array([0.7]),
)
CANDIDATES = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=3), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    min_size=1,
    unique_by=lambda candidate: candidate[0],
)


def test_priority_is_the_product_of_all_factors() -> None:
    assert priorities(FACTORS, Switches())[0] == pytest.approx(0.5 * 3 * 10 * 0.7)


@pytest.mark.parametrize("name", Switches._fields)
def test_each_factor_can_be_switched_off(name: str) -> None:
    with_all = priorities(FACTORS, Switches())[0]
    without = priorities(FACTORS, Switches(**{name: False}))[0]
    assert without == pytest.approx(with_all / getattr(FACTORS, name)[0])


def test_equal_priorities_go_by_propensity_and_then_by_id() -> None:
    order = rank(("d", "c", "b", "a"), np.array([1.0, 1, 2, 1]), np.array([0.2, 0.9, 0.1, 0.2]))
    assert order.tolist() == [2, 1, 3, 0]
    by_id = rank(None, np.array([1.0, 2, 1, 1]), np.array([0.2, 0.1, 0.9, 0.2]))
    assert by_id.tolist() == [1, 2, 0, 3]


def test_a_missing_priority_comes_last() -> None:
    assert rank(("a", "b"), np.array([np.nan, 0.0]), np.zeros(2)).tolist() == [1, 0]


@given(CANDIDATES, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_candidates(candidates, random) -> None:
    def ranked(these: list[tuple[str, float]]) -> list[str]:
        ids = [action_id for action_id, _ in these]
        scores = np.array([score for _, score in these])
        return [ids[place] for place in rank(ids, scores, scores)]

    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert ranked(shuffled) == ranked(candidates)


def test_what_is_mandatory_goes_first_and_keeps_the_same_order_among_itself() -> None:
    mandatory = np.array([False, True, False, True])
    order = rank(("d", "c", "b", "a"), np.array([9.0, 1, 2, 3]), np.full(4, 0.5), mandatory)
    assert order.tolist() == [3, 1, 0, 2]


def test_the_factors_of_some_rows_keep_their_order() -> None:
    two = Factors(*(np.array([1.0, 2.0]) for _ in Factors._fields))
    assert two.of(np.array([1, 0])).value.tolist() == [2.0, 1.0]
