"""Events that come with a question: stored first, and known to the decision that answers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection

from pydantic import JsonValue

from features.errors import NbaError
from serving.events import read_events
from serving.logs import log
from serving.operations import Parts
from serving.problems import FieldError, ProblemError
from serving.reported import Unread
from serving.storing import end_of, store

REFRESH_SHARE = 0.4
"""How much of a request's time the profile may take to be computed anew."""

Carried = list[dict[str, JsonValue]]


async def take_in(parts: Parts, carried: Carried, customer_id: str | None) -> tuple[str, ...]:
    """Store events and compute the profiles of their customers anew; return degraded codes.

    An event that names nobody is the customer's. What is stored stays stored, whatever becomes of
    the question; the same events may be sent again with it.

    Raises
    ------
    ProblemError : `wrong_field`, an event cannot be used, and none was stored unless only the
        ledger could know it; `conflict`; `not_stored`.
    """
    told = [_of(customer_id, one) for one in carried]
    now, calendar = parts.engine.clock.now(), parts.engine.calendar
    reported = read_events(json.dumps(told).encode(), now, calendar, lambda _: None)
    rows = []
    for place, item in enumerate(reported.items):
        if isinstance(item, Unread):
            raise _refused(place, item)
        rows.append(item)
    statuses = await store(parts, rows, lambda ledger, some, at: ledger.store_events(some, at))
    for place, (row, status) in enumerate(zip(rows, statuses, strict=True)):
        end = end_of(row, status)
        if isinstance(end, Unread):
            raise _refused(place, end)
        if status == "conflict":
            raise ProblemError("conflict", f"event_id {row.event_id}: {end['detail']}")
    return await _refresh(parts, statuses.customers)


def _of(customer_id: str | None, event: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if customer_id is None or {"customer_id", "identities"} & event.keys():
        return event
    return event | {"customer_id": customer_id}


def _refused(place: int, item: Unread) -> ProblemError:
    errors = tuple(
        FieldError(
            field=f"events.{place}.{one.field}".removesuffix("."),
            message=one.message,
            value=one.value,
        )
        for one in item.errors
    )
    names = ", ".join(one.field for one in errors)
    return ProblemError("wrong_field", f"cannot use: {names[:300]}", errors)


async def _refresh(parts: Parts, customer_ids: Collection[str]) -> tuple[str, ...]:
    if parts.refreshing is None or not customer_ids:
        return ()
    seconds = REFRESH_SHARE * parts.settings.timeout_seconds
    try:
        async with asyncio.timeout(seconds):
            await asyncio.to_thread(parts.refreshing.now, sorted(customer_ids))
    except (NbaError, TimeoutError) as error:
        # It goes on in the background; the answer is by the profile of before.
        log().error("profile_not_refreshed_in_time", error=type(error).__name__)
        return ("profile_not_refreshed",)
    return ()
