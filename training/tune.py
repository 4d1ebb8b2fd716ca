"""Searching the booster's parameters: Optuna's TPE with pruning, judged on later rows.

The only file that knows Optuna.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from features.errors import ConfigError
from training.fit import DEFAULTS, booster_parameters, lgb_dataset
from training.training_set import TrainingSet

if TYPE_CHECKING:
    import optuna

_METRIC = "binary_logloss"
_REPORT_EVERY = 10
_PRUNE_AFTER = 50


class Range(BaseModel):
    """The values a parameter may take, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    log: bool = False
    integer: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Range:
        if not self.low <= self.high or (self.log and self.low <= 0):
            raise ValueError(f"not a range: low={self.low}, high={self.high}, log={self.log}")
        return self


class SearchSpace(BaseModel):
    """What is tuned; everything else stays at LightGBM's default."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    # A narrow range: pruning compares trials at equal rounds, where a slow learner looks bad.
    learning_rate: Range = Range(low=0.04, high=0.1, log=True)
    """Weight of each tree."""
    num_leaves: Range = Range(low=7, high=63, log=True, integer=True)
    """Leaves of a tree at the most."""
    min_data_in_leaf: Range = Range(low=20, high=300, log=True, integer=True)
    """Rows of a leaf at the least."""
    feature_fraction: Range = Range(low=0.2, high=0.8)
    """Share of the inputs that a tree may use."""
    bagging_fraction: Range = Range(low=0.5, high=1.0)
    """Share of the rows that a tree sees."""
    lambda_l1: Range = Range(low=1e-3, high=10.0, log=True)
    """L1 penalty on what a leaf adds."""
    lambda_l2: Range = Range(low=0.1, high=30.0, log=True)
    """L2 penalty on what a leaf adds."""
    extra_trees: bool = True
    """Whether thresholds are drawn instead of searched: less noise is learnt from few positives."""
    max_rounds: int = 1000
    """Trees at the most."""
    early_stopping: int = 50
    """Trees without a lower log loss after which a trial ends."""

    def ranges(self) -> dict[str, Range]:
        """Return the tuned parameters by LightGBM's names."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in fields.items() if isinstance(value, Range)}

    def fixed(self) -> dict[str, Any]:
        """Return what every trial has in common, by LightGBM's names."""
        return {"extra_trees": self.extra_trees}


@dataclass(frozen=True)
class Trial:
    """One set of parameters tried.

    Attributes
    ----------
    log_loss : on the validation rows, at the best round; at the last one seen when pruned.
    state : complete | pruned | fail | running (left behind by a process that was stopped).
    rounds : the best round; 0 unless complete.
    """

    number: int
    parameters: dict[str, Any]
    log_loss: float | None
    state: str
    rounds: int


@dataclass(frozen=True)
class Tuning:
    """The best parameters found, the rounds to train them for, and all that was tried."""

    parameters: dict[str, Any]
    rounds: int
    log_loss: float
    trials: tuple[Trial, ...]


def tune(
    train: TrainingSet,
    valid: TrainingSet,
    space: SearchSpace,
    trials: int,
    seconds: float,
    seed: int,
    storage: Path,
    progress: bool = False,
    threads: int = 1,
    study_name: str = "tuning",
) -> Tuning:
    """Return the parameters with the lowest log loss on `valid`, all of it later than `train`.

    Parameters
    ----------
    trials, seconds : the search ends at whichever comes first; trials found in `storage` count.
    storage : a journal file; the same file, name and rows go on where they stopped.

    Raises
    ------
    ConfigError : a training row was decided at or after a validation row (random splits are
        refused), or the study in `storage` belongs to other rows.
    """
    _refuse_overlap(train, valid)
    study = _open_study(storage, study_name, seed)
    _refuse_other_rows(study, _fingerprint(train, valid), storage, study_name)
    study.enqueue_trial(_defaults(space), skip_if_exists=True)
    left = max(0, trials - sum(trial.state.is_finished() for trial in study.trials))
    objective = _Objective(train, valid, space, seed, threads, time.monotonic() + seconds)
    with _progress(progress, trials) as show:
        if left:
            study.optimize(objective, left, seconds, callbacks=[show], gc_after_trial=True)
    return _result(study, space, storage)


