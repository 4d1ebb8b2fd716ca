"""The cut in time: which events a profile row may see.

A *spine* is the list of profile rows to compute: one (customer, as_of) each. Every feature is an
aggregate over `history(events, spine)`, and that join is the only way from events to features, so
no feature can see an event at or after its `as_of`.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.calendar import Calendar

WINDOWS = (7, 28, 91, 365)
"""Lengths in business days of the windows that features count over, beside all time."""


def make_spine(
    customer_ids: npt.NDArray[np.object_], as_of: npt.NDArray[np.datetime64], calendar: Calendar
) -> pa.Table:
    """Return one row per profile to compute: `row`, `customer_id`, `as_of`, `since_<window>`.

    Parameters
    ----------
    customer_ids, as_of : shape (n,); `as_of` in naive UTC, exclusive.
    """
    moments = as_of.astype("datetime64[us]")
    columns = {
        "row": pa.array(np.arange(len(moments), dtype=np.int64)),
        "customer_id": pa.array(customer_ids.tolist(), type=pa.string()),
        "as_of": pa.array(moments),
    }
    for days in WINDOWS:
        columns[f"since_{days}"] = pa.array(calendar.window_start(moments, days))
    return pa.table(columns)


def empty_spine(calendar: Calendar) -> pa.Table:
    """Return a spine without rows."""
    return make_spine(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"), calendar)


def history(events: ir.Table, spine: ir.Table) -> ir.Table:
    """Return every event beside each profile row that may see it: one row per (event, profile)."""
    seen = [events.customer_id == spine.customer_id, events.timestamp < spine.as_of]
    return events.join(spine, seen)


def within(events: ir.Table, days: int) -> ir.BooleanValue:
    """Tell for each row of a history whether it lies in the window of `days` days."""
    return events.timestamp >= events[f"since_{days}"]


def money(amount: ir.Value) -> ir.Value:
    """Return an amount as an exact number, so that a sum does not depend on the order of rows."""
    return amount.cast("decimal(18, 4)")


def total(amount: ir.NumericColumn, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """Return the sum of exact amounts as a float; 0 where there is none."""
    return amount.sum(where=where).cast("float64").fill_null(0.0)


def seconds(moment: ir.TimestampValue) -> ir.FloatingValue:
    """Return a moment as whole seconds since 1970 in UTC."""
    return moment.epoch_seconds().cast("float64")


def share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.NumericValue:
    """Return `part / whole`, null where `whole` is zero."""
    return part / ibis.ifelse(whole == 0, ibis.null(), whole)
