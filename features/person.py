"""What the tables and profiles hold of one person, in names that the person can read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.canonical.schemas import SCHEMAS
from features.declared import BY_NAME, is_moment
from features.errors import DataError
from features.profiles import Profiles

CUSTOMER_COLUMN = "customer_id"


def source_rows(folder: Path, customer_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of customers in each canonical table of a folder, in their order.

    Times are aware and in UTC; a table without such rows is left out.

    Raises
    ------
    DataError : a table cannot be read.
    """
    wanted = sorted(set(customer_ids))
    found: dict[str, list[dict[str, Any]]] = {}
    for name, schema in SCHEMAS.items():
        path = folder / f"{name}.parquet"
        if CUSTOMER_COLUMN not in schema.names or not path.exists():
            continue
        try:
            # Whoever wrote the file chose among two types of text, which do not compare.
            kind = pq.read_schema(path).field(CUSTOMER_COLUMN).type
            if pa.types.is_null(kind):
                continue
            chosen = pc.field(CUSTOMER_COLUMN).isin(pa.array(wanted, kind))
            rows = pq.read_table(path, filters=chosen).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not readable as parquet ({error})") from error
        if rows:
            found[name] = [{key: _aware(value) for key, value in row.items()} for row in rows]
    return found


def named_values(profiles: Profiles) -> dict[str, Any]:
    """Return a profile of one row by name, moments in UTC; what is missing is left out.

    Returns
    -------
    values : `customer` has the values of the customer, `categories` and `actions` those beside each
        category and action that differ from what everybody without events has, and `meanings` what
        every feature in them means.
    """
    layout, vectors = profiles.layout, profiles.vectors
    customer = {
        name: _readable(name, value)
        for name, value in zip(layout.scalars, layout.scalar_block(vectors)[0], strict=True)
        if not np.isnan(value)
    }
    categories = _told(layout.categories, layout.category_features, layout.category_block(vectors))
    actions = _told(layout.actions, layout.action_features, layout.action_block(vectors))
    names = {
        *customer,
        *(name for one in (categories, actions) for v in one.values() for name in v),
    }
    return {
        "customer": customer,
        "categories": categories,
        "actions": actions,
        "meanings": {name: BY_NAME[name].meaning for name in sorted(names) if name in BY_NAME},
    }


def _told(
    things: Sequence[str], features: Sequence[str], block: Any
) -> dict[str, dict[str, float | datetime]]:
    defaults = np.array([BY_NAME[name].default for name in features])
    told: dict[str, dict[str, float | datetime]] = {}
    for thing, values in zip(things, block[0], strict=True):
        known = ~np.isnan(values) & (values != defaults)
        if known.any():
            told[thing] = {
                name: _readable(name, value)
                for name, value, is_known in zip(features, values, known, strict=True)
                if is_known
            }
    return told


def _readable(name: str, value: float) -> float | datetime:
    return datetime.fromtimestamp(float(value), UTC) if is_moment(name) else float(value)


def _aware(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
