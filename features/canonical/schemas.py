"""The canonical tables: their columns, kinds, keys and closed vocabularies.

Ids are strings and never coerced, times are naive and mean UTC, numbers are 64-bit floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "time", "number", "ids"]
"""How a column is read: `id` and `text` are strings, `ids` a list of strings, `time` is UTC."""

OUTCOME_TYPES = (
    "presented",
    "viewed",
    "clicked",
    "accepted",
    "refused",
    "later",
    "dismissed",
    "converted",
)
"""What can happen to an action that was decided for a customer."""

TOUCHPOINT_TYPES = (
    *OUTCOME_TYPES,
    "page_view",
    "search",
    "basket",
    "call",
    "chat_turn",
    "email_opened",
    "complaint",
    "complaint_closed",
    "failure",
    "rated",
    "store_visit",
    "login",
    "contract_ending",
)

LARGEST = 1e13
"""The largest sum of money: sums are exact decimals of 14 digits before the point
(`features.history.money`), and must still be ones when many are added up."""

CONSENT_STATUSES = ("granted", "withdrawn", "objected")


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    A `required` column must be in the source (or be set by the mapping) and a row without a value
    in it is rejected. `choices` closes the vocabulary, `low` and `high` bound a number (both
    inclusive), `unsigned` drops the source's sign. A column that is `numbered_within` another one
    is counted from 1 there, in the order of the source, when the source has no such column.
    """

    name: str
    kind: Kind
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unsigned: bool = False
    numbered_within: str | None = None


@dataclass(frozen=True)
class TableSchema:
    """One canonical table.

    `key` identifies a row. In a `past_only` table a `timestamp` after now is a fault. A table with
    `attributes` keeps further source columns under their own name.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    past_only: bool = False
    attributes: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when the table has none."""
        return {column.name: column for column in self.columns}[name]


def _money(name: str, required: bool = False, unsigned: bool = False) -> Column:
    return Column(name, "number", required, low=-LARGEST, high=LARGEST, unsigned=unsigned)


def _required(name: str, kind: Kind, choices: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, required=True, choices=choices)


TRANSACTIONS = TableSchema(
    "transactions",
    (
        _required("transaction_id", "id"),
        Column("line_id", "id", required=True, numbered_within="transaction_id"),
        _required("customer_id", "id"),
        _required("timestamp", "time"),
        _money("amount", required=True),
        Column("item_id", "id"),
        Column("category", "text"),
        Column("category_group", "text"),
        Column("quantity", "number"),
        _money("discount", unsigned=True),
        _money("coupon_discount", unsigned=True),
        Column("channel", "text"),
    ),
    key=("transaction_id", "line_id"),
    past_only=True,
)

TOUCHPOINTS = TableSchema(
    "touchpoints",
    (
        _required("touchpoint_id", "id"),
        _required("customer_id", "id"),
        _required("timestamp", "time"),
        _required("channel", "text"),
        _required("type", "text", TOUCHPOINT_TYPES),
        Column("action_id", "id"),
        Column("decision_id", "id"),
        Column("refers_to", "id"),
        Column("value", "number"),
        Column("rating", "number", low=1, high=10),
        Column("propensity", "number", low=0, high=1),
        Column("policy_id", "id"),
        Column("position", "number"),
    ),
    key=("touchpoint_id",),
    past_only=True,
)

CUSTOMERS = TableSchema(
    "customers",
    (
        _required("customer_id", "id"),
        Column("attributes_as_of", "time"),
        Column("language", "text"),
        Column("time_zone", "text"),
    ),
    key=("customer_id",),
    attributes=True,
)

IDENTITIES = TableSchema(
    "identities",
    (
        _required("customer_id", "id"),
        _required("namespace", "text"),
        _required("id_hash", "id"),
        Column("valid_from", "time"),
    ),
    key=("customer_id", "namespace", "id_hash"),
)

CONSENTS = TableSchema(
    "consents",
    (
        _required("customer_id", "id"),
        _required("purpose", "text"),
        _required("channel", "text"),
        _required("status", "text", CONSENT_STATUSES),
        _required("valid_from", "time"),
    ),
    key=("customer_id", "purpose", "channel", "valid_from"),
)

ACTIONS = TableSchema(
    "actions",
    (
        _required("action_id", "id"),
        _required("name", "text"),
        Column("category", "text"),
        Column("category_group", "text"),
        Column("channel", "text"),
        Column("value", "number"),
        Column("cost", "number"),
        Column("valid_from", "time"),
        Column("valid_to", "time"),
        Column("valid_days", "number"),
        Column("eligibility", "text"),
        Column("items", "ids"),
    ),
    key=("action_id",),
    attributes=True,
)

SCHEMAS: dict[str, TableSchema] = {
    schema.name: schema
    for schema in (TRANSACTIONS, TOUCHPOINTS, CUSTOMERS, IDENTITIES, CONSENTS, ACTIONS)
}
"""Every canonical table by name, in the order they are read and reported."""
