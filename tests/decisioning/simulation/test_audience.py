from __future__ import annotations

import pytest

from decisioning.simulation import draw
from features.errors import ConfigError, FeatureError

EVERYBODY = [f"c{number:03}" for number in range(200)]


def test_the_same_seed_draws_the_same_customers_in_whatever_order_they_come() -> None:
    drawn = draw(EVERYBODY, 20, seed=3)
    assert drawn == draw(EVERYBODY[::-1] + EVERYBODY, 20, seed=3)
    assert len(set(drawn)) == 20
    assert list(drawn) == sorted(drawn)


def test_another_seed_draws_others() -> None:
    assert draw(EVERYBODY, 20, seed=3) != draw(EVERYBODY, 20, seed=4)


def test_everybody_is_as_likely_as_anybody() -> None:
    times = [sum(one in draw(EVERYBODY, 50, seed) for seed in range(400)) for one in EVERYBODY[:5]]
    # Binomial with 400 draws of 1/4: a standard deviation of 8.7 around 100.
    assert all(60 < count < 140 for count in times)


@pytest.mark.parametrize("sample", [0, -1])
def test_a_sample_of_nobody_is_refused(sample: int) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        draw(EVERYBODY, sample, seed=0)


def test_a_store_without_customers_is_told() -> None:
    with pytest.raises(FeatureError, match="nba features build"):
        draw([], 10, seed=0)
