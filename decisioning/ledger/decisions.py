"""Puts decisions and reservations into the ledger."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import select

from decisioning.history import History
from decisioning.ledger import schema
from decisioning.ledger.placing import link_quarantined
from decisioning.ledger.rows import DecisionRow, ReturnedAction, Slot, Taken
from decisioning.ledger.statements import Parameters, Sql, insert_into, listed
from decisioning.ledger.work import Work

Check = Callable[[History], bool]
"""Whether a decision may still be made, looking at a history nobody else can change meanwhile."""

_LEVEL = 1
_D = schema.DECISIONS.c

KNOWN = Sql(lambda _, size: select(_D.decision_id).where(_D.decision_id.in_(listed(size))))
BY_REQUESTS = Sql(
    lambda _, size: select(_D.request_id, _D.decision_id, _D.request_digest, _D.answer).where(
        _D.request_id.in_(listed(size))
    )
)
INSERT_DECISION = insert_into(schema.DECISIONS)
INSERT_RESERVATION = insert_into(schema.RESERVATIONS)


def prepare(record: DecisionRow) -> dict[str, Any]:
    """Return the columns of a decision except its place in the chain, compressed."""
    return {
        "decision_id": record.decision_id,
        "decided_at": float(record.decided_at),
        "day": int(record.day),
        "customer_id": record.customer_id,
        "channel": record.channel,
        "mode": record.mode,
        "state": "pending" if record.mode == "deferred" else "live",
        "request_id": record.request_id,
        "request_digest": record.request_digest,
        "payload": zlib.compress(record.payload, _LEVEL),
        "vectors": zlib.compress(record.vectors, _LEVEL),
        "answer": record.answer,
        "actions": actions_text(record.actions),
    }


def actions_text(actions: Iterable[ReturnedAction]) -> str:
    """Return the returned actions as the JSON list that the row keeps."""
    return json.dumps([list(one) for one in actions], ensure_ascii=False, separators=(",", ":"))


class Register:
    """Decisions on their way into one transaction; knows which are there already."""

    def __init__(self, work: Work, rows: Sequence[dict[str, Any]]) -> None:
        self._work = work
        session = work.session
        ids = sorted({row["decision_id"] for row in rows})
        requests = sorted({row["request_id"] for row in rows if row["request_id"] is not None})
        self._known = {found[0] for found in session.about(KNOWN, ids)}
        self._requests = {
            found[0]: Taken(found[1], True, found[2], found[3])
            for found in session.about(BY_REQUESTS, requests)
        }
        self._waiting: list[dict[str, Any]] = []

    def __contains__(self, decision_id: str) -> bool:
        return decision_id in self._known

    def earlier(self, request_id: str | None) -> Taken | None:
        """Return the answer to an earlier request of that id."""
        return None if request_id is None else self._requests.get(request_id)

    def add(self, row: dict[str, Any]) -> None:
        """Seal a decision and keep it until `flush`."""
        sealed, self._work.head = self._work.head.seal(row)
        self._known.add(row["decision_id"])
        if row["request_id"] is not None:
            taken = Taken(row["decision_id"], True, row["request_digest"], row["answer"])
            self._requests[row["request_id"]] = taken
        self._waiting.append(sealed)

    def flush(self) -> None:
        """Write the decisions, and place the events that came before them."""
        if self._waiting:
            self._work.session.many(INSERT_DECISION, self._waiting)
            link_quarantined(self._work, [row["decision_id"] for row in self._waiting])


def reserve(
    work: Work, decision_id: str, customer_id: str | None, at: float, slots: Sequence[Slot]
) -> None:
    """Reserve the slots of a decision."""
    for slot in slots:
        work.counting.reserve(slot.action_id, slot.channel, int(slot.day), slot.expires_at)
    rows: list[Parameters] = [
        {
            "decision_id": decision_id,
            "action_id": slot.action_id,
            "customer_id": customer_id,
            "action_group": slot.group,
            "issue": slot.issue,
            "channel": slot.channel,
            "placement": slot.placement,
            "day": int(slot.day),
            "reserved_at": float(at),
            "expires_at": float(slot.expires_at),
            "confirmed_at": None,
        }
        for slot in slots
    ]
    work.session.many(INSERT_RESERVATION, rows)
