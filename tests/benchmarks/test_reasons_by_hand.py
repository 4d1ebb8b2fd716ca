import lightgbm as lgb
import numpy as np

from benchmarks.reasons_by_hand import leaf_table


def test_what_leaves_add_by_hand_sums_to_the_score() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 6))
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=500) > 0.0).astype(float)
    parameters = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(parameters, lgb.Dataset(x, y), 20)
    table = leaf_table(booster)
    ends = np.asarray(booster.predict(x[:3], pred_leaf=True), dtype=np.int64)
    sums, told = table.reasons(table.first + ends, ("tea", "soap", "rice"))
    raw = booster.predict(x[:3], raw_score=True)
    np.testing.assert_allclose(sums.sum(axis=1) + table.bias, raw, rtol=0.0, atol=1e-9)
    assert [len(one) for one in told] == [3, 3, 3]
    assert all(name in one[0] for name, one in zip(("tea", "soap", "rice"), told, strict=True))
