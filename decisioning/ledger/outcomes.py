"""Puts outcomes under their decision: within the response window or late, and counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from decisioning.ledger import event_sql, outcome_sql
from decisioning.ledger.event_columns import Columns
from decisioning.ledger.rows import ItemStatus
from decisioning.ledger.statements import Row, Sql
from decisioning.ledger.work import Work

_DAY_SECONDS = 86_400.0


class _Returned(NamedTuple):
    """An action of a decision, as its outcomes need it; `window` in seconds."""

    group: str
    issue: str
    window: float


@dataclass(frozen=True)
class Decided:
    """A decision, as what happens to it needs it."""

    decided_at: float
    day: int
    customer_id: str | None
    channel: str
    actions: dict[str, _Returned]

    @classmethod
    def of(cls, row: Row) -> Decided:
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
    columns: Columns | None = None


class Outcomes:
    """The outcomes of one transaction, beside those that their decisions have already."""

    def __init__(self, work: Work, decisions: dict[str, Decided], asked: Iterable[str]) -> None:
        self._session, self._counting = work.session, work.counting
        self._decisions = decisions
        self._told: dict[tuple[str, str], list[_Told]] = {}
        known = sorted({one for one in asked if one in decisions})
        for decision_id, action_id, *told in self._session.about(outcome_sql.TOLD, known):
            self._told.setdefault((decision_id, action_id), []).append(_Told(*told))

    def place(self, columns: Columns) -> ItemStatus:
        """Complete the columns of an outcome of a known decision."""
        decision = self._decisions[columns["decision_id"]]
        action = decision.actions.get(columns["action_id"])
        if action is None:
            return "unknown_action"
        if columns["occurred_at"] < decision.decided_at:
            # By a wrong clock. It counts from the decision on, or a limit would not see it.
            columns |= _moved(columns, decision)
        columns["customer_id"], columns["channel"] = decision.customer_id, decision.channel
        columns["action_group"], columns["issue"] = action.group, action.issue
        told = _Told(columns["event_id"], columns["type"], columns["occurred_at"], "", columns)
        self._told.setdefault((columns["decision_id"], columns["action_id"]), []).append(told)
        return "stored"

    def flag(self) -> list[tuple[str, Sql]]:
        """Flag what is late; return the changes of rows that are stored already."""
        changed = [
            (key, told)
            for key, told in self._told.items()
            if any(one.columns is not None for one in told)
        ]
        return [change for key, told in changed for change in self._flag(key, told)]

    def _flag(self, key: tuple[str, str], told: list[_Told]) -> list[tuple[str, Sql]]:
        """Flag the outcomes of one action of a decision.

        The window begins with the first presentation that is known, or else with the decision: a
        presentation that is reported after its answer can change what is late.
        """
        decision = self._decisions[key[0]]
        presented = [one.occurred_at for one in told if one.outcome == "presented"]
        end = min(presented, default=decision.decided_at) + decision.actions[key[1]].window
        changes = []
        for one in told:
            late = one.occurred_at > end
            if one.columns is not None:
                one.columns["flags"] = event_sql.LATE if late else ""
            elif late != (event_sql.LATE in one.flags.split()):
                change = event_sql.FLAG_LATE if late else event_sql.FLAG_ON_TIME
                changes.append((one.event_id, change))
        return changes

    def confirm(self) -> None:
        """Confirm reservations and count; what is confirmed already is not counted again."""
        presented = [
            one.columns
            for _, told in sorted(self._told.items())
            for one in told
            if one.columns is not None and one.outcome == "presented"
        ]
        decisions = sorted({columns["decision_id"] for columns in presented})
        reserved = {
            (row[0], row[1]): row[2:]
            for row in self._session.about(outcome_sql.RESERVED, decisions)
        }
        for columns in presented:
            if self._session.run(outcome_sql.CONFIRM, _reservation(columns)).rowcount != 1:
                continue
            action_id = columns["action_id"]
            self._counting.present(action_id, columns["channel"], columns["day"])
            if (slot := reserved.get((columns["decision_id"], action_id))) is not None:
                channel, day, expires_at = slot
                self._counting.reserve(action_id, channel, day, expires_at, -1)


def _moved(columns: Columns, decision: Decided) -> Columns:
    """Return when something is taken to have happened that is told to precede its decision."""
    told_as = json.loads(columns["attributes"]) | {"told_as_s": columns["occurred_at"]}
    return {
        "occurred_at": decision.decided_at,
        "day": decision.day,
        "attributes": json.dumps(told_as),
    }


def _reservation(columns: Columns) -> dict[str, Any]:
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
