"""The statements that place what happened, whatever it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, delete, or_, select, update
from sqlalchemy import literal_column as written
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from decisioning.ledger import schema
from decisioning.ledger.statements import Sql, insert_into, listed
from features.canonical.schemas import OUTCOME_TYPES

UNKNOWN_DECISION = "unknown_decision"
"""Why an event waits: its decision is not there, or not yet."""
UNKNOWN_EVENT = "unknown_event"
"""Why an undo waits: what it takes back is not there, or not yet."""

LATE = "late"
"""The flag of an outcome after the response window of its action."""
UNDONE = "undone"
"""The flag of an event that was taken back: it is kept, and counts no more."""
_LATE_AND_UNDONE = f"{LATE} {UNDONE}"

_D, _E, _Q = schema.DECISIONS.c, schema.EVENTS.c, schema.QUARANTINE.c

Events = ReadOnlyColumnCollection[str, Any]
"""The columns of the table of events, or of an alias of it."""


def _text(word: str) -> ColumnElement[str]:
    return written(f"'{word}'")


def is_outcome(events: Events) -> ColumnElement[bool]:
    """Return whether an event is an outcome of an action."""
    found: ColumnElement[bool] = events.type.in_([_text(one) for one in OUTCOME_TYPES])
    return found


def counts(events: Events) -> ColumnElement[bool]:
    """Return whether an event was not taken back."""
    found: ColumnElement[bool] = events.flags.not_in([_text(UNDONE), _text(_LATE_AND_UNDONE)])
    return found


SEEN = Sql(
    lambda _, size: select(_E.event_id, _E.body_digest, _E.customer_id).where(
        _E.event_id.in_(listed(size))
    )
)
SEEN_IN_QUARANTINE = Sql(
    lambda _, size: select(_Q.event_id, _Q.body_digest, _Q.customer_id).where(
        _Q.event_id.in_(listed(size))
    )
)
DECISIONS = Sql(
    lambda _, size: select(
        _D.decision_id, _D.decided_at, _D.day, _D.customer_id, _D.channel, _D.actions
    ).where(_D.decision_id.in_(listed(size)))
)
REFERRED = Sql(
    lambda _, size: select(_E.event_id, _E.type, _E.customer_id).where(
        _E.event_id.in_(listed(size))
    )
)

NAMES = tuple(column.name for column in schema.EVENTS.columns)
_WAITING = select(*(_Q[name] for name in NAMES))
WAITING_FOR_DECISIONS = Sql(
    lambda _, size: _WAITING.where(
        _Q.decision_id.in_(listed(size)), _Q.reason == _text(UNKNOWN_DECISION)
    )
)
WAITING_FOR_EVENTS = Sql(
    lambda _, size: _WAITING.where(
        _Q.refers_to.in_(listed(size)), _Q.reason == _text(UNKNOWN_EVENT)
    )
)
OVERLOOKED_DECISIONS = Sql(
    lambda *_: (
        select(_Q.decision_id)
        .distinct()
        .join_from(schema.QUARANTINE, schema.DECISIONS, _Q.decision_id == _D.decision_id)
        .where(_Q.reason == _text(UNKNOWN_DECISION))
    )
)
OVERLOOKED_EVENTS = Sql(
    lambda *_: (
        select(_Q.refers_to)
        .distinct()
        .join_from(schema.QUARANTINE, schema.EVENTS, _Q.refers_to == _E.event_id)
        .where(_Q.reason == _text(UNKNOWN_EVENT))
    )
)
RELEASE = Sql(lambda *_: delete(schema.QUARANTINE).where(_Q.event_id == bindparam("this_event")))
KEEP_BACK = Sql(
    lambda *_: (
        update(schema.QUARANTINE)
        .where(_Q.event_id == bindparam("this_event"))
        .values(reason=bindparam("new_reason"))
    )
)
INSERT_EVENT = insert_into(schema.EVENTS)
INSERT_QUARANTINE = insert_into(schema.QUARANTINE)


def _flag(word: str, before: str, both: str) -> Sql:
    """Return what adds a flag and keeps the other one, whoever sets that at the same moment."""
    other = or_(_E.flags == _text(before), _E.flags == _text(both))
    flags = case((other, _text(both)), else_=_text(word))
    return Sql(
        lambda *_: (
            update(schema.EVENTS).where(_E.event_id == bindparam("this_event")).values(flags=flags)
        )
    )


FLAG_LATE = _flag(LATE, UNDONE, _LATE_AND_UNDONE)
FLAG_UNDONE = _flag(UNDONE, LATE, _LATE_AND_UNDONE)
FLAG_ON_TIME = Sql(
    lambda *_: (
        update(schema.EVENTS)
        .where(_E.event_id == bindparam("this_event"))
        .values(flags=case((counts(_E), _text("")), else_=_text(UNDONE)))
    )
)
