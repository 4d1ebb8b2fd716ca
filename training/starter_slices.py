"""When decisions were taken and where time is cut, so that the data at hand fill every slice.

Windows are tried from long to short. What a problem would learn is asked of the same code that
builds its rows, so a plan that is accepted here is one that trains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import ConfigError, DataError
from training.decisions import DecisionPoints, Presented, adoptions, decision_points, presented
from training.problem import Presentations, Problem, Schedule, Slices
from training.slices import cut
from training.starter_catalog import count_categories

Array = npt.NDArray[np.float64]

WINDOWS = (28, 14, 7, 3, 1)
LEAST_ANSWERS = 30
LEAST_IN_SLICE = 5
"""Positive rows that every slice needs."""

_SHARES = {"tune": 0.5, "validate": 0.15, "calibrate": 0.15, "test": 0.2}
"""How positive rows would be spread over the slices if time could be cut anywhere."""

_MOST_CUTS = 60
_MOST_BEATS, _LEAST_BEATS = 13, 5
_ACTIVE_DAYS = 91
_CUSTOMERS = 20_000
"""Customers that a plan is tried on; more would not change what is found."""
_ANY_CUTS = Slices(
    validate_from=date(1970, 1, 1), calibrate_from=date(1970, 1, 2), test_from=date(1970, 1, 3)
)


@dataclass(frozen=True)
class Plan:
    """How long to wait for an outcome, when decisions were taken, where time is cut."""

    window_days: int
    decisions: Schedule | Presentations
    slices: Slices

    def problem(self, label_model: str, **more: Any) -> Problem:
        """Return a problem with this plan; `more` are further keys of it."""
        content = {"name": label_model, "label_model": label_model, "catalog": "actions.yaml"}
        return Problem.model_validate({**content, **vars(self), **more})


@dataclass(frozen=True)
class Answers:
    """Presentations that a plan fits, and whether their actions come back in time."""

    plan: Plan
    shown: Presented
    actions_return: bool


def plan_response(tables: Tables, calendar: Calendar, now: datetime) -> Answers:
    """Return the plan with the longest window that the presentations allow.

    Raises
    ------
    DataError : there is none; the message says what is missing.
    """
    most = 0
    for window in WINDOWS:
        try:
            shown = presented(_presentations(window, _ANY_CUTS).problem("response"), tables, now)
        except DataError:
            # Nothing whose window has closed; a shorter one may have.
            continue
        most = max(most, int(shown.y.sum()))
        if shown.y.sum() >= LEAST_ANSWERS:
            decided_at = _seconds(shown.points.moments[shown.decision])
            slices = _cut_by_positives(calendar.day(decided_at), shown.y, window)
            plan = slices and _presentations(window, slices)
            if plan and _fills(plan.problem("response"), decided_at, shown.y, calendar):
                return Answers(plan, shown, _actions_return(plan, shown, decided_at, calendar))
    raise DataError(_why_no_response(most))


def _why_no_response(most: int) -> str:
    if not most:
        return "no touchpoint of type 'presented' with an action_id was accepted"
    if most < LEAST_ANSWERS:
        return (
            f"{most} of what was presented was accepted within {WINDOWS[0]} days, "
            f"{LEAST_ANSWERS} are needed"
        )
    return (
        f"the {most} accepted presentations lie too close together in time: no window of "
        f"{WINDOWS[0]} to {WINDOWS[-1]} days gives every slice {LEAST_IN_SLICE} of them"
    )


def plan_adoption(
    catalog_of: Callable[[Tables, int], Catalog],
    tables: Tables,
    calendar: Calendar,
    now: datetime,
) -> tuple[Plan, Catalog]:
    """Return the plan with the longest window that the transactions allow, and its catalog.

    Parameters
    ----------
    catalog_of : makes the catalog of a window, on which its eligibility depends.

    Raises
    ------
    DataError : there is none; the message says what is missing.
    """
    if not count_categories(tables):
        raise DataError("no transaction has a category and a positive amount")
    first, end = _days_covered(tables, calendar, now)
    for window in WINDOWS:
        beats = _beats(first, end, window)
        if len(beats) < _LEAST_BEATS:
            continue
        catalog = catalog_of(tables, window)
        plan = _schedule(beats, window)
        problem = plan.problem("adoption")
        points = _some(decision_points(problem, tables, calendar, now))
        rows = _new_purchases(points, catalog, tables, window)
        if _fills(problem, _seconds(points.moments), rows, calendar):
            return plan, catalog
    raise DataError(
        f"the {end - first} days of transactions are too few or too thin: no window of "
        f"{WINDOWS[0]} to {WINDOWS[-1]} days gives every slice {LEAST_IN_SLICE} new purchases"
    )


def _presentations(window: int, slices: Slices) -> Plan:
    return Plan(window, Presentations(kind="presentations"), slices)


def _cut_by_positives(day: Array, y: Array, window: int) -> Slices | None:
    """Cut time so that the slice that is furthest below its share of positives has most of it."""
    days, which = np.unique(day, return_inverse=True)
    until = np.append(0.0, np.cumsum(np.bincount(which, y)))
    before = until[np.searchsorted(days, days)]
    closed = until[np.searchsorted(days, days - window, side="right")]
    places = np.unique(np.linspace(0, len(days) - 1, min(len(days), _MOST_CUTS)).astype(int))
    validate, calibrate, test = np.ix_(places, places, places)
    # Where a later cut lies before an earlier one, a difference is negative and loses.
    filled = reduce(
        np.minimum,
        (
            closed[validate] / _SHARES["tune"],
            (closed[calibrate] - before[validate]) / _SHARES["validate"],
            (closed[test] - before[calibrate]) / _SHARES["calibrate"],
            (until[-1] - before[test]) / _SHARES["test"],
        ),
    )
    if filled.max() <= 0:
        return None
    best = np.unravel_index(int(filled.argmax()), filled.shape)
    first, second, third = (_date(days[places[at]]) for at in best)
    return Slices(validate_from=first, calibrate_from=second, test_from=third)


def _fills(problem: Problem, decided_at: Array, positives: Array, calendar: Calendar) -> bool:
    """Tell whether every slice has rows and positives enough."""
    try:
        cuts = cut(decided_at, problem, calendar)
    except ConfigError:
        return False
    return all(positives[mask].sum() >= LEAST_IN_SLICE for mask in vars(cuts).values())


def _actions_return(plan: Plan, shown: Presented, decided_at: Array, calendar: Calendar) -> bool:
    """Tell whether most of what is presented later was presented in the slice that tunes."""
    cuts = cut(decided_at, plan.problem("response"), calendar)
    later = shown.action_ids[cuts.validate | cuts.calibrate | cuts.test]
    return bool(np.isin(later, shown.action_ids[cuts.tune]).mean() >= 0.5)


def _days_covered(tables: Tables, calendar: Calendar, now: datetime) -> tuple[int, int]:
    """Return the first day of the transactions and the day after their last full one."""
    times = tables.transactions.timestamp
    span = tables.transactions.aggregate(first=times.min(), last=times.max()).to_pyarrow()
    moments = np.array(list(span.to_pylist()[0].values()), dtype="datetime64[us]")
    first, last = calendar.day(_seconds(moments))
    today = calendar.day(np.array([now.timestamp()]))[0]
    # After the last transaction nobody can tell "did not buy" from "was not delivered".
    return int(first), int(min(today, last + 1))


def _beats(first: int, end: int, window: int) -> list[int]:
    """Return days of decision, a window apart, the last one's window just closed.

    >>> _beats(0, 30, 5), _beats(0, 12, 5)
    ([10, 15, 20, 25], [])
    """
    burn_in = first + 2 * window
    return list(range(end - window, burn_in - 1, -window))[:_MOST_BEATS][::-1]


def _schedule(beats: list[int], window: int) -> Plan:
    later, test = max(1, len(beats) // 8), max(1, len(beats) // 4)
    places = (-test - 2 * later, -test - later, -test)
    validate, calibrate, test_from = (_date(beats[place]) for place in places)
    return Plan(
        window,
        Schedule(kind="schedule", first=_date(beats[0]), last=_date(beats[-1]), every_days=window),
        Slices(validate_from=validate, calibrate_from=calibrate, test_from=test_from),
    )


def _some(points: DecisionPoints) -> DecisionPoints:
    """Return the decisions of some of the customers, the same ones at every time."""
    customers = np.unique(points.customer_ids.astype(str))
    if len(customers) <= _CUSTOMERS:
        return points
    drawn = np.random.default_rng(7).choice(customers, _CUSTOMERS, replace=False)
    kept = np.isin(points.customer_ids.astype(str), drawn)
    return DecisionPoints(points.customer_ids[kept], points.moments[kept])


def _new_purchases(points: DecisionPoints, catalog: Catalog, tables: Tables, window: int) -> Array:
    """Return how many categories each active customer buys that it had not bought lately."""

    def bought_before(days: int) -> Array:
        earlier = points.moments - np.timedelta64(days, "D")
        return adoptions(DecisionPoints(points.customer_ids, earlier), catalog, tables, days)[0]

    bought = adoptions(points, catalog, tables, window)[0]
    fresh = bought * (1.0 - bought_before(2 * window))
    counts: Array = fresh.sum(axis=1) * bought_before(_ACTIVE_DAYS).any(axis=1)
    return counts


def _seconds(moments: npt.NDArray[np.datetime64]) -> Array:
    seconds: Array = moments.astype("datetime64[us]").astype("int64") / 1e6
    return seconds


def _date(day: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))
