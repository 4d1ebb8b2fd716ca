"""`train`: the final fit with the chosen parameters to the bare LightGBM call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightgbm as lgb

from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, by_turns
from training.baselines import sample_decisions
from training.fit import fit
from training.slices import cut
from training.training_set import TrainingSet

THREADS = 1


def train(home: DemoHome, repetitions: int = 3) -> tuple[Figure, ...]:
    """Return the figure of the champion's own fit, on the rows it was learnt from."""
    problem = home.task.problem
    dataset, _ = home.project.dataset(home.task)
    chosen = dict(_chosen(home))
    rounds, seed = int(chosen.pop("rounds")), problem.tuning.seed
    learn = cut(
        dataset.rows.decided_at, problem, home.project.calendar, dataset.rows.closes_on
    ).learn
    rows = sample_decisions(
        dataset.rows.select(home.champion.features).take(learn), problem.max_train_rows, seed
    )
    turns = by_turns(
        lambda: fit(rows, chosen, rounds, seed, threads=THREADS),
        lambda: bare_fit(rows, chosen, rounds, seed, THREADS),
        repetitions,
    )
    refuse_another_booster(turns.our_result, turns.baseline_result)
    return (
        Figure(
            name="train",
            workload=f"final fit: {len(rows):,} rows, {len(rows.features)} inputs, {rounds} trees",
            against="the bare lightgbm.train call",
            ours=turns.ours,
            baseline=turns.baseline,
            target=1.3,
        ),
    )


def bare_fit(
    rows: TrainingSet, chosen: Mapping[str, Any], rounds: int, seed: int, threads: int
) -> lgb.Booster:
    """Return a booster as somebody would fit it who has only LightGBM's manual."""
    parameters = {
        **chosen,
        "objective": "binary",
        "metric": "binary_logloss",
        "bagging_freq": 1,
        "feature_pre_filter": False,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }
    data = lgb.Dataset(rows.x, rows.y, feature_name=list(rows.features), free_raw_data=False)
    return lgb.train(parameters, data, rounds)


def refuse_another_booster(ours: lgb.Booster, bare: lgb.Booster) -> None:
    """Check that both grew the same trees.

    Raises
    ------
    AssertionError : their texts differ.
    """
    texts = [_lines(booster.model_to_string()) for booster in (ours, bare)]
    for our_line, bare_line in zip(*texts, strict=False):
        if our_line != bare_line:
            raise AssertionError(f"the boosters differ: {our_line[:80]!r}, bare {bare_line[:80]!r}")
    if len(texts[0]) != len(texts[1]):
        raise AssertionError(f"the boosters have {len(texts[0])} lines, bare {len(texts[1])}")


def _lines(text: str) -> list[str]:
    """Return the lines of a booster; its parameters in one order, whatever order they came in."""
    trees, _, told = text.partition("\nparameters:\n")
    return trees.splitlines() + sorted(told.splitlines())


def _chosen(home: DemoHome) -> Mapping[str, Any]:
    parameters = home.champion.manifest.training["parameters"]
    assert isinstance(parameters, dict)
    return parameters
