"""A first catalog from the data alone: for people to edit, never guessed beyond what is there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from decisioning.action import Action
from decisioning.catalog import Catalog
from features import declared
from features.canonical.schemas import ACTIONS
from features.canonical.tables import Tables
from features.errors import DataError
from features.matrix import ACTION_CODE
from training.starter_texts import DEFAULT_ACTION, TREATMENTS

MAX_CATEGORIES = 32
_TAKEN = {*declared.BY_NAME, ACTION_CODE, "name", "inline_name"}
_FOLDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True)
class OfferCatalog:
    """The actions that were or can be offered.

    Attributes
    ----------
    attributes : those that differ between the actions and tell more than which action it is.
    left_out : columns of the actions table that cannot be attributes.
    """

    catalog: Catalog
    attributes: tuple[str, ...]
    left_out: tuple[str, ...]


def slug(text: str, instead: str = "general") -> str:
    """Return a text as an id is written; `instead` where nothing of it can be kept.

    >>> slug("BAG SNACKS"), slug("Käse & Öl"), slug("茶", instead="category")
    ('bag_snacks', 'kaese_oel', 'category')
    """
    folded = unicodedata.normalize("NFKD", text.lower().translate(_FOLDED))
    ascii_only = folded.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")[:60].rstrip("_") or instead


def offers(tables: Tables, presented: Iterable[str], window_days: int) -> OfferCatalog:
    """Return a catalog of the actions table and of every action that was presented.

    Raises
    ------
    DataError : an action cannot be in a catalog; the message names it.
    """
    columns = [name for name in tables.actions.columns if name != "items"]
    rows = tables.actions.select(*columns).to_pyarrow().to_pylist()
    listed = {row["action_id"] for row in rows} | {DEFAULT_ACTION["id"]}
    rows += [{"action_id": name, "name": name} for name in sorted({*presented} - listed)]
    rows = [row for row in rows if row["action_id"] != DEFAULT_ACTION["id"]]
    attributes, left_out = _attributes(rows, [c for c in columns if c not in ACTIONS.names])
    grouping = _grouping(rows, attributes)
    actions = [
        _checked(
            tables,
            {
                "id": row["action_id"],
                "name": {"en": row["name"], "de": row["name"]},
                "issue": "offer",
                "group": slug(str(row.get(grouping) or "")),
                "attributes": _known({slug(c): row.get(c) for c in attributes}),
                **_told(row, window_days),
            },
        )
        for row in rows
    ]
    catalog = _catalog(tables, actions, value={"kind": "fixed", "amount": 1.0})
    return OfferCatalog(catalog, _worth_learning_from(rows, attributes), left_out)


def categories(tables: Tables, window_days: int) -> Catalog:
    """Return a catalog of the categories with the most buyers, one action each.

    An action is for whoever has not bought the category in two windows; a purchase is worth what
    the customer spends at one.

    Raises
    ------
    DataError : no category can be in a catalog.
    """
    bought = _most_bought(tables)
    spent, trips = sum(row["spent"] for row in bought), sum(row["trips"] for row in bought)
    lapse = 2 * window_days
    ids = _distinct(slug(row["category"], "category") for row in bought)
    actions = [
        _checked(
            tables,
            {
                "id": name,
                "name": {"en": row["category"], "de": row["category"]},
                "issue": "win_back",
                "group": slug(row["group"] or ""),
                "category": row["category"],
                "response_window_days": window_days,
            },
        )
        for name, row in zip(ids, bought, strict=True)
    ]
    rule = {
        "name": f"not_bought_in_{lapse}_days",
        "feature": "days_since_category",
        "more_than": lapse,
        "when_missing": "pass",
        "reason": "bought_recently",
    }
    value = {"kind": "own_spend_per_trip", "min_trips": 3, "fallback": round(spent / trips, 2)}
    return _catalog(tables, actions, value=value, eligibility=[rule])


def count_categories(tables: Tables) -> int:
    """Return how many categories were ever bought."""
    lines = tables.transactions
    return int(lines.filter(_is_purchase(lines)).category.nunique().to_pyarrow().as_py())


def _is_purchase(lines: Any) -> Any:
    return lines.category.notnull() & (lines.category.strip() != "") & (lines.amount > 0)


def _most_bought(tables: Tables) -> list[dict[str, Any]]:
    lines = tables.transactions.filter(_is_purchase(tables.transactions))
    trips = lines.group_by(["category", "customer_id", "transaction_id"]).agg(
        spent=lines.amount.sum(), group=lines.category_group.max()
    )
    counted = trips.group_by("category").agg(
        buyers=trips.customer_id.nunique(),
        trips=trips.count(),
        spent=trips.spent.sum(),
        group=trips.group.max(),
    )
    best = counted.order_by([counted.buyers.desc(), counted.category]).limit(MAX_CATEGORIES)
    found: list[dict[str, Any]] = best.to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: str(row["category"]))


def _attributes(
    rows: list[dict[str, Any]], columns: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns that can be attributes of actions, and those that cannot."""
    usable, taken = [], set(_TAKEN)
    for column in columns:
        kinds = {type(row[column]) for row in rows if row.get(column) is not None}
        plain = kinds and (kinds <= {str} or kinds <= {int, float, bool})
        if plain and slug(column, "") not in taken | {""}:
            usable.append(column)
            taken.add(slug(column))
    return tuple(usable), tuple(column for column in columns if column not in usable)


