import numpy as np
import pytest

from benchmarks.final_fit import bare_fit, refuse_another_booster
from training.fit import fit
from training.training_set import TrainingSet

CHOSEN = {"learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 20, "bagging_fraction": 0.8}


@pytest.fixture(scope="module")
def rows() -> TrainingSet:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 4))
    y = (rng.random(600) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)
    number, amount = np.arange(600), np.ones(600)
    return TrainingSet(
        features=("a", "b", "c", "d"), actions=("one",), x=x, y=y, grade=y,
        weight=amount, revenue=amount, value=amount,
        decision=number, customer=number, action=np.zeros(600, dtype=np.int64),
        group=np.zeros(600, dtype=np.int64),
        decided_at=amount, closes_on=number, segment=number % 5, rfm=amount,
        logged=np.zeros(600, dtype=bool),
    )  # fmt: skip


def test_the_product_grows_the_very_trees_of_the_bare_call(rows: TrainingSet) -> None:
    refuse_another_booster(
        fit(rows, CHOSEN, 10, 7, threads=1), bare_fit(rows, CHOSEN, 10, 7, threads=1)
    )


def test_a_booster_of_another_seed_is_refused(rows: TrainingSet) -> None:
    with pytest.raises(AssertionError, match="the boosters differ"):
        refuse_another_booster(
            fit(rows, CHOSEN, 10, 7, threads=1), bare_fit(rows, CHOSEN, 10, 8, threads=1)
        )


def test_a_booster_with_fewer_trees_is_refused(rows: TrainingSet) -> None:
    with pytest.raises(AssertionError, match="the boosters"):
        refuse_another_booster(
            fit(rows, CHOSEN, 10, 7, threads=1), bare_fit(rows, CHOSEN, 9, 7, threads=1)
        )
