"""When decisions were taken and what came of them: the points of a problem in the events."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from decisioning.catalog import Catalog
from features.calendar import Calendar
from features.canonical.tables import Tables, known_customers
from features.errors import DataError
from training.problem import Presentations, Problem, Schedule

Moments = npt.NDArray[np.datetime64]


class NothingPresented(DataError):  # noqa: N818 - a state that passes, told as one
    """No presentation in the touchpoints has a closed window: only the log can be learnt from."""


@dataclass(frozen=True)
class DecisionPoints:
    """Who was decided for, and when.

    Attributes
    ----------
    customer_ids, moments : shape (decisions,), naive UTC.
    """

    customer_ids: npt.NDArray[np.object_]
    moments: Moments

    def __len__(self) -> int:
        return len(self.moments)


@dataclass(frozen=True)
class Presented:
    """What was presented, and how it was answered: one entry per (decision, action).

    Attributes
    ----------
    decision : shape (rows,), position in `points`.
    action_ids : shape (rows,).
    y, revenue : shape (rows,), whether it was accepted within the window, and the value told.
    """

    points: DecisionPoints
    decision: npt.NDArray[np.int64]
    action_ids: npt.NDArray[np.object_]
    y: npt.NDArray[np.float64]
    revenue: npt.NDArray[np.float64]


def decision_points(
    problem: Problem,
    tables: Tables,
    calendar: Calendar,
    now: datetime,
    logged: Collection[str] = (),
) -> DecisionPoints:
    """Return every (customer, moment) whose outcome window has closed by `now`.

    Presentations of the decisions in `logged` are left out: they are learnt from the log.
    """
    if isinstance(problem.decisions, Schedule):
        return _scheduled(problem, problem.decisions, tables, calendar, now)
    return presented(problem, tables, now, logged).points


def presented(
    problem: Problem, tables: Tables, now: datetime, logged: Collection[str] = ()
) -> Presented:
    """Return presentations and their answers, but for those of the decisions in `logged`.

    An answer belongs to the latest presentation of its action to its customer within the window.

    Raises
    ------
    NothingPresented : nothing was presented whose window has closed.
    """
    shown = _presentations(problem, tables, now, logged)
    if shown.empty:
        raise NothingPresented(
            f"{tables.folder}: no touchpoint of type 'presented' with an action_id has a closed "
            f"window of {problem.window_days} days; a response model cannot be learnt"
        )
    answers = _answers(tables)
    owned = pd.merge_asof(
        answers,
        shown[["timestamp", "customer_id", "action_id", "row"]].assign(shown_at=shown.timestamp),
        on="timestamp",
        by=["customer_id", "action_id"],
    ).dropna(subset=["row"])
    owned = owned[owned.timestamp < owned.shown_at + timedelta(days=problem.window_days)]
    worth = owned.groupby("row").value.sum().reindex(shown.row)
    points = shown.drop_duplicates("decision").sort_values("decision")
    return Presented(
        points=DecisionPoints(
            points.customer_id.to_numpy(object), points.timestamp.to_numpy("datetime64[us]")
        ),
        decision=shown.decision.to_numpy(np.int64),
        action_ids=shown.action_id.to_numpy(object),
        y=np.isin(shown.row.to_numpy(), owned.row.to_numpy()).astype(np.float64),
        revenue=worth.fillna(0.0).to_numpy(np.float64),
    )


def adoptions(
    points: DecisionPoints, catalog: Catalog, tables: Tables, window_days: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return what each customer bought of each action's category in the window, by itself.

    Returns
    -------
    bought, revenue : shape (decisions, actions), 0 or 1, and money spent.
    """
    wanted = pa.table(
        {
            "decision": pa.array(np.arange(len(points))),
            "customer_id": pa.array(points.customer_ids.tolist(), pa.string()),
            "begins": pa.array(points.moments.astype("datetime64[us]")),
            "ends": pa.array(
                points.moments.astype("datetime64[us]") + np.timedelta64(window_days, "D")
            ),
        }
    )
    categories = sorted({action.category for action in catalog.ordered if action.category})
    lines, windows = tables.transactions, ibis.memtable(wanted)
    lines = lines.filter(lines.category.isin(categories or [""]), lines.amount > 0)
    inside = lines.join(
        windows,
        [
            lines.customer_id == windows.customer_id,
            lines.timestamp >= windows.begins,
            lines.timestamp < windows.ends,
        ],
    )
    sums = inside.group_by(["decision", "category"]).agg(revenue=inside.amount.sum()).to_pyarrow()
    place = {category: at for at, category in enumerate(categories)}
    by_category = np.full((len(points), len(categories) + 1), np.nan)
    column = np.array([place[name] for name in sums["category"].to_pylist()], dtype=np.int64)
    by_category[sums["decision"].to_numpy(), column] = sums["revenue"].to_numpy()
    of_action = [place.get(action.category or "", len(categories)) for action in catalog.ordered]
    found = by_category[:, of_action]
    return (~np.isnan(found)).astype(np.float64), np.nan_to_num(found)


