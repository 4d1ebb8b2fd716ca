"""Fitting the pooled propensity model: one LightGBM booster over all (customer, action) rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightgbm as lgb

from features.errors import ConfigError
from training.training_set import TrainingSet

Parameters = Mapping[str, Any]

DEFAULTS: Parameters = {
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "lambda_l1": 0.01,
    "lambda_l2": 5.0,
    "extra_trees": True,
}
"""Sensible parameters where nothing is tuned; also the first trial of every tuning."""

_REFUSED = ("is_unbalance", "unbalance", "unbalanced_sets", "scale_pos_weight")


def fit(
    train: TrainingSet,
    parameters: Parameters,
    rounds: int,
    seed: int,
    valid: TrainingSet | None = None,
    early_stopping: int = 0,
    callbacks: Sequence[Callable[..., Any]] = (),
    threads: int = 1,
) -> lgb.Booster:
    """Return a booster of the expected grade, which is P(y = 1) where no yes is a partial one.

    It is the same bit for bit for the same rows, seed and threads.

    Parameters
    ----------
    parameters : LightGBM's names; class weights are refused, since the probability is multiplied
        by a value later.
    valid : rows after those of `train`; with `early_stopping` rounds without a lower log loss on
        them the fit stops and `best_iteration` is set.
    threads : more than one pays only on cores that nothing else uses: they wait for each other at
        every node, and one that is kept waiting stops all.

    Raises
    ------
    ConfigError : the parameters weigh the classes, or `early_stopping` has no `valid`.
    """
    if early_stopping and valid is None:
        raise ConfigError(f"early_stopping={early_stopping} needs validation rows")
    whole = booster_parameters(parameters, seed, threads)
    rows = lgb_dataset(train, whole)
    checks = list(callbacks)
    if early_stopping:
        checks.append(lgb.early_stopping(early_stopping, first_metric_only=True, verbose=False))
    valid_sets = None if valid is None else [lgb_dataset(valid, whole, reference=rows)]
    return lgb.train(dict(whole), rows, rounds, valid_sets=valid_sets, callbacks=checks)


def booster_parameters(parameters: Parameters, seed: int, threads: int) -> dict[str, Any]:
    """Return `parameters` completed by what makes a fit repeatable and its log loss proper."""
    for name in _REFUSED:
        if parameters.get(name):
            raise ConfigError(f"{name}={parameters[name]}: class weights spoil the probability")
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "bagging_freq": 1,
        **parameters,
        # A Dataset is shared by trials with different min_data_in_leaf only without pre-filter,
        # and the final fit must draw its features from the same columns as the trials did.
        "feature_pre_filter": False,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "num_threads": threads,
        "verbosity": -1,
    }


def lgb_dataset(
    rows: TrainingSet, parameters: Parameters, reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """Return the rows as LightGBM bins them; a validation set takes the bins of `reference`.

    A partial grade becomes a weighted yes and a weighted no: the objective stays the binary one,
    which is the only one that a bundle may have.
    """
    rows = rows.without_partial_grades()
    return lgb.Dataset(
        rows.x,
        rows.y,
        weight=rows.weights,
        reference=reference,
        feature_name=list(rows.features),
        categorical_feature=[],
        params=dict(parameters),
        free_raw_data=False,
    )
