"""The statements that only outcomes need."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from decisioning.ledger import schema
from decisioning.ledger.event_sql import is_outcome
from decisioning.ledger.statements import Sql, listed, named

_E, _R = schema.EVENTS.c, schema.RESERVATIONS.c

TOLD = Sql(
    lambda _, size: select(
        _E.decision_id, _E.action_id, _E.event_id, _E.type, _E.occurred_at, _E.flags
    ).where(_E.decision_id.in_(listed(size)), is_outcome(_E))
)
RESERVED = Sql(
    lambda _, size: select(_R.decision_id, _R.action_id, _R.channel, _R.day, _R.expires_at).where(
        _R.decision_id.in_(listed(size)), _R.confirmed_at.is_(None)
    )
)


def _confirm(insert: Any, _size: int) -> Any:
    added = insert(schema.RESERVATIONS).values(named(schema.RESERVATIONS))
    return added.on_conflict_do_update(
        index_elements=[_R.decision_id, _R.action_id],
        set_={"confirmed_at": added.excluded.confirmed_at},
        where=_R.confirmed_at.is_(None),
    )


CONFIRM = Sql(_confirm)
"""Confirms a reservation, or notes a presentation that had none; no row where it is confirmed."""
