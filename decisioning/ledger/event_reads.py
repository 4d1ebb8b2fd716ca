"""Reads events back, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.statements import PAGE, Parameters, Session, Sql
from decisioning.ledger.statements import listed as list_of
from features.live_events import EventRow

_E = schema.EVENTS.c
_COLUMNS = tuple(_E[name] for name in EventRow._fields)
_NEVER, _ALWAYS = -1e12, 1e12

OF_CUSTOMERS = Sql(
    lambda _, size: (
        select(*_COLUMNS)
        .where(_E.customer_id.in_(list_of(size)))
        .order_by(_E.occurred_at, _E.event_id)
    )
)
BETWEEN = Sql(
    lambda *_: (
        select(*_COLUMNS)
        .where(
            _E.occurred_at >= bindparam("since"),
            _E.occurred_at < bindparam("before"),
            or_(
                _E.occurred_at > bindparam("since"),
                and_(_E.occurred_at == bindparam("since"), _E.event_id > bindparam("after")),
            ),
        )
        .order_by(_E.occurred_at, _E.event_id)
        .limit(bindparam("page"))
        .offset(written("0"))
    )
)
CUSTOMERS = Sql(
    lambda _, size: select(_E.event_id, _E.customer_id).where(
        _E.event_id.in_(list_of(size)), _E.customer_id.is_not(None)
    )
)
NEWEST = Sql(
    lambda *_: (
        select(_E.customer_id, func.max(_E.received_at))
        .where(_E.customer_id > bindparam("after"), _E.received_at > bindparam("since"))
        .group_by(_E.customer_id)
        .order_by(_E.customer_id)
        .limit(bindparam("page"))
        .offset(written("0"))
    )
)


class EventReads:
    """The events of a ledger, for whoever computes from them; every method in any thread.

    Raises
    ------
    LedgerError : (every method) they cannot be read.
    """

    def __init__(self, lend: Callable[[], AbstractContextManager[Session]]) -> None:
        self._lend = lend

    def of(self, customer_ids: Iterable[str]) -> list[EventRow]:
        """Return all events of some customers."""
        asked = sorted(set(customer_ids))
        with self._lend() as session:
            return [EventRow._make(row) for row in session.about(OF_CUSTOMERS, asked)]

    def customers(self, event_ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return each of some events that is stored and has a customer, with that customer."""
        asked = sorted(set(event_ids))
        with self._lend() as session:
            return [(str(row[0]), str(row[1])) for row in session.about(CUSTOMERS, asked)]

    def between(self, start: float | None = None, end: float | None = None) -> Iterator[EventRow]:
        """Yield what happened from `start` on and before `end`, by time and id; all by default."""
        since, after = _NEVER if start is None else start, ""
        before = _ALWAYS if end is None else end
        while True:
            asked: Parameters = {"since": since, "after": after, "before": before, "page": PAGE}
            with self._lend() as session:
                found = [EventRow._make(row) for row in session.all(BETWEEN, asked)]
            yield from found
            if len(found) < PAGE:
                return
            since, after = found[-1].occurred_at, found[-1].event_id

    def newest(self, since: float | None = None) -> Iterator[tuple[str, float]]:
        """Yield each customer with events received after `since`, and when the last one was."""
        after, limit = "", _NEVER if since is None else since
        while True:
            asked: Parameters = {"after": after, "since": limit, "page": PAGE}
            with self._lend() as session:
                found = session.all(NEWEST, asked)
            yield from ((str(row[0]), float(row[1])) for row in found)
            if len(found) < PAGE:
                return
            after = str(found[-1][0])
