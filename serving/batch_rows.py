"""The rows of a batch, as a mail tool reads them: one per customer and action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from serving.batch_people import Person

COLUMNS = {
    "run_id": "string",
    "decision_id": "string",
    "decided_at": "time",
    "customer_id": "string",
    "rank": "int",
    "action_id": "string",
    "name": "string",
    "issue": "string",
    "group": "string",
    "channel": "string",
    "language": "string",
    "title": "string",
    "text": "string",
    "accept_label": "string",
    "decline_label": "string",
    "later_label": "string",
    "placement": "string",
    "propensity": "double",
    "value": "double",
    "priority": "double",
    "probability": "double",
    "explored": "bool",
    "confirm": "bool",
    "control_group": "string",
    "consent": "string",
    "reasons": "string",
    "send_after": "time",
    "absorbed_ids": "string",
}
"""Every column in its order, with its kind; times are in UTC, to the microsecond."""

_OF_ACTION = (
    "rank", "action_id", "name", "issue", "group", "placement", "propensity", "value", "priority",
    "probability", "explored", "confirm",
)  # fmt: skip
_OF_TREATMENT = (
    "channel", "language", "title", "text", "accept_label", "decline_label", "later_label",
)  # fmt: skip


def rows_of(content: Mapping[str, Any], run_id: str, person: Person) -> list[dict[str, Any]]:
    """Return the rows of one answer; none where there is nothing to say but the default action."""
    if content["nothing"] is not None:
        return []
    shared = {
        "run_id": run_id,
        "decided_at": datetime.fromisoformat(content["decided_at"]),
        **{name: content[name] for name in ("decision_id", "control_group", "consent")},
        # By now: the decision may be from before a merge.
        "customer_id": person.root,
        "absorbed_ids": "; ".join(one for one in person.listed if one != person.root),
    }
    return [
        {
            **shared,
            **{name: result[name] for name in _OF_ACTION},
            **{name: result["treatment"][name] for name in _OF_TREATMENT},
            "reasons": "; ".join(reason["text"] for reason in result["reasons"]),
            "send_after": _moment(result["send_after"]),
        }
        for result in content["results"]
        if result["propensity"] is not None
    ]


def table_of(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return rows as a table with every column."""
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema())


def schema() -> Any:
    """Return names and types of the columns."""
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
        "int": pa.int32(),
        "double": pa.float64(),
        "bool": pa.bool_(),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
