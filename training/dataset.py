"""From decision points to model rows: profiles by the one door, candidates by the catalog's rules.

The matrix, the rules and the values are the very functions that serve, so a model learns from what
it will be asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from decisioning import value
from decisioning.catalog import Catalog
from features import declared
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import DataError, FeatureError
from features.matrix import ACTION_CODE, Candidates, MatrixBuilder, RowColumns, stale
from features.profiles import Profiles
from features.store import ProfileStore
from training.decisions import DecisionPoints, adoptions, decision_points, presented
from training.problem import Problem
from training.slices import cut
from training.training_set import TrainingSet

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


@dataclass(frozen=True)
class Dataset:
    """The rows of a problem and what is needed to build the same inputs again.

    Attributes
    ----------
    newest_event_at : shape (rows,), the newest event any input of the row knows.
    """

    rows: TrainingSet
    encodings: dict[str, dict[str, int]]
    newest_event_at: Array
    digest: str


def build_dataset(
    problem: Problem,
    catalog: Catalog,
    tables: Tables,
    store: ProfileStore,
    calendar: Calendar,
    now: datetime,
) -> Dataset:
    """Return every candidate row of the problem whose outcome window has closed by `now`.

    Raises
    ------
    FeatureError : features were not built for the decision times.
    DataError : there is no row, or none is positive.
    """
    # What has a fixed propensity is not for a model to learn.
    catalog = catalog.learnable
    points = decision_points(problem, tables, calendar, now)
    profiles = store.historical(problem.label_model, points.customer_ids, points.moments)
    decided_at = points.moments.astype("datetime64[us]").astype("int64") / 1e6
    _require_features(profiles, decided_at, problem)
    popularity = _popularity(store, catalog, calendar, decided_at)
    asked = _Asked(catalog, profiles, decided_at, popularity, calendar)
    outcomes = _outcomes(problem, points, tables, asked, now)
    encodings = _encodings(problem, catalog, decided_at, outcomes, calendar)
    names = _input_names(problem)
    rows = asked.rows(names, encodings, outcomes)
    return Dataset(rows, encodings, profiles.newest_event_at[outcomes.decision], _digest(rows))


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
        self, names: tuple[str, ...], encodings: dict[str, dict[str, int]], outcomes: Outcomes
    ) -> TrainingSet:
        builder = self.builder(names, encodings)
        x = np.empty((len(outcomes.y), len(names)))
        worth, rfm, segment = (np.empty(len(outcomes.y)) for _ in range(3))
        for rows in _chunks(outcomes.decision):
            candidates = self.candidates(outcomes.decision[rows], outcomes.action[rows])
            x[rows] = builder.build(candidates)
            columns = builder.columns(candidates)
            amounts = value.amounts(*self.catalog.values, columns, candidates.action)
            # What has no value for a customer is not offered, so it is worth nothing.
            worth[rows] = np.nan_to_num(amounts)
            rfm[rows] = _recency_frequency(columns)
            segment[rows] = columns["journey_stage"]
        customers = np.unique(self.profiles.customer_ids.astype(str), return_inverse=True)[1]
        return TrainingSet(
            features=names,
            actions=self.catalog.action_ids,
            x=x,
            y=outcomes.y,
            revenue=outcomes.revenue,
            value=worth,
            decision=outcomes.decision,
            customer=customers.astype(np.int64)[outcomes.decision],
            action=outcomes.action,
            group=_groups(self.catalog)[outcomes.action],
            decided_at=self.decided_at[outcomes.decision],
            segment=np.nan_to_num(segment).astype(np.int64),
            rfm=rfm,
        )


def _outcomes(
    problem: Problem, points: DecisionPoints, tables: Tables, asked: _Asked, now: datetime
) -> Outcomes:
    if problem.label_model == "response":
        return _answered(problem, tables, asked, now)
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


def _answered(problem: Problem, tables: Tables, asked: _Asked, now: datetime) -> Outcomes:
    shown = presented(problem, tables, now)
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


def _encodings(
    problem: Problem,
    catalog: Catalog,
    decided_at: Array,
    outcomes: Outcomes,
    calendar: Calendar,
) -> dict[str, dict[str, int]]:
    """Return the codes of texts; actions are ordered by their rate in the slice that tunes."""
    if not outcomes.y.any() or outcomes.y.all():
        raise DataError(
            f"problem {problem.name!r}: {int(outcomes.y.sum()):,} of {len(outcomes.y):,} rows are "
            "positive; there is nothing to learn"
        )
    codes = catalog.encodings()
    encodings = {name: codes[name] for name in problem.inputs.attributes if name in codes}
    if problem.inputs.action_code:
        early = cut(decided_at[outcomes.decision], problem, calendar).tune
        action, y = outcomes.action[early], outcomes.y[early]
        seen = np.bincount(action, minlength=len(catalog.ordered))
        rate = np.bincount(action, y, minlength=len(catalog.ordered)) / np.maximum(seen, 1)
        order = np.argsort(rate, kind="stable")
        encodings[ACTION_CODE] = {catalog.action_ids[at]: code for code, at in enumerate(order)}
    return encodings


def _groups(catalog: Catalog) -> Index:
    names = [action.group for action in catalog.ordered]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _input_names(problem: Problem) -> tuple[str, ...]:
    inputs = problem.inputs
    names = tuple(name for name in declared.model_inputs() if name not in inputs.exclude)
    return names + inputs.attributes + ((ACTION_CODE,) if inputs.action_code else ())


def _recency_frequency(columns: RowColumns) -> Array:
    """Frequency over (1 + recency / 28 days): of the category where there is one."""
    frequency = columns["category_trips_all"]
    recency = columns["days_since_category"]
    general = np.isnan(frequency)
    frequency = np.where(general, columns["trips_91d"] + columns["accepted_all"], frequency)
    own = np.fmin(columns["days_since_purchase"], columns["days_since_accepted"])
    recency = np.where(general, own, recency)
    score: Array = np.nan_to_num(frequency / (1.0 + recency / 28.0))
    return score


def _chunks(decision: Index) -> Iterator[Index]:
    for start in range(0, len(decision), 100_000):
        yield np.arange(start, min(start + 100_000, len(decision)))


def _digest(rows: TrainingSet) -> str:
    digest = hashlib.sha256()
    for column in (rows.x, rows.y, rows.revenue, rows.value, rows.decided_at):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