def _worth_learning_from(
    rows: list[dict[str, Any]], attributes: tuple[str, ...]
) -> tuple[str, ...]:
    kept = []
    for column in attributes:
        values = {row[column] for row in rows if row.get(column) is not None}
        # A text that no two actions share only says once more which action it is.
        names_it = len(values) == len(rows) and isinstance(next(iter(values)), str)
        if len(values) > 1 and not names_it:
            kept.append(slug(column))
    return tuple(kept)


def _grouping(rows: list[dict[str, Any]], attributes: tuple[str, ...]) -> str:
    """Return the column that groups the actions: the category's parent, or the first kind."""
    if any(row.get("category_group") for row in rows):
        return "category_group"
    for column in attributes:
        values = {row[column] for row in rows if row.get(column) is not None}
        if isinstance(next(iter(values)), str) and 1 < len(values) < len(rows):
            return column
    return ""


def _told(row: Mapping[str, Any], window_days: int) -> dict[str, Any]:
    """Return what the actions table says under names of its own."""
    told = _known({key: row.get(key) for key in ("category", "cost", "valid_from", "valid_to")})
    value = _known({"amount": row.get("value")})
    days = round(_known({"days": row.get("valid_days")}).get("days", window_days))
    own = {"value": {"kind": "fixed", **value}} if value else {}
    return told | own | {"response_window_days": max(1, days)}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    # A number that is not itself is NaN.
    return {key: value for key, value in values.items() if value is not None and value == value}


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names, a later one of the same spelling with a number after it."""
    seen: dict[str, None] = {}
    for name in names:
        number, told = 2, name
        while told in seen or told == DEFAULT_ACTION["id"]:
            told, number = f"{name}_{number}", number + 1
        seen[told] = None
    return list(seen)


def _checked(tables: Tables, content: dict[str, Any]) -> Action:
    try:
        return Action.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise DataError(
            f"{tables.folder}: the action {content['id']!r} cannot be in a catalog: "
            f"{key or 'action'}: {fault['msg']}"
        ) from error


def _catalog(tables: Tables, actions: list[Action], **rest: Any) -> Catalog:
    if not actions:
        raise DataError(f"{tables.folder}: there is no action to put into a catalog")
    return Catalog.model_validate(
        {**rest, "treatments": TREATMENTS, "default_action": DEFAULT_ACTION, "actions": actions}
    )


def expired(catalog: Catalog, now: datetime) -> int:
    """Return how many actions have ended by `now`."""
    return sum(bool(action.valid_to and action.valid_to <= now) for action in catalog.actions)
