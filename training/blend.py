"""History and log as one data set: rows of both, with the same inputs, actions and customers.

A logged row is learnt from when its window is over, whatever its answer was: noes are only known
then, and rows with an early yes alone would teach that everybody says yes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from features.calendar import Calendar
from features.errors import DataError
from features.matrix import ACTION_CODE
from training.frozen import Wanted
from training.inputs import encodings_of, groups_of, input_names
from training.logged import LoggedRow, LoggedRows
from training.problem import Presentations, Problem
from training.training_set import Array, Dataset, FromLog, Index, TrainingSet, digest_of, joined

LEFT_OUT = {
    "open": "no answer yet, and the window is still open",
    "window_open": "answered, but the window is still open",
    "not_in_catalog": "the action is not in the problem's catalog",
    "fixed_propensity": "the action has a fixed propensity, so there is nothing to learn",
    "outside_period": "shown before `first` or after `last` of the problem's decisions",
    "no_profile": "nobody knew the customer",
    "outside_population": "the profile does not meet the problem's `population`",
}
"""Why a row of the log is not learnt from; the first reason that holds counts."""


def wanted_of(problem: Problem, catalog: Catalog) -> Wanted:
    """Return what is asked of the log; the code of the action is filled in later."""
    codes = catalog.learnable.encodings()
    return Wanted(
        names=tuple(name for name in input_names(problem) if name != ACTION_CODE),
        encodings={name: codes[name] for name in problem.inputs.attributes if name in codes},
        population=problem.population,
    )


def blend(
    history: Dataset | None,
    logged: LoggedRows,
    problem: Problem,
    catalog: Catalog,
    calendar: Calendar,
) -> Dataset:
    """Return the rows of the history and those of the log that may be learnt from.

    Raises
    ------
    DataError : there is no history, and no row of the log can be learnt from.
    """
    learnable = catalog.learnable
    reasons = [_reason(problem, catalog, calendar, logged, at) for at in range(len(logged.rows))]
    kept = np.array([at for at, reason in enumerate(reasons) if not reason], dtype=np.int64)
    told = FromLog(
        shown=len(logged.rows),
        left_out=dict(Counter(reason for reason in reasons if reason)),
        features_missing=_missing(logged, kept),
    )
    if not len(kept):
        if history is None:
            raise DataError(
                f"problem {problem.name!r}: no presentation in the touchpoints has a closed "
                f"window, and of {told.shown:,} rows in the decision log none can be learnt from "
                f"yet ({dict(told.left_out) or 'nothing was shown'})"
            )
        return replace(history, log=told)
    rows = [logged.rows[at] for at in kept]
    encodings = (
        _encodings(problem, learnable, rows, calendar) if history is None else history.encodings
    )
    customer_ids = _customers(history, rows)
    own = _training_set(problem, learnable, logged, kept, encodings, customer_ids, calendar)
    newest = logged.inputs.newest_event_at[kept]
    if history is not None:
        before = _recoded(history, customer_ids)
        own = joined(before, own)
        newest = np.concatenate([history.newest_event_at, newest])
    return Dataset(own, encodings, newest, digest_of(own), customer_ids, told)


def _reason(
    problem: Problem, catalog: Catalog, calendar: Calendar, logged: LoggedRows, at: int
) -> str | None:
    row, inputs = logged.rows[at], logged.inputs
    place = catalog.position.get(row.action_id)
    checks: Iterator[tuple[str, bool]] = iter(
        (
            ("open", row.state == "open"),
            ("window_open", not row.settled),
            ("not_in_catalog", place is None),
            (
                "fixed_propensity",
                place is not None and catalog.ordered[place].propensity is not None,
            ),
            ("outside_period", not _in_period(problem, calendar, row.decided_at)),
            ("no_profile", not inputs.known[at]),
            ("outside_population", not inputs.counts[at]),
        )
    )
    return next((reason for reason, holds in checks if holds), None)


def _in_period(problem: Problem, calendar: Calendar, decided_at: float) -> bool:
    span = problem.decisions
    if not isinstance(span, Presentations):
        return True
    day = np.datetime64(int(calendar.day(np.array([decided_at]))[0]), "D")
    after = span.first is None or bool(day >= np.datetime64(span.first))
    return after and (span.last is None or bool(day <= np.datetime64(span.last)))


def _missing(logged: LoggedRows, kept: Index) -> dict[str, int]:
    counts = logged.inputs.unknown[kept].sum(axis=0)
    return {name: int(n) for name, n in zip(logged.names, counts, strict=True) if n}


def _encodings(
    problem: Problem, catalog: Catalog, rows: list[LoggedRow], calendar: Calendar
) -> dict[str, dict[str, int]]:
    decided_at = np.array([row.decided_at for row in rows])
    action = np.array([catalog.position[row.action_id] for row in rows], dtype=np.int64)
    y = np.array([float(row.grade > 0) for row in rows])
    return encodings_of(problem, catalog, decided_at, action, y, calendar)


def _customers(history: Dataset | None, rows: list[LoggedRow]) -> npt.NDArray[np.object_]:
    # Nobody is recognised in such a row: each is somebody else, as far as anybody knows.
    own = [row.customer_id or f"decision {row.decision_id}" for row in rows]
    before = [] if history is None else history.customer_ids.tolist()
    return np.unique(np.array([*before, *own], dtype=str)).astype(object)


def _recoded(history: Dataset, customer_ids: npt.NDArray[np.object_]) -> TrainingSet:
    place = np.searchsorted(customer_ids.astype(str), history.customer_ids.astype(str))
    return replace(history.rows, customer=place.astype(np.int64)[history.rows.customer])


def _training_set(
    problem: Problem,
    catalog: Catalog,
    logged: LoggedRows,
    kept: Index,
    encodings: dict[str, dict[str, int]],
    customer_ids: npt.NDArray[np.object_],
    calendar: Calendar,
) -> TrainingSet:
    rows, inputs = [logged.rows[at] for at in kept], logged.inputs
    action = np.array([catalog.position[row.action_id] for row in rows], dtype=np.int64)
    grade = np.array([row.grade for row in rows])
    own = [row.customer_id or f"decision {row.decision_id}" for row in rows]
    customer = np.searchsorted(customer_ids.astype(str), np.array(own, dtype=str))
    decisions = np.unique([row.decision_id for row in rows], return_inverse=True)[1]
    closes_at = np.array([row.closes_at for row in rows])
    return TrainingSet(
        features=input_names(problem),
        actions=catalog.action_ids,
        x=_matrix(problem, logged, kept, action, encodings, catalog),
        y=(grade > 0).astype(np.float64),
        grade=grade,
        weight=np.full(len(rows), problem.log.weight),
        revenue=np.array([row.revenue for row in rows]),
        value=np.array([row.value for row in rows]),
        decision=decisions.astype(np.int64),
        customer=customer.astype(np.int64),
        action=action,
        group=groups_of(catalog)[action],
        decided_at=np.array([row.decided_at for row in rows]),
        # The last moment of the window still counts, so it is over on the day after.
        closes_on=calendar.day(closes_at) + 1,
        segment=np.nan_to_num(inputs.stage[kept]).astype(np.int64),
        rfm=inputs.rfm[kept],
        logged=np.ones(len(rows), dtype=bool),
    )


def _matrix(
    problem: Problem,
    logged: LoggedRows,
    kept: Index,
    action: Index,
    encodings: dict[str, dict[str, int]],
    catalog: Catalog,
) -> Array:
    """Return the inputs as the model takes them, with the code of the action where it is one."""
    columns = dict(zip(logged.names, logged.inputs.x[kept].T, strict=True))
    if ACTION_CODE in encodings:
        codes = encodings[ACTION_CODE]
        of_action = np.array([float(codes.get(name, np.nan)) for name in catalog.action_ids])
        columns[ACTION_CODE] = of_action[action]
    return np.column_stack([columns[name] for name in input_names(problem)])