def _scheduled(
    problem: Problem, schedule: Schedule, tables: Tables, calendar: Calendar, now: datetime
) -> DecisionPoints:
    days = (schedule.last - schedule.first).days // schedule.every_days + 1
    first = np.datetime64(schedule.first).astype("datetime64[D]").astype(np.float64)
    beat = first + schedule.every_days * np.arange(days, dtype=np.float64)
    closed = calendar.midnight(beat + problem.window_days) <= np.datetime64(
        now.replace(tzinfo=None)
    )
    moments = calendar.midnight(beat[closed])
    customers = known_customers(tables).to_pyarrow()["customer_id"].to_numpy(zero_copy_only=False)
    if not len(moments):
        raise DataError(
            f"{tables.folder}: no decision between {schedule.first} and {schedule.last} has a "
            f"closed window of {problem.window_days} days at {now:%Y-%m-%d %H:%M}"
        )
    return DecisionPoints(
        np.tile(customers.astype(object), len(moments)), np.repeat(moments, len(customers))
    )


def _presentations(
    problem: Problem, tables: Tables, now: datetime, logged: Collection[str]
) -> pd.DataFrame:
    touchpoints = tables.touchpoints
    shown = touchpoints.filter(touchpoints.type == "presented", touchpoints.action_id.notnull())
    frame: pd.DataFrame = shown.select(
        "customer_id", "timestamp", "action_id", "decision_id", "touchpoint_id"
    ).to_pandas()
    frame = frame.sort_values(["timestamp", "touchpoint_id"], ignore_index=True)
    closes = frame.timestamp + timedelta(days=problem.window_days)
    kept = (closes <= now.replace(tzinfo=None)) & ~frame.decision_id.isin(list(logged))
    span = problem.decisions
    if isinstance(span, Presentations):
        if span.first:
            kept &= frame.timestamp >= pd.Timestamp(span.first)
        if span.last:
            kept &= frame.timestamp < pd.Timestamp(span.last) + timedelta(days=1)
    frame = frame[kept].reset_index(drop=True)
    group = frame.decision_id.fillna(frame.customer_id + "@" + frame.timestamp.astype(str))
    frame["decision"] = group.factorize()[0]
    frame = frame.drop_duplicates(["decision", "action_id"], ignore_index=True)
    return frame.assign(row=np.arange(len(frame)))


def _answers(tables: Tables) -> pd.DataFrame:
    touchpoints = tables.touchpoints
    positive = touchpoints.filter(
        touchpoints.type.isin(("accepted", "converted")), touchpoints.action_id.notnull()
    )
    frame: pd.DataFrame = positive.select(
        "customer_id", "timestamp", "action_id", "value"
    ).to_pandas()
    return frame.sort_values("timestamp", ignore_index=True)
