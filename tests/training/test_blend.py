"""History and log in one data set: who is in it, who is left out, and what a model learns of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning_plans import Plan, Told, by_chance
from learning_shop import (
    ACTIONS,
    CHANCES,
    DAY,
    INPUTS,
    NEW_CLICK,
    NEW_DAYS,
    START,
    catalog_of,
)  # fmt: skip
from learning_world import World

from decisioning.catalog import Catalog
from decisioning.ledger.open import open_ledger
from decisioning.ledger.reading import open_reader
from features.calendar import Calendar
from features.errors import DataError
from features.matrix import ACTION_CODE
from training.blend import LEFT_OUT, blend, wanted_of
from training.fit import DEFAULTS, fit
from training.inputs import input_names
from training.logged import LoggedRows, read_log
from training.problem import Inputs, LearnFromLog, Presentations, Problem, Slices
from training.slices import slices_of
from training.sources import lines_of, sources_of
from training.training_set import Dataset, TrainingSet, digest_of

NOW = START + 120 * DAY
CATALOG = catalog_of(NEW_DAYS, NEW_CLICK)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_ledger(tmp_path / "ledger.db") as ledger:
        yield World(ledger, NOW)


def problem(**changes: Any) -> Problem:
    asked: dict[str, Any] = {
        "name": "offers",
        "label_model": "response",
        "catalog": "actions.yaml",
        "decisions": Presentations(kind="presentations"),
        "slices": Slices(
            validate_from=date(2024, 2, 1),
            calibrate_from=date(2024, 2, 20),
            test_from=date(2024, 3, 10),
        ),
        "inputs": Inputs(attributes=("size",), action_code=True),
    }
    return Problem(**(asked | changes))


def read(world: World, asked: Problem, catalog: Catalog = CATALOG) -> LoggedRows:
    world.finish()
    reader = open_reader(world.ledger._store.place)
    assert reader is not None
    with reader:
        return read_log(reader, wanted_of(asked, catalog), 0.0, world.now, world.now)


def blended(world: World, asked: Problem, catalog: Catalog = CATALOG) -> Dataset:
    return blend(None, read(world, asked, catalog), asked, catalog, Calendar())


def history(rows: int = 40) -> Dataset:
    """Rows of touchpoints before the log began, of customers of whom some are in the log."""
    rng = np.random.default_rng(5)
    asked = problem()
    names = input_names(asked)
    each, y = np.arange(rows), (np.arange(rows) % 4 == 0).astype(float)
    decided_at = START - 50 * DAY + each * 3_600.0
    made = TrainingSet(
        features=names, actions=ACTIONS, x=rng.random((rows, len(names))), y=y, grade=y,
        weight=np.ones(rows), revenue=y, value=np.ones(rows), decision=each, customer=each % 2,
        action=each % 3, group=each % 3, decided_at=decided_at,
        closes_on=np.floor(decided_at / DAY) + 28, segment=each % 5, rfm=y,
        logged=np.zeros(rows, dtype=bool),
    )  # fmt: skip
    codes = {ACTION_CODE: {name: at for at, name in enumerate(ACTIONS)}}
    ids = np.array(["007", "zoe"], dtype=object)
    return Dataset(made, codes, decided_at - 60.0, digest_of(made), ids)


def take(world: World, decisions: int, last_day: int = 90) -> None:
    for _ in range(decisions):
        at = START + float(int(world.rng.integers(0, last_day * 86_400)))
        world.live(world.new, at, f"00{world.rng.integers(9)}", by_chance)


def test_the_rows_of_the_log_stand_behind_those_of_the_history_with_the_same_customers(
    world: World,
) -> None:
    take(world, 20)
    before, asked = history(), problem()
    both = blend(before, read(world, asked), asked, CATALOG, Calendar())
    rows = both.rows
    assert (len(before.rows), len(rows)) == (40, 100)
    np.testing.assert_array_equal(rows.logged, np.arange(100) >= 40)
    np.testing.assert_array_equal(rows.x[:40], before.rows.x)
    assert both.customer_ids[rows.customer[:2]].tolist() == ["007", "zoe"]
    told = {t.customer_id for t in world.rows.values()}
    assert set(both.customer_ids[rows.customer[40:]]) == told
    assert not {*rows.decision[:40]} & {*rows.decision[40:]}
    assert both.digest != before.digest
    assert both.newest_event_at.shape == (100,)
    assert (both.newest_event_at < rows.decided_at).all()


def test_inputs_of_the_log_stand_under_their_names(world: World) -> None:
    take(world, 10)
    asked = problem()
    logged = read(world, asked)
    rows = blend(history(), logged, asked, CATALOG, Calendar()).rows.take(np.arange(40, 70))
    assert rows.features == (*INPUTS, ACTION_CODE)
    for at, row in enumerate(logged.rows):
        truth = world.rows[row.decision_id, row.action_id]
        np.testing.assert_array_equal(rows.x[at, :-1], truth.x)
        assert rows.x[at, -1] == ACTIONS.index(row.action_id)
        assert rows.y[at] == truth.grade


def test_each_row_that_is_left_out_is_counted_under_its_reason(world: World) -> None:
    def plan(_: Any, action: str, __: Any) -> Plan:
        return Plan(told=(Told("accepted", 0.01),)) if action == "tea" else Plan()

    world.live(world.new, START + 10 * DAY, "007", plan)
    world.live(world.new, NOW - 2 * DAY, "007", plan)
    content = CATALOG.model_dump(mode="json", exclude_defaults=True)
    content["actions"] = [one for one in content["actions"] if one["id"] != "rice"]
    content["actions"][0]["propensity"] = 0.5
    other = Catalog.model_validate(content)
    data = blended(world, problem(), other)
    assert data.log is not None
    assert data.log.left_out == {
        "open": 2, "window_open": 1, "not_in_catalog": 1, "fixed_propensity": 1,
    }  # fmt: skip
    assert (data.log.shown, len(data.rows), data.rows.actions) == (6, 1, ("tea",))
    assert {*data.log.left_out} <= {*LEFT_OUT}
    first = problem(decisions=Presentations(kind="presentations", first=date(2024, 1, 12)))
    with pytest.raises(DataError, match="'outside_period': 3"):
        blended(world, first)


def test_an_early_yes_waits_for_its_window_like_every_no(world: World) -> None:
    for _ in range(5):
        world.live(world.new, NOW - 3 * DAY, "007", by_chance)
    assert any(truth.state == "open" for truth in world.rows.values())
    with pytest.raises(DataError, match="none can be learnt from yet"):
        blended(world, problem())
    kept = blend(history(), read(world, problem()), problem(), CATALOG, Calendar())
    assert not kept.rows.logged.any()
    assert kept.log is not None
    assert sum(kept.log.left_out.values()) == kept.log.shown == 15


def test_no_row_is_in_a_slice_before_its_window_has_closed(world: World) -> None:
    take(world, 60)
    asked = problem()
    rows = blended(world, asked).rows
    cuts = slices_of(rows.decided_at, asked, Calendar(), rows.closes_on)
    for mask, until in (
        (cuts.tune, asked.slices.validate_from),
        (cuts.validate, asked.slices.calibrate_from),
        (cuts.learn, asked.slices.test_from),
    ):
        moment = float(np.datetime64(until, "s").astype(np.int64))
        assert mask.any()
        assert (rows.closes_on[mask] * DAY <= moment).all()
        own = rows.decided_at[mask] + 60.0 + DAY * _days(rows.action[mask])
        assert (own < moment).all()
    early = rows.decided_at + 60.0 + DAY * _days(rows.action)
    moment = float(np.datetime64(asked.slices.test_from, "s").astype(np.int64))
    np.testing.assert_array_equal(cuts.learn, np.floor(early / DAY) + 1 <= moment / DAY)


def _days(action: Any) -> Any:
    return np.array([NEW_DAYS[name] for name in ACTIONS])[action].astype(float)


def test_a_window_that_ends_as_a_slice_begins_is_not_in_the_one_before(world: World) -> None:
    asked = problem()
    begins = float(np.datetime64(asked.slices.validate_from, "s").astype(np.int64))
    exactly = begins - NEW_DAYS["tea"] * DAY - 60.0
    for at in (exactly, exactly - 1.0):
        world.live(world.new, at, "007", lambda _, a, __: Plan() if a == "tea" else Plan(()))
    rows = blended(world, asked).rows
    cuts = slices_of(rows.decided_at, asked, Calendar(), rows.closes_on)
    assert cuts.tune[np.argsort(rows.decided_at)].tolist() == [True, False]


def test_a_model_learns_from_the_log_which_action_is_accepted(world: World) -> None:
    take(world, 250)
    rows = blended(world, problem()).rows
    booster = fit(rows, {**DEFAULTS, "min_data_in_leaf": 20}, rounds=60, seed=1)
    said = np.asarray(booster.predict(rows.x))
    mean = {name: said[rows.action == at].mean() for at, name in enumerate(ACTIONS)}
    assert mean["tea"] > mean["rice"] > mean["soap"]
    for name, chance in CHANCES.items():
        assert abs(mean[name] - chance) < 0.15


def test_partial_grades_are_learnt_as_the_grade_that_is_expected(train: TrainingSet) -> None:
    constant = replace(train, x=np.zeros((len(train), 1)), features=("nothing",))
    grade = np.where(np.arange(len(train)) % 4 == 0, 0.5, 0.0)
    graded = replace(constant, y=(grade > 0).astype(float), grade=grade)
    split = graded.without_partial_grades()
    assert len(split) == len(train) + int((grade > 0).sum())
    assert split.weight.sum() == pytest.approx(len(train))
    booster = fit(graded, {"learning_rate": 0.5, "min_data_in_leaf": 1}, rounds=5, seed=1)
    assert booster.predict(np.zeros((1, 1)))[0] == pytest.approx(0.125, abs=1e-6)


def test_the_weight_of_the_problem_is_that_of_each_logged_row(world: World) -> None:
    take(world, 5)
    asked = problem(log=LearnFromLog(weight=2.5))
    rows = blend(history(), read(world, asked), asked, CATALOG, Calendar()).rows
    assert {*rows.weight[rows.logged]} == {2.5}
    assert {*rows.weight[~rows.logged]} == {1.0}


def test_the_sources_are_counted_per_slice_and_told(world: World) -> None:
    take(world, 60)
    asked = problem()
    data = blend(history(), read(world, asked), asked, CATALOG, Calendar())
    cuts = slices_of(data.rows.decided_at, asked, Calendar(), data.rows.closes_on)
    told = sources_of(data.rows, cuts, data.log)
    assert told["history"]["rows"] == told["history"]["learn"] == 40
    assert told["log"]["rows"] == 180 == told["log"]["shown"]
    test = sum(t.shown_at - 60.0 >= 1_710_028_800 for t in world.rows.values())
    assert told["log"]["test"] == test > 0
    assert told["log"]["learn"] + told["history"]["learn"] == cuts.learn.sum()
    assert next(lines_of(told)) == (
        "rows from the history: 40, of them 40 may be learnt from and 0 are judged by"
    )


def test_a_log_that_lies_behind_every_slice_is_told_as_such(world: World) -> None:
    take(world, 6)
    asked = problem(
        slices=Slices(
            validate_from=date(2023, 12, 1),
            calibrate_from=date(2023, 12, 10),
            test_from=date(2023, 12, 20),
        )
    )
    data = blended(world, asked)
    cuts = slices_of(data.rows.decided_at, asked, Calendar(), data.rows.closes_on)
    lines = [*lines_of(sources_of(data.rows, cuts, data.log))]
    assert lines[-1].startswith("every row of the log lies in the test slice")
