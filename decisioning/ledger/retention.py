"""Forgets: what is older than it may be kept, and a customer who asks for it.

The content of a decision is erased and its row stays, with the digest, so that the chain holds and
says how many rows were erased. Counts of presentations name nobody and stay.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, delete, select, tuple_, update
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.counting import minute_of
from decisioning.ledger.statements import PAGE, Parameters, Sql, list_sizes, listed
from decisioning.ledger.work import Work

_D, _Q = schema.DECISIONS.c, schema.QUARANTINE.c
_CONTENT = (
    "customer_id", "request_id", "request_digest", "payload", "vectors", "answer", "actions", "salt"
)  # fmt: skip


class Forgotten(NamedTuple):
    """How many rows were erased (decisions) or deleted (the rest)."""

    decisions: int = 0
    outcomes: int = 0
    reservations: int = 0
    consents: int = 0

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


def _delete_of_customer(table: Table) -> Sql:
    return Sql(lambda *_: delete(table).where(table.c.customer_id == bindparam("customer_id")))


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
_OF_CUSTOMER = Sql(
    lambda *_: select(_D.decision_id).where(_D.customer_id == bindparam("customer_id"))
)
_QUARANTINE_OF = Sql(
    lambda _, size: delete(schema.QUARANTINE).where(_Q.decision_id.in_(listed(size)))
)
_EVENTS_OF = _delete_of_customer(schema.EVENTS)
_RESERVATIONS_OF = _delete_of_customer(schema.RESERVATIONS)
_CONSENTS_OF = _delete_of_customer(schema.CONSENTS)
_OLD_DELIVERIES = _delete_old(schema.DELIVERIES, "expires_at")
_DELIVERIES_OF = _delete_of_customer(schema.DELIVERIES)


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


def forget_customer(work: Work, customer_id: str) -> Forgotten:
    """Erase the decisions of a customer and delete everything else that names the customer."""
    session, customer = work.session, {"customer_id": customer_id}
    session.run(_DELIVERIES_OF, customer)
    ids = sorted(str(row[0]) for row in session.all(_OF_CUSTOMER, customer))
    outcomes = session.run(_EVENTS_OF, customer).rowcount
    for size, parameters in list_sizes(ids):
        session.run(_ERASE, parameters, size)
        outcomes += session.run(_QUARANTINE_OF, parameters, size).rowcount
    return Forgotten(
        len(ids),
        outcomes,
        session.run(_RESERVATIONS_OF, customer).rowcount,
        session.run(_CONSENTS_OF, customer).rowcount,
    )
