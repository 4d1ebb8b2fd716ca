"""From decision points to model rows: profiles by the one door, candidates by the catalog's rules.

The matrix, the rules and the values are the very functions that serve, so a model learns from what
it will be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import DataError, FeatureError
from features.matrix import Candidates, MatrixBuilder, stale
from features.profiles import Profiles
from features.row_columns import RowColumns
from features.store import ProfileStore
from training.decisions import DecisionPoints, adoptions, decision_points, presented
from training.inputs import encodings_of, groups_of, input_names, recency_frequency
from training.problem import Problem
from training.training_set import Dataset, TrainingSet, digest_of

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

CHUNK_DECISIONS = 4_000
LEAST_KNOWN_SHARE = 0.5
"""Below this share of decisions with a fresh profile, features are taken as not built."""


@dataclass(frozen=True)
class Outcomes:
    """Candidate rows before their inputs: shape (rows,) each."""

    decision: Index
    action: Index
    y: Array
    revenue: Array


def build_dataset(
    problem: Problem,
    catalog: Catalog,
    tables: Tables,
    store: ProfileStore,
    calendar: Calendar,
    now: datetime,
    logged: Collection[str] = (),
) -> Dataset:
    """Return every candidate row of the problem whose outcome window has closed by `now`.

    Parameters
    ----------
    logged : ids of decisions that are learnt from the decision log, so not from touchpoints.

    Raises
    ------
    FeatureError : features were not built for the decision times.
    DataError : there is no row.
    """
    # What has a fixed propensity is not for a model to learn.
    catalog = catalog.learnable
    points = decision_points(problem, tables, calendar, now, logged)
    profiles = store.historical(problem.label_model, points.customer_ids, points.moments)
    decided_at = points.moments.astype("datetime64[us]").astype("int64") / 1e6
    _require_features(profiles, decided_at, problem)
    popularity = _popularity(store, catalog, calendar, decided_at)
    asked = _Asked(catalog, profiles, decided_at, popularity, calendar)
    outcomes = _outcomes(problem, points, tables, asked, now, logged)
    at = decided_at[outcomes.decision]
    encodings = encodings_of(problem, catalog, at, outcomes.action, outcomes.y, calendar)
    rows = asked.rows(problem, encodings, outcomes)
    return Dataset(
        rows,
        encodings,
        profiles.newest_event_at[outcomes.decision],
        digest_of(rows),
        np.unique(profiles.customer_ids.astype(str)).astype(object),
    )


@dataclass(frozen=True)
class _Asked:
    """Everything known about the decisions, before it is known what is asked about them."""

    catalog: Catalog
    profiles: Profiles
    decided_at: Array
    popularity: Array
    calendar: Calendar

    def builder(
        self, names: tuple[str, ...], encodings: dict[str, dict[str, int]]
    ) -> MatrixBuilder:
        actions = self.catalog.action_rows(encodings)
        return MatrixBuilder(names, self.profiles.layout, actions, self.calendar)

    def candidates(self, decision: Index, action: Index) -> Candidates:
        used, position = np.unique(decision, return_inverse=True)
        return Candidates(
            profiles=self.profiles.take(used),
            decided_at=self.decided_at[used],
            decision=position.astype(np.int64),
            action=action,
            popularity=self.popularity[used],
        )

    def columns(self, decision: Index, action: Index) -> RowColumns:
        return self.builder((), self.catalog.encodings()).columns(self.candidates(decision, action))

    def rows(
        self, problem: Problem, encodings: dict[str, dict[str, int]], outcomes: Outcomes
    ) -> TrainingSet:
        names = input_names(problem)
        builder = self.builder(names, encodings)
        x = np.empty((len(outcomes.y), len(names)))
        worth, rfm, segment = (np.empty(len(outcomes.y)) for _ in range(3))
        for rows in _chunks(outcomes.decision):
            candidates = self.candidates(outcomes.decision[rows], outcomes.action[rows])
            x[rows] = builder.build(candidates)
            columns = builder.columns(candidates)
            amounts = self.catalog.values.of(candidates.action).amounts(columns)
            # What has no value for a customer is not offered, so it is worth nothing.
            worth[rows] = np.nan_to_num(amounts)
            rfm[rows] = recency_frequency(columns)
            segment[rows] = columns["journey_stage"]
        decided_at = self.decided_at[outcomes.decision]
        customers = np.unique(self.profiles.customer_ids.astype(str), return_inverse=True)[1]
        return TrainingSet(
            features=names,
            actions=self.catalog.action_ids,
            x=x,
            y=outcomes.y,
            grade=outcomes.y,
            weight=np.ones(len(outcomes.y)),
            revenue=outcomes.revenue,
            value=worth,
            decision=outcomes.decision,
            customer=customers.astype(np.int64)[outcomes.decision],
            action=outcomes.action,
            group=groups_of(self.catalog)[outcomes.action],
            decided_at=decided_at,
            closes_on=self.calendar.day(decided_at) + problem.window_days,
            segment=np.nan_to_num(segment).astype(np.int64),
            rfm=rfm,
            logged=np.zeros(len(outcomes.y), dtype=bool),
        )


def _outcomes(
    problem: Problem,
    points: DecisionPoints,
    tables: Tables,
    asked: _Asked,
    now: datetime,
    logged: Collection[str],
) -> Outcomes:
    if problem.label_model == "response":
        return _answered(problem, tables, asked, now, logged)
    bought, revenue = adoptions(points, asked.catalog, tables, problem.window_days)
    counts = _population(problem, asked)
    every = np.arange(len(asked.catalog.ordered))
    kept_decision, kept_action = [], []
    for decisions in np.array_split(counts, max(1, len(counts) // CHUNK_DECISIONS)):
        decision = np.repeat(decisions, len(every))
        action = np.tile(every, len(decisions))
        passed = asked.catalog.rule_book.passes(asked.columns(decision, action), action)
        kept_decision.append(decision[passed])
        kept_action.append(action[passed])
    decision, action = np.concatenate(kept_decision), np.concatenate(kept_action)
    return Outcomes(decision, action, bought[decision, action], revenue[decision, action])


def _answered(
    problem: Problem, tables: Tables, asked: _Asked, now: datetime, logged: Collection[str]
) -> Outcomes:
    shown = presented(problem, tables, now, logged)
    known = np.array([name in asked.catalog.position for name in shown.action_ids])
    counted = np.isin(shown.decision, _population(problem, asked)) & known
    if not counted.any():
        raise DataError(
            f"{tables.folder}: no presented action is in the catalog {problem.catalog!r} "
            f"(presented: {', '.join(sorted(set(shown.action_ids))[:5])})"
        )
    action = [asked.catalog.position[name] for name in shown.action_ids[counted]]
    return Outcomes(
        shown.decision[counted],
        np.array(action, dtype=np.int64),
        shown.y[counted],
        shown.revenue[counted],
    )


def _population(problem: Problem, asked: _Asked) -> Index:
    """Return the decisions whose customer has a profile and meets the problem's conditions."""
    counts = asked.profiles.known
    each = np.arange(len(counts))
    if problem.population:
        columns = asked.columns(each, np.zeros(len(each), dtype=np.int64))
        for condition in problem.population:
            counts = counts & condition.passes(columns)
    return np.flatnonzero(counts)


def _require_features(profiles: Profiles, decided_at: Array, problem: Problem) -> None:
    fresh = profiles.known & ~stale(profiles, decided_at)
    if fresh.mean() < LEAST_KNOWN_SHARE:
        raise FeatureError(
            f"problem {problem.name!r}: only {fresh.mean():.0%} of {len(fresh):,} decisions have a "
            "fresh profile; run `nba features build` with this problem"
        )


def _popularity(
    store: ProfileStore, catalog: Catalog, calendar: Calendar, decided_at: Array
) -> Array:
    days, which = np.unique(calendar.day(decided_at), return_inverse=True)
    return store.popularity_at(catalog.action_ids, calendar.midnight(days))[which]


def _chunks(decision: Index) -> Iterator[Index]:
    for start in range(0, len(decision), 100_000):
        yield np.arange(start, min(start + 100_000, len(decision)))
