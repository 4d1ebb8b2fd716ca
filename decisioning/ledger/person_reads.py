"""Reads everything that the ledger knows of one person, as it lies there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select
from sqlalchemy import literal_column as written

from decisioning.ledger import reads, schema
from decisioning.ledger.rows import DecisionRow
from decisioning.ledger.statements import Session, Sql, listed

Columns = dict[str, Any]
"""One row of a table, by column."""

_D, _Q, _M = schema.DECISIONS.c, schema.QUARANTINE.c, schema.MERGES.c


@dataclass(frozen=True)
class Person:
    """What is known of some customer ids that are one person; each list is oldest first.

    Attributes
    ----------
    decisions : whole, with what they were made of; erased ones name nobody and are not here.
    events, reservations, consents, identities, merges : rows of those tables.
    quarantine : events that name the person or one of the decisions.
    """

    decisions: tuple[DecisionRow, ...]
    events: tuple[Columns, ...]
    quarantine: tuple[Columns, ...]
    reservations: tuple[Columns, ...]
    consents: tuple[Columns, ...]
    identities: tuple[Columns, ...]
    merges: tuple[Columns, ...]

    @property
    def rows(self) -> int:
        """How many rows that are in all."""
        return sum(len(rows) for rows in vars(self).values())


def _of_customers(table: Table, *order: str, more: Sequence[str] = ()) -> Sql:
    """Return what reads the rows that name one of some customers in `customer_id` or `more`."""

    def build(_insert: object, size: int) -> Any:
        named = [table.c[name].in_(listed(size)) for name in ("customer_id", *more)]
        return select(table).where(or_(*named)).order_by(*(table.c[name] for name in order))

    return Sql(build)


def _of_decisions(_insert: object, size: int) -> Any:
    held: ColumnElement[bool] = _Q.decision_id.in_(listed(size))
    return select(schema.QUARANTINE).where(held).order_by(_Q.occurred_at, _Q.event_id)


_DECISIONS = Sql(
    lambda _, size: (
        select(*reads.COLUMNS)
        .where(_D.customer_id.in_(listed(size)), _D.state != written("'erased'"))
        .order_by(_D.decided_at, _D.decision_id)
    )
)
_EVENTS = _of_customers(schema.EVENTS, "occurred_at", "event_id")
_QUARANTINE = _of_customers(schema.QUARANTINE, "occurred_at", "event_id")
_QUARANTINE_OF_DECISIONS = Sql(_of_decisions)
_RESERVATIONS = _of_customers(schema.RESERVATIONS, "reserved_at", "decision_id", "action_id")
_CONSENTS = _of_customers(schema.CONSENTS, "valid_from", "recorded_at", "consent_id")
_IDENTITIES = _of_customers(schema.IDENTITIES, "recorded_at", "identity_id")
_MERGES = _of_customers(schema.MERGES, "recorded_at", "merge_id", more=("absorbed_id",))


def read_person(session: Session, customer_ids: Sequence[str]) -> Person:
    """Return everything of a person, who may have several customer ids."""
    ids = sorted(set(customer_ids))
    decisions = tuple(reads.decision_of(row) for row in session.about(_DECISIONS, ids))
    aside = _rows(session, _QUARANTINE, schema.QUARANTINE, ids)
    of_decisions = [one.decision_id for one in decisions]
    aside += _rows(session, _QUARANTINE_OF_DECISIONS, schema.QUARANTINE, of_decisions)
    return Person(
        decisions=decisions,
        events=_rows(session, _EVENTS, schema.EVENTS, ids),
        quarantine=tuple({row["event_id"]: row for row in aside}.values()),
        reservations=_rows(session, _RESERVATIONS, schema.RESERVATIONS, ids),
        consents=_rows(session, _CONSENTS, schema.CONSENTS, ids),
        identities=_rows(session, _IDENTITIES, schema.IDENTITIES, ids),
        merges=_rows(session, _MERGES, schema.MERGES, ids),
    )


def _rows(session: Session, sql: Sql, table: Table, values: Sequence[str]) -> tuple[Columns, ...]:
    names = [str(column.name) for column in table.columns]
    found = session.about(sql, sorted(values)) if values else []
    return tuple(dict(zip(names, row, strict=True)) for row in found)
