"""A customer's journey as one line of time: what was bought, said, decided, shown and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from decisioning.ledger.person_reads import Person
from decisioning.ledger.rows import DecisionRow
from features.canonical.schemas import OUTCOME_TYPES

SourceRows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of the canonical tables by table."""

_TOUCHPOINT = ("channel", "type", "action_id", "decision_id", "rating", "value")


class Entry(NamedTuple):
    """One point of a journey.

    Attributes
    ----------
    at : aware.
    id : of the transaction, touchpoint, event, decision or consent; unique together with `kind`.
    facts : what else is known, by name; nothing that is missing.
    """

    at: datetime
    kind: str
    id: str
    facts: dict[str, Any]

    @property
    def cursor(self) -> str:
        """Where it stands in the order of time, as text."""
        return f"{self.at.timestamp():.6f}|{self.kind}|{self.id}"


def journey_of(person: Person, source: SourceRows) -> list[Entry]:
    """Return all entries, newest first; what both the tables and the ledger hold comes once."""
    entries: dict[tuple[str, str], Entry] = {}
    every = (
        *_transactions(source.get("transactions", ())),
        *map(_touchpoint, source.get("touchpoints", ())),
        *map(_event, person.events),
        *map(_decision, person.decisions),
        *map(_consent, person.consents),
    )
    for entry in every:
        entries.setdefault((entry.kind, entry.id), entry)
    return sorted(entries.values(), key=lambda one: (one.at, one.kind, one.id), reverse=True)


def page_of(
    entries: Sequence[Entry], before: str | None, limit: int
) -> tuple[Sequence[Entry], str | None]:
    """Return the entries that follow a cursor, and the cursor of the next page; None at the end.

    Raises
    ------
    ValueError : the cursor is none.
    """
    if before is not None:
        position = _position(before)
        entries = [one for one in entries if _position(one.cursor) < position]
    page = entries[:limit]
    return page, page[-1].cursor if len(entries) > limit else None


def _position(cursor: str) -> tuple[float, str, str]:
    at, kind, name = cursor.split("|", 2)
    return float(at), kind, name


def _transactions(lines: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """Sum the lines of each purchase."""
    in_order = sorted(lines, key=lambda line: (line["timestamp"], line["transaction_id"]))
    for (at, name), bought in groupby(
        in_order, key=lambda line: (line["timestamp"], line["transaction_id"])
    ):
        mine = list(bought)
        categories = dict.fromkeys(line["category"] for line in mine if line.get("category"))
        yield Entry(
            at,
            "transaction",
            name,
            _known(
                channel=mine[0].get("channel"),
                amount=round(sum(line["amount"] for line in mine), 2),
                lines=len(mine),
                categories=list(categories),
            ),
        )


def _touchpoint(row: Mapping[str, Any]) -> Entry:
    kind = "outcome" if row["type"] in OUTCOME_TYPES else "touchpoint"
    facts = _known(**{name: row.get(name) for name in _TOUCHPOINT})
    return Entry(row["timestamp"], kind, row["touchpoint_id"], facts)


def _event(row: Mapping[str, Any]) -> Entry:
    at, attributes = _moment(row["occurred_at"]), json.loads(row["attributes"])
    flags = row["flags"].split()
    if row["type"] == "transaction":
        lines = attributes.get("lines", ())
        categories = dict.fromkeys(one["category"] for one in lines if one.get("category"))
        facts = _known(
            channel=row["channel"],
            amount=row["amount"],
            lines=len(lines),
            categories=list(categories),
            flags=flags,
        )
        return Entry(at, "transaction", attributes.get("transaction_id", row["event_id"]), facts)
    kind = "outcome" if row["type"] in OUTCOME_TYPES else "touchpoint"
    more = ("amount", "category", "session_id", "refers_to", "on_behalf_of")
    facts = _known(**{name: row[name] for name in (*_TOUCHPOINT, *more)}, flags=flags)
    return Entry(at, kind, row["event_id"], facts)


def _decision(row: DecisionRow) -> Entry:
    actions = [one.action_id for one in row.actions]
    facts = _known(channel=row.channel, actions=actions, state=row.state)
    return Entry(_moment(row.decided_at), "decision", row.decision_id, facts)


def _consent(row: Mapping[str, Any]) -> Entry:
    facts = _known(**{name: row[name] for name in ("purpose", "channel", "status", "source")})
    return Entry(_moment(row["valid_from"]), "consent", row["consent_id"], facts)


def _known(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None and value != []}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
