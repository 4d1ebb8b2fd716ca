"""Reads decisions and outcomes back."""

from __future__ import annotations

import json
import zlib
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.event_sql import counts, is_outcome
from decisioning.ledger.rows import Counts, DecisionRow, ReturnedAction, StoredOutcome
from decisioning.ledger.statements import PAGE, Parameters, Row, Session, Sql, listed

_D, _E, _Q = schema.DECISIONS.c, schema.EVENTS.c, schema.QUARANTINE.c
COLUMNS = (
    _D.decision_id, _D.decided_at, _D.day, _D.customer_id, _D.channel, _D.mode, _D.request_id,
    _D.request_digest, _D.payload, _D.vectors, _D.answer, _D.actions, _D.state,
)  # fmt: skip

BY_ID = Sql(lambda *_: select(*COLUMNS).where(_D.decision_id == bindparam("decision_id")))
BY_REQUEST = Sql(lambda *_: select(*COLUMNS).where(_D.request_id == bindparam("request_id")))
REQUESTED = Sql(
    lambda _, size: select(_D.request_id, _D.state).where(_D.request_id.in_(listed(size)))
)
BETWEEN = Sql(
    lambda *_: (
        select(*COLUMNS)
        .where(
            _D.decided_at >= bindparam("since"),
            _D.decided_at < bindparam("before"),
            or_(
                _D.decided_at > bindparam("since"),
                and_(_D.decided_at == bindparam("since"), _D.decision_id > bindparam("after")),
            ),
        )
        .order_by(_D.decided_at, _D.decision_id)
        .limit(bindparam("page"))
        .offset(written("0"))
    )
)
OUTCOME_COLUMNS = (
    _E.event_id, _E.decision_id, _E.action_id, _E.type, _E.occurred_at, _E.received_at,
    _E.value, _E.on_behalf_of, _E.attributes, _E.flags,
)  # fmt: skip
OUTCOMES = Sql(
    lambda *_: (
        select(*OUTCOME_COLUMNS)
        .where(_E.decision_id == bindparam("decision_id"), is_outcome(_E))
        .order_by(_E.occurred_at, _E.event_id)
    )
)


def _count(_insert: object, _size: int) -> Any:
    in_period = (_D.decided_at >= bindparam("start"), _D.decided_at < bindparam("before"))
    presented: ColumnElement[str] = written("'presented'")
    with_events = schema.DECISIONS.join(schema.EVENTS, _E.decision_id == _D.decision_id)
    told = select(func.count(func.distinct(_D.decision_id))).select_from(with_events)
    return select(
        select(func.count()).select_from(schema.DECISIONS).where(*in_period).scalar_subquery(),
        told.where(*in_period, _E.type == presented).scalar_subquery(),
        told.where(*in_period, is_outcome(_E), _E.type != presented, counts(_E)).scalar_subquery(),
        select(func.count()).select_from(schema.QUARANTINE).scalar_subquery(),
    )


COUNTS = Sql(_count)


DAMAGED = b"damaged"
"""In place of what cannot be decompressed: whoever reads it says so, and others can be read."""


def decision_of(row: Row) -> DecisionRow:
    """Return a decision from its columns; an erased one is empty."""
    facts: dict[str, Any] = dict(zip((column.name for column in COLUMNS), row, strict=True))
    facts["payload"], facts["vectors"] = _plain(facts["payload"]), _plain(facts["vectors"])
    facts["actions"] = tuple(ReturnedAction(*one) for one in json.loads(facts["actions"] or "[]"))
    return DecisionRow(**facts)


def read_one(session: Session, sql: Sql, parameter: dict[str, str]) -> DecisionRow | None:
    """Return the decision that a statement finds."""
    row = session.run(sql, parameter).fetchone()
    return None if row is None else decision_of(row)


def read_outcomes(session: Session, decision_id: str) -> tuple[StoredOutcome, ...]:
    """Return the outcomes of a decision, oldest first."""
    rows = session.all(OUTCOMES, {"decision_id": decision_id})
    return tuple(outcome_of(row) for row in rows)


def outcome_of(row: Row) -> StoredOutcome:
    """Return an outcome from `OUTCOME_COLUMNS`."""
    return StoredOutcome._make((*row[:-1], tuple(row[-1].split())))


def read_counts(session: Session, start: float, before: float) -> Counts:
    """Return what a reconciliation compares."""
    row = session.run(COUNTS, {"start": start, "before": before}).fetchone()
    return Counts(*(row or (0, 0, 0, 0)))


def read_page(
    session: Session, since: float, after: str, before: float, page: int = PAGE
) -> list[DecisionRow]:
    """Return the decisions that follow a moment and id, in order of both."""
    asked: Parameters = {"since": since, "after": after, "before": before, "page": page}
    return [decision_of(row) for row in session.all(BETWEEN, asked)]


def _plain(compressed: bytes | None) -> bytes:
    if compressed is None:
        return b""
    try:
        return zlib.decompress(compressed)
    except zlib.error:
        return DAMAGED
