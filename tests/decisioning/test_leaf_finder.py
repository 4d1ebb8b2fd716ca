"""LightGBM asked directly answers as its wrapper does, which is asked where that is not so."""

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest

from decisioning.leaf_finder import ByLibrary, leaf_finder
from features.errors import ModelError

FEATURES, TREES = 6, 25


def rows(count: int, seed: int = 5) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, FEATURES))
    x[random.random(x.shape) < 0.2] = np.nan
    x[random.random(x.shape) < 0.1] = 0.0
    return x


def train(trees: int = TREES, **parameters: object) -> lgb.Booster:
    x = rows(500, seed=1)
    y = (np.nan_to_num(x[:, 0]) + np.isnan(x[:, 1]) > 0.3).astype(float)
    chosen = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "verbosity": -1}
    return lgb.train(chosen | parameters, lgb.Dataset(x, y), trees)


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    return train()


def leaves_of(booster: lgb.Booster, x: np.ndarray) -> np.ndarray:
    return booster.predict(x, pred_leaf=True, num_threads=1).reshape(len(x), -1)


def test_the_installed_library_is_asked_directly(booster: lgb.Booster) -> None:
    assert isinstance(leaf_finder(booster), ByLibrary)


@pytest.mark.parametrize("count", [1, 2, 50, 1_000])
def test_the_leaves_are_those_of_the_wrapper(booster: lgb.Booster, count: int) -> None:
    x = rows(count)
    found = leaf_finder(booster)(x)
    assert found.shape == (count, TREES)
    np.testing.assert_array_equal(found, leaves_of(booster, x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 5e-324])
def test_unusual_numbers_end_where_the_wrapper_says(booster: lgb.Booster, value: float) -> None:
    x = np.full((3, FEATURES), value)
    np.testing.assert_array_equal(leaf_finder(booster)(x), leaves_of(booster, x))


def test_a_tree_without_a_split_has_one_leaf() -> None:
    stump = train(trees=2, min_data_in_leaf=500)
    np.testing.assert_array_equal(leaf_finder(stump)(rows(4)), 0.0)


def test_many_threads_get_the_answers_of_one(booster: lgb.Booster) -> None:
    find = leaf_finder(booster)
    asked = [rows(20 + seed % 7, seed) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(find, asked))
    for x, found in zip(asked, together, strict=True):
        np.testing.assert_array_equal(found, leaves_of(booster, x))


def test_the_booster_lives_as_long_as_what_asks_it() -> None:
    find = leaf_finder(train())
    np.testing.assert_array_equal(find(rows(9)), find(rows(9)))


def test_a_refusal_of_the_library_is_told(booster: lgb.Booster) -> None:
    with pytest.raises(ModelError, match="leaves instead of"):
        ByLibrary(booster)(rows(3)[:, :2].copy())


class Elsewhere:
    """A booster of a LightGBM that keeps its handle under another name."""

    def __init__(self, booster: lgb.Booster) -> None:
        self.predict, self.num_trees = booster.predict, booster.num_trees
        self.num_feature = booster.num_feature


class Disagreeing(Elsewhere):
    """A booster whose wrapper knows better than the library."""

    def __init__(self, booster: lgb.Booster) -> None:
        super().__init__(booster)
        self._handle = booster._handle
        self.predict = lambda x, **kind: booster.predict(x, **kind) + 1


@pytest.mark.parametrize("kind", [Elsewhere, Disagreeing])
def test_the_wrapper_is_asked_where_the_library_cannot_be_trusted(
    booster: lgb.Booster, kind: type[Elsewhere]
) -> None:
    other = kind(booster)
    find = leaf_finder(other)
    assert not isinstance(find, ByLibrary)
    np.testing.assert_array_equal(find(rows(9)), other.predict(rows(9), pred_leaf=True))
