"""The customers' own time zones, as the ingested tables tell them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def customer_zones(data: Path) -> Mapping[str, str]:
    """Return the time zone of each customer who has one; empty without tables."""
    if not (data / "customers.parquet").exists():
        return {}
    from features.canonical.tables import open_tables

    customers = open_tables(data).customers
    told = customers.filter(customers.time_zone.notnull())
    rows = told.select("customer_id", "time_zone").to_pyarrow()
    ids, zones = (rows.column(name).to_pylist() for name in ("customer_id", "time_zone"))
    return dict(zip(ids, zones, strict=True))