class _Objective:
    """The log loss on `valid` of one trial's parameters; the rows are binned once for all."""

    def __init__(
        self,
        train: TrainingSet,
        valid: TrainingSet,
        space: SearchSpace,
        seed: int,
        threads: int,
        deadline: float,
    ) -> None:
        self._space = space
        self._seed, self._threads, self._deadline = seed, threads, deadline
        fixed = booster_parameters({}, seed, threads)
        self._train = lgb_dataset(train, fixed)
        self._valid = lgb_dataset(valid, fixed, reference=self._train)

    def __call__(self, trial: optuna.Trial) -> float:
        from optuna_integration import LightGBMPruningCallback

        suggested = {name: _suggest(trial, name, r) for name, r in self._space.ranges().items()}
        booster = lgb.train(
            booster_parameters(suggested | self._space.fixed(), self._seed, self._threads),
            self._train,
            self._space.max_rounds,
            valid_sets=[self._valid],
            callbacks=[
                lgb.early_stopping(self._space.early_stopping, verbose=False),
                LightGBMPruningCallback(trial, _METRIC, report_interval=_REPORT_EVERY),
                _stop_at(trial, self._deadline),
            ],
        )
        trial.set_user_attr("rounds", booster.best_iteration)
        return float(booster.best_score["valid_0"][_METRIC])


def _stop_at(trial: optuna.Trial, deadline: float) -> Callable[[Any], None]:
    """Return a callback that ends a trial after the deadline; the first one always finishes."""
    import optuna

    def check(_: Any) -> None:
        if trial.number and time.monotonic() > deadline:
            raise optuna.TrialPruned("out of time")

    return check


def _suggest(trial: optuna.Trial, name: str, within: Range) -> float | int:
    if within.integer:
        return trial.suggest_int(name, int(within.low), int(within.high), log=within.log)
    return trial.suggest_float(name, within.low, within.high, log=within.log)


def _defaults(space: SearchSpace) -> dict[str, Any]:
    """Return the default parameters, moved into the space where they are outside."""
    clipped = {name: min(max(DEFAULTS[name], r.low), r.high) for name, r in space.ranges().items()}
    return {name: int(v) if space.ranges()[name].integer else v for name, v in clipped.items()}


def _open_study(storage: Path, name: str, seed: int) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(storage))),
        study_name=name,
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(5, _PRUNE_AFTER, _REPORT_EVERY),
    )
    # A resumed search must not draw the numbers of its first half again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _refuse_overlap(train: TrainingSet, valid: TrainingSet) -> None:
    earliest = valid.decided_at.min()
    late = int((train.decided_at >= earliest).sum())
    if late:
        raise ConfigError(
            f"tuning: {late} of {len(train)} training rows have decided_at >= {earliest:.0f}, the "
            "earliest validation decision; split by time, not at random"
        )


def _fingerprint(train: TrainingSet, valid: TrainingSet) -> str:
    digest = hashlib.sha256("\n".join(train.features).encode())
    for rows in (train, valid):
        for column in (rows.y, rows.decided_at, np.nansum(rows.x, axis=0)):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _refuse_other_rows(study: optuna.Study, rows: str, storage: Path, name: str) -> None:
    if study.user_attrs.get("rows", rows) != rows:
        raise ConfigError(f"{storage}: study {name!r} was made on other rows; use another file")
    study.set_user_attr("rows", rows)


def _progress(shown: bool, trials: int) -> Any:
    """Return a context whose value is told of each finished trial."""
    if not shown:
        return nullcontext(lambda study, trial: None)
    return _Bar(trials)


class _Bar:
    """A progress bar over trials with the lowest log loss so far."""

    def __init__(self, trials: int) -> None:
        columns = TextColumn("tuning"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, TextColumn("log loss {task.fields[best]}"))
        self._task = self._progress.add_task("tuning", total=trials, best="")

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        done = sum(known.state.is_finished() for known in study.trials)
        self._progress.update(self._task, completed=done, best=f"{study.best_value:.5f}")


def _result(study: optuna.Study, space: SearchSpace, storage: Path) -> Tuning:
    tried = tuple(_trial(frozen, space) for frozen in study.trials if frozen.params)
    complete = [t for t in tried if t.state == "complete" and t.log_loss is not None]
    if not complete:
        raise ConfigError(f"{storage}: no trial was completed; give tuning more trials or seconds")
    best = min(complete, key=lambda t: (t.log_loss, t.number))
    return Tuning(best.parameters, best.rounds, float(best.log_loss or 0.0), tried)


def _trial(frozen: optuna.trial.FrozenTrial, space: SearchSpace) -> Trial:
    return Trial(
        number=frozen.number,
        parameters=frozen.params | space.fixed(),
        log_loss=frozen.value,
        state=frozen.state.name.lower(),
        rounds=int(frozen.user_attrs.get("rounds", 0)),
    )
