"""Takes events back: what was a mis-click stays in the ledger, and counts no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from decisioning.ledger import event_sql
from decisioning.ledger.event_columns import Columns
from decisioning.ledger.identities import may_be_one
from decisioning.ledger.rows import ItemStatus
from decisioning.ledger.statements import Session, Sql

UNDO = "undo"
"""The type of an event that takes another one back."""

_NEVER_UNDONE = ("presented", UNDO)
"""What was shown was shown, and nobody could follow an undo of an undo."""


class _Referred(NamedTuple):
    type: str
    customer_id: str | None


class Undos:
    """The undos of one transaction, and the events that they take back."""

    def __init__(self, session: Session, items: Sequence[Columns]) -> None:
        self._session = session
        asked = sorted({item["refers_to"] for item in items if item["type"] == UNDO})
        self._wanted = frozenset(asked)
        self._known = {
            row[0]: _Referred(*row[1:]) for row in session.about(event_sql.REFERRED, asked)
        }
        self._undone: list[str] = []

    def know(self, columns: Columns) -> None:
        """Remember an event that is stored in this transaction."""
        event_id = columns["event_id"]
        if event_id in self._wanted:
            self._known[event_id] = _Referred(columns["type"], columns["customer_id"])

    def place(self, columns: Columns) -> ItemStatus:
        """Say what becomes of an undo; it is about the customer of the event.

        It may come under any id of the person, and is kept under that of the event: taking a merge
        back does not part the two.
        """
        referred = self._known.get(columns["refers_to"])
        if referred is None:
            return "quarantined"
        if referred.type in _NEVER_UNDONE:
            return "not_undoable"
        told, whose = columns["customer_id"], referred.customer_id
        if not may_be_one(self._session, told, whose):
            return "other_customer"
        columns["customer_id"] = whose or told
        self._undone.append(columns["refers_to"])
        return "stored"

    def flag(self) -> list[tuple[str, Sql]]:
        """Return the changes of what is taken back; doing one twice is no matter."""
        return [(event_id, event_sql.FLAG_UNDONE) for event_id in self._undone]
