from datetime import UTC, datetime

import lightgbm as lgb
import numpy as np
import pytest

from decisioning.calibration import Calibration
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from features.errors import ModelError

NAMES = ("trips_7d", "spend_7d", "trips_28d", "spend_28d", "price")
DEFAULTS = {
    "objective": "binary",
    "num_leaves": 15,
    "min_data_in_leaf": 5,
    "num_threads": 1,
    "seed": 7,
    "verbosity": -1,
}


def inputs(rows=600, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(NAMES)))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.nan_to_num(x[:, 0]) - 2.0 * np.isnan(x[:, 1]) + rng.normal(size=rows) > 0.0
    return x, y.astype(float)


def booster(rounds=30, **parameters):
    x, y = inputs()
    linear = {"linear_tree": parameters.get("linear_tree", False), "verbosity": -1}
    data = lgb.Dataset(x, y, feature_name=list(NAMES), params=linear)
    return lgb.train(DEFAULTS | parameters, data, rounds)


def manifest(names=NAMES, calibration=None):
    return Manifest(
        name="weekly",
        version="v1",
        problem="category_week",
        label_model="adoption",
        window_days=7,
        created_at=datetime(2018, 1, 1, tzinfo=UTC),
        features=tuple(ModelFeature(name=name, block="attribute") for name in names),
        encodings={},
        layout_hash="",
        calibration=calibration or Calibration(),
        actions=("tea",),
        priors=Priors(overall=0.1, per_action={}, per_segment={}),
        evidence={},
        metrics={},
        training={},
        versions={},
    )


@pytest.fixture(scope="module")
def trained():
    return booster()


def test_scores_are_those_of_the_booster_and_its_calibration(trained):
    x, _ = inputs(seed=11)
    scores = Model(manifest(calibration=Calibration(kind="sigmoid", a=2.0, b=-1.0)), trained).score(
        x
    )
    np.testing.assert_allclose(scores.raw, trained.predict(x, raw_score=True), atol=1e-12)
    np.testing.assert_allclose(scores.propensity, 1 / (1 + np.exp(1.0 - 2.0 * scores.raw)))


def test_a_model_read_from_its_text_scores_alike(trained):
    x, _ = inputs(seed=11)
    again = Model.from_text(manifest(), trained.model_to_string())
    np.testing.assert_array_equal(again.score(x).raw, Model(manifest(), trained).score(x).raw)


@pytest.mark.parametrize(
    ("rounds", "parameters"),
    [
        (30, {}),
        (30, {"num_leaves": 63, "min_data_in_leaf": 1}),
        (30, {"max_depth": 1}),
        (30, {"boosting": "dart"}),
        (30, {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.4}),
        (3, {"min_data_in_leaf": 600}),
    ],
    ids=["plain", "deep", "stumps", "dart", "bagged", "nothing_to_split"],
)
def test_path_contributions_sum_to_the_raw_score(rounds, parameters):
    model = Model(manifest(), booster(rounds, **parameters))
    x, _ = inputs(seed=11)
    contributions = model.path_contributions(np.vstack([x, np.full((1, len(NAMES)), np.nan)]))
    assert contributions.shape == (len(x) + 1, len(NAMES) + 1)
    raw = model.score(np.vstack([x, np.full((1, len(NAMES)), np.nan)])).raw
    np.testing.assert_allclose(contributions.sum(axis=1), raw, rtol=0.0, atol=1e-9)


def test_paths_of_more_features_than_a_block_holds_are_walked_to_their_end():
    rng = np.random.default_rng(5)
    names = tuple(f"f{number}" for number in range(24))
    x = rng.normal(size=(4_000, len(names)))
    y = (x.sum(axis=1) + rng.normal(size=len(x)) > 0.0).astype(float)
    data = lgb.Dataset(x, y, feature_name=list(names), params={"verbosity": -1})
    deep = {"num_leaves": 400, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0}
    trained = lgb.train(DEFAULTS | deep | {"feature_fraction_bynode": 0.2}, data, 3)
    walked = [walk(trained.dump_model()["tree_info"], row) for row in x[:40]]
    assert max(len({*features}) for features, _ in walked) > 8
    contributions = Model(manifest(names), trained).path_contributions(x[:40])
    np.testing.assert_allclose(contributions, [sums for _, sums in walked], rtol=0.0, atol=1e-9)


def walk(trees, row):
    """Return the features on the longest way of a row, and what every step adds, bias last."""
    sums, longest = np.zeros(len(row) + 1), []
    for tree in trees:
        node, way = tree["tree_structure"], []
        sums[-1] += expected(node)
        while "split_feature" in node:
            feature = node["split_feature"]
            child = node["left_child" if row[feature] <= node["threshold"] else "right_child"]
            sums[feature] += expected(child) - expected(node)
            way.append(feature)
            node = child
        longest = max(longest, way, key=lambda one: len({*one}))
    return longest, sums


