"""Forgets: what is older than it may be kept, and a customer who asks for it.

The content of a decision is erased and its row stays, with the digest, so that the chain holds and
says how many rows were erased. Counts of presentations name nobody and stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, delete, select, tuple_, update
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.counting import minute_of
from decisioning.ledger.statements import PAGE, Parameters, Session, Sql, list_sizes, listed
from decisioning.ledger.work import Work

_D, _Q = schema.DECISIONS.c, schema.QUARANTINE.c
_CONTENT = (
    "customer_id", "request_id", "request_digest", "payload", "vectors", "answer", "actions", "salt"
)  # fmt: skip


class Forgotten(NamedTuple):
    """How many rows were erased (decisions) or deleted (the rest; identities with their merges)."""

    decisions: int = 0
    outcomes: int = 0
    reservations: int = 0
    consents: int = 0
    identities: int = 0

    def plus(self, other: Forgotten) -> Forgotten:
        """Return both together."""
        return Forgotten(*(mine + its for mine, its in zip(self, other, strict=True)))


def _page(statement: Any) -> Any:
    return statement.limit(bindparam("page")).offset(bindparam("none"))


def _erase(_insert: object, size: int) -> Any:
    nothing: dict[str, Any] = dict.fromkeys(_CONTENT, written("NULL"))
    chosen = update(schema.DECISIONS).where(_D.decision_id.in_(listed(size)))
    return chosen.values(**nothing, state=written("'erased'"))


def _delete_old(table: Table, time: str) -> Sql:
    """Return what deletes one page of the rows that are older."""
    key, at = tuple_(*table.primary_key.columns), table.c[time]
    old = select(*table.primary_key.columns).where(at < bindparam("before")).order_by(at)
    return Sql(lambda *_: delete(table).where(key.in_(_page(old))))


def _delete_of(table: Table, column: str = "customer_id") -> Sql:
    """Return what deletes the rows that name one of some customers in a column."""
    return Sql(lambda _, size: delete(table).where(table.c[column].in_(listed(size))))


_ERASE = Sql(_erase)
_OLD = Sql(
    lambda *_: _page(
        select(_D.decision_id)
        .where(_D.decided_at < bindparam("before"), _D.state != written("'erased'"))
        .order_by(_D.decided_at)
    )
)
_OLD_EVENTS = _delete_old(schema.EVENTS, "occurred_at")
_OLD_QUARANTINE = _delete_old(schema.QUARANTINE, "occurred_at")
_OLD_RESERVATIONS = _delete_old(schema.RESERVATIONS, "expires_at")
_OLD_COUNTERS = Sql(
    lambda *_: delete(schema.RESERVED).where(schema.RESERVED.c.minute < bindparam("minute"))
)
_OF_CUSTOMERS = Sql(lambda _, size: select(_D.decision_id).where(_D.customer_id.in_(listed(size))))
_QUARANTINE_OF = Sql(
    lambda _, size: delete(schema.QUARANTINE).where(_Q.decision_id.in_(listed(size)))
)
_QUARANTINE_NAMING = _delete_of(schema.QUARANTINE)
_EVENTS_OF = _delete_of(schema.EVENTS)
_RESERVATIONS_OF = _delete_of(schema.RESERVATIONS)
_CONSENTS_OF = _delete_of(schema.CONSENTS)
_PEOPLE_OF = (
    _delete_of(schema.IDENTITIES),
    _delete_of(schema.MERGES),
    _delete_of(schema.MERGES, "absorbed_id"),
)
_OLD_DELIVERIES = _delete_old(schema.DELIVERIES, "expires_at")
_DELIVERIES_OF = _delete_of(schema.DELIVERIES)


def purge_page(work: Work, before: float, outcomes_before: float) -> Forgotten:
    """Forget one page of each kind; nothing is left where all counts are 0.

    Decisions and reservations from before the first moment, outcomes from before the second.
    """
    session = work.session
    page: Parameters = {"page": PAGE, "none": 0, "before": before}
    page_of_outcomes = {**page, "before": outcomes_before}
    while session.run(_OLD_DELIVERIES, page).rowcount:
        pass
    session.run(_OLD_COUNTERS, {"minute": minute_of(before)})
    ids = [str(row[0]) for row in session.all(_OLD, page)]
    for size, parameters in list_sizes(ids):
        session.run(_ERASE, parameters, size)
    outcomes = session.run(_OLD_EVENTS, page_of_outcomes).rowcount
    outcomes += session.run(_OLD_QUARANTINE, page_of_outcomes).rowcount
    return Forgotten(len(ids), outcomes, session.run(_OLD_RESERVATIONS, page).rowcount)


def forget_customers(work: Work, customer_ids: Sequence[str]) -> Forgotten:
    """Erase the decisions of customers and delete everything else that names one of them."""
    session, customers = work.session, sorted(set(customer_ids))
    ids = sorted(str(row[0]) for row in session.about(_OF_CUSTOMERS, customers))
    outcomes = _run(session, _EVENTS_OF, customers) + _run(session, _QUARANTINE_NAMING, customers)
    outcomes += _run(session, _QUARANTINE_OF, ids)
    _run(session, _ERASE, ids)
    _run(session, _DELIVERIES_OF, customers)
    return Forgotten(
        len(ids),
        outcomes,
        _run(session, _RESERVATIONS_OF, customers),
        _run(session, _CONSENTS_OF, customers),
        sum(_run(session, sql, customers) for sql in _PEOPLE_OF),
    )


def _run(session: Session, sql: Sql, values: Sequence[str]) -> int:
    """Run a statement about a list of any length; return how many rows it changed."""
    pages = list_sizes(values)
    return sum(session.run(sql, parameters, size).rowcount for size, parameters in pages)
