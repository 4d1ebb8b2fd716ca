"""The statements that place outcomes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.statements import Sql, insert_into, listed, named

UNKNOWN_DECISION = "unknown_decision"
"""Why an outcome waits: its decision is not there, or not yet."""
UNKNOWN_ACTION = "unknown_action"
"""Why an outcome stays back: its decision came, without that action."""

_D, _E, _Q = schema.DECISIONS.c, schema.EVENTS.c, schema.QUARANTINE.c
_R = schema.RESERVATIONS.c

SEEN = Sql(lambda _, size: select(_E.event_id, _E.body_digest).where(_E.event_id.in_(listed(size))))
SEEN_IN_QUARANTINE = Sql(
    lambda _, size: select(_Q.event_id, _Q.body_digest).where(_Q.event_id.in_(listed(size)))
)
DECISIONS = Sql(
    lambda _, size: select(
        _D.decision_id, _D.decided_at, _D.day, _D.customer_id, _D.channel, _D.actions
    ).where(_D.decision_id.in_(listed(size)))
)
TOLD = Sql(
    lambda _, size: select(
        _E.decision_id, _E.action_id, _E.event_id, _E.type, _E.occurred_at, _E.flags
    ).where(_E.decision_id.in_(listed(size)))
)
QUARANTINED = Sql(
    lambda _, size: select(
        _Q.received_at, _Q.event_id, _Q.body_digest, _Q.decision_id, _Q.action_id, _Q.type,
        _Q.occurred_at, _Q.day, _Q.value, _Q.on_behalf_of, _Q.attributes,
    ).where(_Q.decision_id.in_(listed(size)), _Q.reason == written(f"'{UNKNOWN_DECISION}'"))
)  # fmt: skip
RESERVED = Sql(
    lambda _, size: select(_R.decision_id, _R.action_id, _R.channel, _R.day, _R.expires_at).where(
        _R.decision_id.in_(listed(size)), _R.confirmed_at.is_(None)
    )
)
OVERLOOKED = Sql(
    lambda *_: (
        select(_Q.decision_id)
        .distinct()
        .join_from(schema.QUARANTINE, schema.DECISIONS, _Q.decision_id == _D.decision_id)
        .where(_Q.reason == written(f"'{UNKNOWN_DECISION}'"))
    )
)
RELEASE = Sql(lambda *_: delete(schema.QUARANTINE).where(_Q.event_id == bindparam("this_event")))
KEEP_BACK = Sql(
    lambda *_: (
        update(schema.QUARANTINE)
        .where(_Q.event_id == bindparam("this_event"))
        .values(reason=written(f"'{UNKNOWN_ACTION}'"))
    )
)
FLAG = Sql(
    lambda *_: (
        update(schema.EVENTS)
        .where(_E.event_id == bindparam("this_event"))
        .values(flags=bindparam("new_flags"))
    )
)
INSERT_EVENT = insert_into(schema.EVENTS)
INSERT_QUARANTINE = insert_into(schema.QUARANTINE)


def _confirm(insert: Any, _size: int) -> Any:
    added = insert(schema.RESERVATIONS).values(named(schema.RESERVATIONS))
    return added.on_conflict_do_update(
        index_elements=[_R.decision_id, _R.action_id],
        set_={"confirmed_at": added.excluded.confirmed_at},
        where=_R.confirmed_at.is_(None),
    )


CONFIRM = Sql(_confirm)
"""Confirms a reservation, or notes a presentation that had none; no row where it is confirmed."""
