"""Deliveries of triggers, kept with the decisions: a crash neither loses nor changes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy import literal_column as written

from decisioning.ledger import schema
from decisioning.ledger.identities import read_people
from decisioning.ledger.jobs import Run
from decisioning.ledger.statements import Sql, insert_new, list_sizes, listed, named
from decisioning.ledger.store import Store
from decisioning.ledger.work import Work
from decisioning.ledger.writer import Writer

DeliveryState = Literal["waiting", "decided", "delivered", "dropped", "failed"]
"""waiting to be decided; decided and to be delivered; the other three are ends."""

_E, _T, _P = schema.EVENTS.c, schema.DELIVERIES.c, schema.POSITIONS.c
_EVENT = (
    _E.event_id, _E.type, _E.customer_id, _E.occurred_at, _E.received_at, _E.channel, _E.action_id,
    _E.category, _E.session_id, _E.amount, _E.rating, _E.value,
)  # fmt: skip
_CAME = Sql(
    lambda _, size: (
        select(*_EVENT)
        .where(
            _E.type.in_(listed(size)),
            or_(
                _E.received_at > bindparam("since"),
                and_(_E.received_at == bindparam("since"), _E.event_id > bindparam("after")),
            ),
        )
        .order_by(_E.received_at, _E.event_id)
        .limit(bindparam("page"))
        .offset(written("0"))
    )
)
_ONE = Sql(lambda *_: select(*_EVENT).where(_E.event_id == bindparam("event_id")))
_TAKEN_BACK = Sql(
    lambda *_: select(_E.event_id).where(
        _E.refers_to == bindparam("event_id"), _E.type == written("'undo'")
    )
)
_BETWEEN = Sql(
    lambda _, size: (
        select(func.count())
        .select_from(schema.EVENTS)
        .where(
            _E.type.in_(listed(size)),
            _E.customer_id == bindparam("customer_id"),
            _E.occurred_at >= bindparam("start"),
            _E.occurred_at <= bindparam("until"),
        )
    )
)
_DUE = Sql(
    lambda *_: (
        select(*_T)
        .where(_T.state == bindparam("state"), _T.due_at <= bindparam("now"))
        .order_by(_T.due_at, _T.delivery_id)
        .limit(bindparam("page"))
        .offset(written("0"))
    )
)
_LAST = Sql(
    lambda *_: select(func.max(_T.decided_at)).where(
        _T.customer_id == bindparam("customer_id"),
        _T.trigger_id == bindparam("trigger_id"),
        _T.state.in_([written(f"'{state}'") for state in ("decided", "delivered", "failed")]),
    )
)
_COUNTS = Sql(lambda *_: select(_T.state, _T.reason, func.count()).group_by(_T.state, _T.reason))
_CHANGED = (
    "customer_id", "due_at", "state", "reason", "decision_id", "decided_at", "body", "attempts"
)  # fmt: skip
_CHANGE = Sql(
    lambda *_: (
        update(schema.DELIVERIES)
        .where(_T.delivery_id == bindparam("this_delivery"))
        .values({name: bindparam(name) for name in _CHANGED})
    )
)
_POSITION = Sql(lambda *_: select(_P.at).where(_P.name == bindparam("name")))


def _set_position(insert: Any, _size: int) -> Any:
    adding = insert(schema.POSITIONS).values(named(schema.POSITIONS))
    return adding.on_conflict_do_update(index_elements=["name"], set_={"at": adding.excluded.at})


_NEW, _SET_POSITION = insert_new(schema.DELIVERIES), Sql(_set_position)


class Happened(NamedTuple):
    """One event, as a trigger looks at it; what was not told is None.

    Attributes
    ----------
    customer_ids : every id of the person, where it was asked for; the others are as they were told.
    """

    event_id: str
    type: str
    customer_id: str | None
    occurred_at: float
    received_at: float
    channel: str | None
    action_id: str | None
    category: str | None
    session_id: str | None
    amount: float | None
    rating: float | None
    value: float | None
    customer_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """What is to be delivered for one trigger and event.

    Attributes
    ----------
    due_at : when the next step is due, seconds since 1970.
    expires_at : after this moment it is not decided any more.
    reason : why it was dropped or failed; "" otherwise.
    body : what is delivered; None before it is decided.
    """

    delivery_id: str
    trigger_id: str
    event_id: str
    customer_id: str | None
    recorded_at: float
    due_at: float
    expires_at: float
    state: DeliveryState = "waiting"
    reason: str = ""
    decision_id: str | None = None
    decided_at: float | None = None
    body: bytes | None = None
    attempts: int = 0


class Deliveries:
    """The deliveries of a ledger; every method may raise LedgerError."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._readers, self._writer = store.readers, writer

    def position(self, name: str) -> float | None:
        """Return how far somebody has looked; None where nobody of that name ever has."""
        found = self._all(_POSITION, {"name": name})
        return float(found[0][0]) if found else None

    def came(self, types: Sequence[str], since: float, after: str, page: int) -> list[Happened]:
        """Return a page of events by when they came, behind the event of that time and id."""
        given = {"since": since, "after": after, "page": page}
        return [Happened(*row) for row in self._listed(_CAME, types, given)]

    def event(self, event_id: str) -> Happened | None:
        """Return an event, under the id that stands for its person by now.

        None where it is not there, or was taken back.
        """
        found = self._all(_ONE, {"event_id": event_id})
        if not found or self._all(_TAKEN_BACK, {"event_id": event_id}):
            return None
        event = Happened(*found[0])
        if event.customer_id is None:
            return event
        with self._readers.lend() as session:
            ids = read_people(session, [event.customer_id]).aliases(event.customer_id)
        return event._replace(customer_id=ids[0], customer_ids=ids)

    def happened(
        self, customer_ids: Sequence[str], types: Sequence[str], start: float, until: float
    ) -> bool:
        """Tell whether one of some customers has an event of some types between two moments.

        Both moments are included.
        """
        given = {"start": start, "until": until}
        return any(
            self._listed(_BETWEEN, types, {**given, "customer_id": one})[0][0]
            for one in customer_ids
        )

    def last_decided(self, trigger_id: str, customer_ids: Sequence[str]) -> float | None:
        """Return when a trigger last had something for one of some customers."""
        given = [{"trigger_id": trigger_id, "customer_id": one} for one in customer_ids]
        found = [self._all(_LAST, one)[0][0] for one in given]
        return max((one for one in found if one is not None), default=None)

    def due(self, state: DeliveryState, now: float, page: int) -> list[Delivery]:
        """Return a page of what is due in a state, oldest first."""
        given = {"state": state, "now": now, "page": page}
        return [_delivery(row) for row in self._all(_DUE, given)]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many deliveries there are by state and reason."""
        return {(row[0], row[1]): int(row[2]) for row in self._all(_COUNTS, {})}

    def add(self, deliveries: Sequence[Delivery], name: str, position: float) -> None:
        """Keep deliveries that are not there yet, and how far somebody has looked, durably."""
        rows = [asdict(one) for one in sorted(deliveries, key=lambda one: one.delivery_id)]

        def do(work: Work) -> None:
            work.session.many(_NEW, rows)
            work.session.run(_SET_POSITION, {"name": name, "at": position})

        self._writer.submit(Run(do)).result()

    def change(self, delivery: Delivery, **changed: Any) -> Delivery:
        """Change a delivery durably and return it as it is then."""
        new = replace(delivery, **changed)
        values = {name: getattr(new, name) for name in _CHANGED}
        given = {**values, "this_delivery": new.delivery_id}
        self._writer.submit(Run(lambda work: work.session.run(_CHANGE, given) and None)).result()
        return new

    def _all(self, sql: Sql, given: Any) -> list[Any]:
        with self._readers.lend() as session:
            return session.all(sql, given)

    def _listed(self, sql: Sql, values: Sequence[str], given: Any) -> list[Any]:
        ((size, several),) = list_sizes(sorted(values))
        with self._readers.lend() as session:
            return session.all(sql, {**given, **several}, size)


def _delivery(row: Any) -> Delivery:
    delivery = Delivery(*row)
    return replace(delivery, body=None if delivery.body is None else bytes(delivery.body))
