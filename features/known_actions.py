"""The actions that features are computed for: those of the data and those of the catalogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis
import pyarrow as pa

from features.canonical.tables import Tables
from features.layout import Layout

_COLUMNS = {
    "action_id": pa.string(),
    "category": pa.string(),
    "valid_from": pa.timestamp("us"),
    "valid_to": pa.timestamp("us"),
    "items": pa.list_(pa.string()),
}


def with_actions(tables: Tables, exported: Sequence[Mapping[str, Any]]) -> Tables:
    """Return the tables with the actions of catalogs beside those of the data.

    An action in both keeps the items of the data and takes the rest from the catalog.

    Parameters
    ----------
    exported : rows in the form of the canonical actions table.
    """
    known = tables.actions.select(*_COLUMNS).to_pyarrow().to_pylist()
    merged = {row["action_id"]: row for row in known}
    for row in exported:
        told = {name: row[name] for name in _COLUMNS if row.get(name) is not None}
        former = merged.get(row["action_id"], dict.fromkeys(_COLUMNS))
        merged[row["action_id"]] = {**former, **told}
    rows = [merged[action_id] for action_id in sorted(merged)]
    return replace(tables, actions=ibis.memtable(pa.Table.from_pylist(rows, pa.schema(_COLUMNS))))


def layout_of(tables: Tables) -> Layout:
    """Return the layout over all actions of the tables and the categories they are about."""
    rows = tables.actions.select("action_id", "category").to_pyarrow()
    categories = {name for name in rows["category"].to_pylist() if name}
    return Layout.of(tuple(categories), tuple(rows["action_id"].to_pylist()))