def expected(node):
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    rows = [rows_of(left), rows_of(right)]
    return np.average([expected(left), expected(right)], weights=rows)


def rows_of(node):
    return node.get("leaf_count", node.get("internal_count"))


def test_the_bias_of_paths_is_the_bias_of_shap(trained):
    model = Model(manifest(), trained)
    x, _ = inputs(rows=20, seed=11)
    paths, exact = model.path_contributions(x), model.exact_contributions(x)
    np.testing.assert_allclose(paths[:, -1], exact[:, -1], rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(exact.sum(axis=1), model.score(x).raw, rtol=0.0, atol=1e-9)


def test_with_one_split_per_tree_paths_are_shap():
    model = Model(manifest(), booster(max_depth=1))
    x, _ = inputs(rows=50, seed=11)
    np.testing.assert_allclose(model.path_contributions(x), model.exact_contributions(x), atol=1e-9)


def test_a_feature_that_no_tree_uses_contributes_nothing():
    model = Model(manifest(), booster(interaction_constraints=[[0, 1]]))
    x, _ = inputs(seed=11)
    contributions = model.path_contributions(x)
    assert (contributions[:, 2:5] == 0.0).all()
    assert np.abs(contributions[:, :2]).max() > 0.1


def test_a_row_is_explained_alike_alone_and_among_many(trained):
    model = Model(manifest(), trained)
    x, _ = inputs(rows=600, seed=11)
    together = model.path_contributions(x)
    alone = np.vstack([model.path_contributions(x[row : row + 1]) for row in (0, 255, 256, 599)])
    np.testing.assert_allclose(together[[0, 255, 256, 599]], alone, rtol=0.0, atol=1e-12)


def test_no_rows_are_no_scores(trained):
    model, nothing = Model(manifest(), trained), np.empty((0, len(NAMES)))
    assert model.score(nothing).propensity.shape == (0,)
    assert model.path_contributions(nothing).shape == (0, len(NAMES) + 1)
    assert model.exact_contributions(nothing).shape == (0, len(NAMES) + 1)


@pytest.mark.parametrize("shape", [(3, 4), (3, 6), (5,), (1, 3, 5)])
def test_a_matrix_of_another_shape_is_refused(trained, shape):
    with pytest.raises(ModelError, match=r"weekly v1: a matrix of shape .* takes \(rows, 5\)"):
        Model(manifest(), trained).score(np.zeros(shape))


def test_a_transposed_matrix_is_read_by_its_shape_not_by_its_memory(trained):
    model = Model(manifest(), trained)
    x, _ = inputs(seed=11)
    np.testing.assert_array_equal(model.score(np.asfortranarray(x)).raw, model.score(x).raw)


@pytest.mark.parametrize(
    "names", [tuple(reversed(NAMES)), NAMES[:-1], (*NAMES, "more")], ids=["order", "less", "more"]
)
def test_columns_other_than_the_manifests_are_refused(trained, names):
    with pytest.raises(ModelError, match="columns are not the features"):
        Model(manifest(names), trained)


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"objective": "regression"}, "objective is 'regression'"),
        ({"objective": "binary", "sigmoid": 2.0}, "objective is 'binary sigmoid:2'"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averaged"),
        ({"linear_tree": True}, "linear model"),
    ],
)
def test_a_booster_of_another_kind_is_refused(parameters, fault):
    with pytest.raises(ModelError, match=fault):
        Model(manifest(), booster(3, **parameters))


@pytest.mark.parametrize("rows", [1, 2, 3, 50, 601])
def test_scores_by_way_of_the_leaves_are_the_boosters_own_bit_for_bit(trained, rows):
    x, _ = inputs(seed=11)
    some = np.vstack([np.full((1, len(NAMES)), np.nan), x])[:rows]
    found = Model(manifest(), trained).score(some).raw
    np.testing.assert_array_equal(found, trained.predict(some, raw_score=True))


def test_the_reasons_of_some_rows_come_with_their_scores(trained):
    x, _ = inputs(seed=11)
    model = Model(manifest(), trained)
    some = np.array([5, 2])
    np.testing.assert_array_equal(
        model.score(x[:9]).path_contributions(some), model.path_contributions(x[some])
    )


def test_a_large_batch_is_scored_alike_but_not_explained(trained):
    x, _ = inputs(seed=11)
    model = Model(manifest(), trained)
    many = np.tile(x, (12, 1))
    scores = model.score(many)
    np.testing.assert_array_equal(scores.raw[: len(x)], model.score(x).raw)
    with pytest.raises(ModelError, match="rows were scored at once"):
        scores.path_contributions(np.array([0]))
