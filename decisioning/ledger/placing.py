"""Puts what happened into the ledger, each event once; what cannot be placed yet waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from decisioning.ledger import event_sql as sql
from decisioning.ledger.event_columns import Columns
from decisioning.ledger.identities import may_be_one
from decisioning.ledger.outcomes import Decided, Outcomes
from decisioning.ledger.rows import REFUSALS, ItemStatus
from decisioning.ledger.statements import Parameters, Row, Session, Sql
from decisioning.ledger.undos import UNDO, Undos
from decisioning.ledger.work import Work
from features.canonical.schemas import OUTCOME_TYPES


class _Seen(NamedTuple):
    body_digest: str
    customer_id: str | None


class Placing:
    """Events on their way into one transaction, with all that is known about them."""

    def __init__(self, work: Work, items: Sequence[Columns]) -> None:
        self._work, self._session = work, work.session
        self._seen: dict[str, _Seen] = {}
        self.know(sql.SEEN, items)
        asked = sorted({one["decision_id"] for one in items if one["decision_id"] is not None})
        self._decisions = {
            row[0]: Decided.of(row) for row in work.session.about(sql.DECISIONS, asked)
        }
        of_outcomes = {one["decision_id"] for one in items if one["type"] in OUTCOME_TYPES}
        self._outcomes = Outcomes(work, self._decisions, of_outcomes)
        self._undos = Undos(work.session, items)
        self._new: list[Columns] = []
        self._aside: list[Columns] = []

    def know(self, seen: Sql, items: Sequence[Columns]) -> None:
        """Look up which of the events were reported before."""
        events = sorted({item["event_id"] for item in items})
        self._seen |= {row[0]: _Seen(*row[1:]) for row in self._session.about(seen, events)}

    def place(self, columns: Columns) -> ItemStatus:
        """Say what becomes of an event, and keep it until `flush`."""
        if (seen := self._seen.get(columns["event_id"])) is not None:
            return "duplicate" if seen.body_digest == columns["body_digest"] else "conflict"
        status = self._status(columns)
        if status == "stored":
            self._new.append(columns)
            self._undos.know(columns)
        elif status == "quarantined":
            undo = columns["type"] == UNDO
            reason = sql.UNKNOWN_EVENT if undo else sql.UNKNOWN_DECISION
            self._aside.append(columns | {"reason": reason})
        else:
            return status
        self._seen[columns["event_id"]] = _Seen(columns["body_digest"], columns["customer_id"])
        return status

    def customer_of(self, event_id: str) -> str | None:
        """Return whose event it is, of one that is known."""
        return self._seen[event_id].customer_id

    def _status(self, columns: Columns) -> ItemStatus:
        if columns["type"] == UNDO:
            return self._undos.place(columns)
        if columns["decision_id"] is None:
            return "stored"
        decision = self._decisions.get(columns["decision_id"])
        if decision is None:
            return "quarantined"
        if columns["type"] in OUTCOME_TYPES:
            return self._outcomes.place(columns)
        return _placed_under(self._session, columns, decision)

    def flush(self) -> None:
        """Write what was kept; every table in the order of its key, so that nobody deadlocks."""
        changes = sorted({*self._outcomes.flag(), *self._undos.flag()}, key=lambda one: one[0])
        self._session.many(sql.INSERT_EVENT, _by_event(self._new))
        for event_id, change in changes:
            self._session.run(change, {"this_event": event_id})
        self._session.many(sql.INSERT_QUARANTINE, _by_event(self._aside))
        self._outcomes.confirm()
        link_undos(self._work, [columns["event_id"] for columns in self._new])


def link_quarantined(work: Work, decision_ids: Sequence[str]) -> None:
    """Place the events that were reported before their decisions were known."""
    _place_waiting(work, work.session.about(sql.WAITING_FOR_DECISIONS, sorted(decision_ids)))


def link_undos(work: Work, event_ids: Sequence[str]) -> None:
    """Place the undos that were reported before what they take back."""
    _place_waiting(work, work.session.about(sql.WAITING_FOR_EVENTS, sorted(event_ids)))


def link_overlooked(work: Work) -> None:
    """Place what two processes put into quarantine and into the ledger at the same moment."""
    link_quarantined(work, _ids(work.session.all(sql.OVERLOOKED_DECISIONS, {})))
    link_undos(work, _ids(work.session.all(sql.OVERLOOKED_EVENTS, {})))


def _place_waiting(work: Work, rows: Sequence[Row]) -> None:
    if not rows:
        return
    items = _by_event([dict(zip(sql.NAMES, row, strict=True)) for row in set(rows)])
    placing = Placing(work, items)
    released: list[Parameters] = []
    kept_back: list[Parameters] = []
    for item in items:
        status, event_id = placing.place(item), item["event_id"]
        if status in REFUSALS:
            kept_back.append({"this_event": event_id, "new_reason": status})
        else:
            released.append({"this_event": event_id})
    work.session.many(sql.RELEASE, released)
    work.session.many(sql.KEEP_BACK, kept_back)
    placing.flush()


def _placed_under(session: Session, columns: Columns, decision: Decided) -> ItemStatus:
    """Complete the columns of an event that names a decision and is no outcome of it."""
    told, whose = columns["customer_id"], decision.customer_id
    if not may_be_one(session, told, whose):
        return "other_customer"
    columns["customer_id"] = told or whose
    if (action := decision.actions.get(columns["action_id"])) is not None:
        columns["action_group"], columns["issue"] = action.group, action.issue
    return "stored"


def _by_event(items: Sequence[Columns]) -> list[Columns]:
    return sorted(items, key=lambda columns: str(columns["event_id"]))


def _ids(rows: Sequence[Row]) -> list[str]:
    return [str(row[0]) for row in rows]
