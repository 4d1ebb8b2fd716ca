"""What every input adds to a raw score: with a real booster the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import lightgbm as lgb
import numpy as np
import pytest
from changed_worlds import Asker, with_action

from decisioning.calibration import Calibration
from decisioning.contributions import contributions_of
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from decisioning.world import World, build_world
from features.layout import Layout
from features.profiles import Profiles

FEATURES = ("category_trips_all", "days_since_category", "trips_all", "size")
BOUGHT = {"PASTA SAUCE": (14, 69), "COFFEE": (3, 99), "EGGS": (20, 60)}


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    random = np.random.default_rng(7)
    rows = random.uniform(0.0, 60.0, size=(500, len(FEATURES)))
    rows[random.random(rows.shape) < 0.2] = np.nan
    likely = np.nan_to_num(rows[:, 0]) - np.nan_to_num(rows[:, 1]) + random.normal(size=500) > 0
    parameters = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbosity": -1}
    data = lgb.Dataset(rows, likely.astype(float), feature_name=list(FEATURES))
    return lgb.train(parameters, data, 30)


@pytest.fixture
def learnt(world: World, layout: Layout, booster: lgb.Booster) -> World:
    """The world with a booster instead of a model whose parts are known."""
    manifest = Manifest(
        name="learnt",
        version="v1",
        problem="adoption",
        label_model="adoption",
        window_days=28,
        created_at=datetime(2018, 1, 1, tzinfo=UTC),
        features=tuple(ModelFeature(name=name, block="attribute") for name in FEATURES),
        encodings={},
        layout_hash=layout.hash,
        calibration=Calibration(kind="sigmoid", a=2.0, b=-1.0),
        actions=world.catalog.action_ids,
        priors=Priors(overall=0.1, per_action={}, per_segment={}),
        evidence={},
        metrics={},
        training={},
        versions={},
    )
    return build_world(world.configuration, Model(manifest, booster), layout, world.calendar)


@pytest.fixture
def ask(
    learnt: World, make_profile: Callable[..., Profiles], popularity: np.ndarray, now: datetime
) -> Asker:
    return Asker(learnt, make_profile(BOUGHT), popularity, now)


def test_contributions_and_bias_sum_to_the_raw_score(ask: Asker, learnt: World) -> None:
    told = contributions_of(learnt.catalog.action_ids, ask.moment, learnt)
    assert list(told) == ["coffee", "eggs", "pasta_sauce", "tea"]
    for one in told.values():
        assert tuple(one.added) == tuple(one.inputs) == FEATURES
        assert one.bias + sum(one.added.values()) == pytest.approx(one.raw_score, abs=1e-9)
    assert len({one.bias for one in told.values()}) == 1
    assert len({one.raw_score for one in told.values()}) > 1


def test_the_raw_score_gives_the_propensity_of_the_answer(ask: Asker, learnt: World) -> None:
    results = ask().results
    told = contributions_of([one.action_id for one in results], ask.moment, learnt)
    assert len(results) == 3
    for result in results:
        log_odds = 2.0 * told[result.action_id].raw_score - 1.0
        said = 1.0 / (1.0 + np.exp(-log_odds))
        assert result.model_propensity == pytest.approx(said, rel=1e-9)


def test_inputs_are_what_the_model_was_given_and_nan_where_nothing_is_known(
    ask: Asker, learnt: World
) -> None:
    told = contributions_of(["tea", "pasta_sauce"], ask.moment, learnt)
    assert list(told) == ["tea", "pasta_sauce"]
    pasta = told["pasta_sauce"].inputs
    assert (pasta["category_trips_all"], pasta["trips_all"]) == (14.0, 40.0)
    assert np.isnan(pasta["size"])
    assert told["tea"].inputs["size"] == 1.0
    assert np.isnan(told["tea"].inputs["days_since_category"])


def test_actions_that_no_model_is_asked_about_are_left_out(ask: Asker, learnt: World) -> None:
    fixed = with_action(learnt, "tea", propensity=0.2)
    told = contributions_of(["tea", "do_nothing", "nobody", "coffee"], ask.moment, fixed)
    assert list(told) == ["coffee"]
    assert contributions_of(["tea"], ask.moment, fixed) == {}
    assert contributions_of([], ask.moment, learnt) == {}


def test_without_a_model_there_is_nothing_to_take_apart(ask: Asker, learnt: World) -> None:
    bare = build_world(learnt.configuration, None, learnt.layout, learnt.calendar)
    assert contributions_of(["coffee"], ask.moment, bare) == {}
