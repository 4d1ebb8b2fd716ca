"""Everything that is known of one person, gathered from every store and readable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from decisioning.ledger.person_reads import Person
from decisioning.ledger.rows import DecisionRow
from decisioning.record import read_record
from features.errors import LedgerError
from features.person import named_values, source_rows
from features.profiles import Profiles
from serving.decision_views import record_view

_HIDDEN = ("body_digest", "day")
"""Columns that say nothing to a person."""


def export_of(
    customer_ids: Sequence[str],
    data: Path,
    profiles: Sequence[Profiles],
    person: Person,
    now: datetime,
) -> dict[str, Any]:
    """Return everything of a person as JSON can hold it.

    Parameters
    ----------
    customer_ids : every id of the person, the one that was asked for first.
    data : folder of the canonical tables.
    profiles : of those ids, one row each.
    """
    return {
        "customer_id": customer_ids[0],
        "customer_ids": list(customer_ids),
        "exported_at": now,
        "tables": source_rows(data, customer_ids),
        "profiles": [named_values(one) for one in profiles if one.known[0]],
        "decisions": [_decision(row, person) for row in person.decisions],
        "events": [_row(one) for one in person.events],
        "events_not_placed": [_row(one) for one in person.quarantine],
        "reservations": [_row(one) for one in person.reservations],
        "consents": [_row(one) for one in person.consents],
        "identities": [_row(one) for one in person.identities],
        "merges": [_row(one) for one in person.merges],
    }


def _decision(row: DecisionRow, person: Person) -> dict[str, Any]:
    try:
        record = read_record(row.payload)
    except LedgerError:
        return {"decision_id": row.decision_id, "decided_at": _moment(row.decided_at)}
    view = record_view(row, record, ())
    mine = [_row(one) for one in person.events if one["decision_id"] == row.decision_id]
    return view | {"outcomes": mine}


def _row(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says, without what is missing."""
    told: dict[str, Any] = {}
    for name, value in columns.items():
        if value is None or name in _HIDDEN:
            continue
        is_time = name.endswith("_at") or name == "valid_from"
        told[name] = _moment(value) if is_time else value
    if "attributes" in told:
        told["attributes"] = json.loads(told["attributes"])
    return told


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
