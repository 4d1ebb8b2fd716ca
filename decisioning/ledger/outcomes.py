"""Puts outcomes into the ledger: each once, under its decision, and counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from decisioning.ledger import outcome_sql as sql
from decisioning.ledger.rows import ItemStatus, OutcomeRow
from decisioning.ledger.statements import Parameters, Row, Sql
from decisioning.ledger.work import Work

LATE = "late"
"""The flag of an outcome after the response window of its action."""
_DAY_SECONDS = 86_400.0


class _Returned(NamedTuple):
    """An action of a decision, as its outcomes need it; `window` in seconds."""

    group: str
    issue: str
    window: float


@dataclass(frozen=True)
class _Decision:
    decided_at: float
    day: int
    customer_id: str | None
    channel: str
    actions: dict[str, _Returned]

    @classmethod
    def of(cls, row: Row) -> _Decision:
        """Return it from a row of `DECISIONS`; an erased one has no actions."""
        _, decided_at, day, customer_id, channel, actions = row
        returned = {
            action_id: _Returned(group, issue, days * _DAY_SECONDS)
            for action_id, group, issue, days in json.loads(actions or "[]")
        }
        return cls(decided_at, day, customer_id, channel, returned)


@dataclass
class _Told:
    """One outcome of an action of a decision; `columns` only where it is not stored yet."""

    event_id: str
    outcome: str
    occurred_at: float
    flags: str
    columns: dict[str, Any] | None = None


class Placing:
    """Outcomes on their way into one transaction, with all that is known about them."""

    def __init__(self, work: Work, items: Sequence[OutcomeRow]) -> None:
        self._session = session = work.session
        self._counting = work.counting
        self._seen: dict[str, str] = {}
        self.know(sql.SEEN, items)
        asked = sorted({item.decision_id for item in items})
        self._decisions = {row[0]: _Decision.of(row) for row in session.about(sql.DECISIONS, asked)}
        self._told: dict[tuple[str, str], list[_Told]] = {}
        for decision_id, action_id, *told in session.about(sql.TOLD, sorted(self._decisions)):
            self._told.setdefault((decision_id, action_id), []).append(_Told(*told))
        self._aside: list[dict[str, Any]] = []

    def know(self, seen: Sql, items: Sequence[OutcomeRow]) -> None:
        """Look up which of the outcomes were reported before."""
        events = sorted({item.event_id for item in items})
        self._seen |= {row[0]: row[1] for row in self._session.about(seen, events)}

    def place(self, item: OutcomeRow, received_at: float) -> ItemStatus:
        """Say what becomes of an outcome, and keep it until `flush`."""
        if (digest := self._seen.get(item.event_id)) is not None:
            return "duplicate" if digest == item.body_digest else "conflict"
        decision = self._decisions.get(item.decision_id)
        columns = _columns(item, received_at)
        if decision is None:
            self._aside.append(columns | {"reason": sql.UNKNOWN_DECISION})
            self._seen[item.event_id] = item.body_digest
            return "quarantined"
        action = decision.actions.get(item.action_id)
        if action is None:
            return "unknown_action"
        if columns["occurred_at"] < decision.decided_at:
            # By a wrong clock. It counts from the decision on, or a limit would not see it.
            columns |= _moved(columns, decision)
        columns["customer_id"], columns["channel"] = decision.customer_id, decision.channel
        columns["action_group"], columns["issue"] = action.group, action.issue
        told = _Told(item.event_id, item.outcome, columns["occurred_at"], "", columns)
        self._told.setdefault((item.decision_id, item.action_id), []).append(told)
        self._seen[item.event_id] = item.body_digest
        return "stored"

    def flush(self) -> None:
        """Write what was kept; every table in the order of its key, so that nobody deadlocks."""
        changed = [
            (key, told)
            for key, told in sorted(self._told.items())
            if any(one.columns is not None for one in told)
        ]
        flags = [flag for key, told in changed for flag in self._flags(key, told)]
        new = [one.columns for _, told in changed for one in told if one.columns is not None]
        by_event = sorted(new, key=lambda columns: str(columns["event_id"]))
        self._session.many(sql.INSERT_EVENT, by_event)
        self._session.many(sql.FLAG, sorted(flags, key=lambda flag: str(flag["this_event"])))
        aside = sorted(self._aside, key=lambda columns: str(columns["event_id"]))
        self._session.many(sql.INSERT_QUARANTINE, aside)
        self._confirm([columns for columns in new if columns["type"] == "presented"])

    def _flags(self, key: tuple[str, str], told: list[_Told]) -> list[dict[str, str]]:
        """Flag what is late; return the changes of rows that are stored already.

        The window begins with the first presentation that is known, or else with the decision: a
        presentation that is reported after its answer can change what is late.
        """
        decision = self._decisions[key[0]]
        presented = [one.occurred_at for one in told if one.outcome == "presented"]
        end = min(presented, default=decision.decided_at) + decision.actions[key[1]].window
        changes = []
        for one in told:
            flags = LATE if one.occurred_at > end else ""
            if one.columns is not None:
                one.columns["flags"] = flags
            elif flags != one.flags:
                changes.append({"this_event": one.event_id, "new_flags": flags})
        return changes

    def _confirm(self, presented: list[dict[str, Any]]) -> None:
        """Confirm reservations and count; what is confirmed already is not counted again."""
        decisions = sorted({columns["decision_id"] for columns in presented})
        reserved = {
            (row[0], row[1]): row[2:] for row in self._session.about(sql.RESERVED, decisions)
        }
        for columns in presented:
            if self._session.run(sql.CONFIRM, _reservation(columns)).rowcount != 1:
                continue
            action_id = columns["action_id"]
            self._counting.present(action_id, columns["channel"], columns["day"])
            if (slot := reserved.get((columns["decision_id"], action_id))) is not None:
                channel, day, expires_at = slot
                self._counting.reserve(action_id, channel, day, expires_at, -1)


def link_quarantined(work: Work, decision_ids: Sequence[str]) -> None:
    """Place the outcomes that were reported before their decisions were known."""
    rows = work.session.about(sql.QUARANTINED, sorted(decision_ids))
    if not rows:
        return
    items = [(OutcomeRow(*row[1:]), row[0]) for row in sorted(rows, key=lambda row: str(row[1]))]
    placing = Placing(work, [item for item, _ in items])
    released: list[Parameters] = []
    kept_back: list[Parameters] = []
    for item, received_at in items:
        known = placing.place(item, received_at) != "unknown_action"
        (released if known else kept_back).append({"this_event": item.event_id})
    work.session.many(sql.RELEASE, released)
    work.session.many(sql.KEEP_BACK, kept_back)
    placing.flush()


def link_overlooked(work: Work) -> None:
    """Place what two processes put into quarantine and into the ledger at the same moment."""
    link_quarantined(work, [str(row[0]) for row in work.session.all(sql.OVERLOOKED, {})])


def _columns(item: OutcomeRow, received_at: float) -> dict[str, Any]:
    """Return the columns of an outcome of which only the report is known."""
    return {
        "event_id": item.event_id,
        "body_digest": item.body_digest,
        "type": item.outcome,
        "customer_id": None,
        "occurred_at": float(item.occurred_at),
        "received_at": float(received_at),
        "day": int(item.day),
        "channel": None,
        "action_id": item.action_id,
        "action_group": None,
        "issue": None,
        "decision_id": item.decision_id,
        "value": None if item.value is None else float(item.value),
        "on_behalf_of": item.on_behalf_of,
        "rating": None,
        "amount": None,
        "category": None,
        "session_id": None,
        "refers_to": None,
        "attributes": item.attributes,
        "flags": "",
    }


def _moved(columns: dict[str, Any], decision: _Decision) -> dict[str, Any]:
    """Return when something is taken to have happened that is told to precede its decision."""
    told_as = json.loads(columns["attributes"]) | {"told_as_s": columns["occurred_at"]}
    return {
        "occurred_at": decision.decided_at,
        "day": decision.day,
        "attributes": json.dumps(told_as),
    }


def _reservation(columns: dict[str, Any]) -> dict[str, Any]:
    """Return the reservation of a presentation, for where none was made."""
    same = ("decision_id", "action_id", "customer_id", "action_group", "issue", "channel", "day")
    at = columns["occurred_at"]
    return {
        **{name: columns[name] for name in same},
        "placement": "",
        "reserved_at": at,
        "expires_at": at,
        "confirmed_at": at,
    }
