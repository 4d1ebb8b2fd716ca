"""Judging a model on the test slice, beside baselines that learnt from the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from decisioning.bundle import load_bundle
from decisioning.champion import read_champion
from features.calendar import Calendar
from features.errors import ModelError
from training.baselines import baseline_scores, sample_decisions
from training.metrics import ModelScores
from training.problem import Problem
from training.report import EvaluationSettings, Report, evaluate
from training.slices import Cuts, cut
from training.sources import sources_of
from training.training_set import Dataset, FromLog, TrainingSet


def judge(
    problem: Problem,
    rows: TrainingSet,
    cuts: Cuts,
    propensity: npt.NDArray[np.float64],
    log: FromLog | None = None,
) -> Report:
    """Return the report on the test slice.

    Parameters
    ----------
    propensity : shape (test rows,), the model's calibrated probabilities.
    log : what the data set took from the decision log.
    """
    learnt = sample_decisions(rows.take(cuts.learn), problem.max_train_rows, problem.tuning.seed)
    test = rows.take(cuts.test)
    settings = EvaluationSettings(
        label_model=problem.label_model,
        samples=problem.bootstrap_samples,
        seed=problem.tuning.seed,
        tried=problem.tried,
    )
    scores = {"model": ModelScores.of_probability(propensity)}
    scores |= baseline_scores(learnt, test, problem.tuning.seed)
    report = evaluate(f"nba.{problem.name}", problem.name, scores, test, settings)
    return replace(report, sources=sources_of(rows, cuts, log))


def evaluate_champion(
    problem: Problem, dataset: Dataset, models: Path, calendar: Calendar
) -> Report:
    """Judge the champion on the test slice, beside baselines learnt from the rows before it.

    Raises
    ------
    ModelError : there is no champion.
    """
    live = read_champion(models, problem.name)
    if live is None:
        raise ModelError(
            f"{models / problem.name}: no champion yet; train a model and `nba promote` it"
        )
    model = load_bundle(models / problem.name / live.version)
    rows = dataset.rows.select(model.features)
    cuts = cut(rows.decided_at, problem, calendar, rows.closes_on)
    propensity = model.score(rows.take(cuts.test).x).propensity
    return judge(problem, rows, cuts, propensity, dataset.log)
