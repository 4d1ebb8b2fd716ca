"""The tables of the ledger, the same on SQLite and PostgreSQL.

Times are seconds since 1970 in UTC, days are business day numbers, and nothing is stored as a
database's own date: drivers disagree on those.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""Every table; constraints have the same names on every database."""


def _of(name: str, kind: type[TypeEngine[Any]], *, key: bool = False) -> Column[Any]:
    return Column(name, kind, primary_key=key, nullable=False)


def _maybe(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=True)


DECISIONS = Table(
    "decisions",
    METADATA,
    _of("decision_id", Text, key=True),
    _of("decided_at", Double),
    _of("day", Integer),
    _maybe("customer_id", Text),
    _of("channel", Text),
    _of("mode", Text),
    _of("state", Text),
    _maybe("request_id", Text),
    _maybe("request_digest", Text),
    _maybe("payload", LargeBinary),
    _maybe("vectors", LargeBinary),
    _maybe("answer", LargeBinary),
    _maybe("actions", Text),
    _of("writer", Text),
    _of("seq", BigInteger),
    _maybe("salt", LargeBinary),
    _of("digest", LargeBinary),
    _of("link", LargeBinary),
    CheckConstraint("state IN ('live', 'pending', 'activated', 'erased')", name="state"),
)
"""One row per decision.

`payload` and `vectors` are compressed by zlib. `actions` is a JSON list of the returned actions,
each [action_id, group, issue, window_days]. `salt`, `digest` and `link` are its place in the chain
of its writer. An erased row keeps what names nobody, and its digest.
"""

_CUSTOMER_TIME = ("customer_id", "decided_at")
Index(None, *(DECISIONS.c[name] for name in _CUSTOMER_TIME))
Index(None, DECISIONS.c.decided_at, DECISIONS.c.decision_id)
Index(None, DECISIONS.c.request_id, unique=True)
Index(None, DECISIONS.c.writer, DECISIONS.c.seq, unique=True)

RESERVATIONS = Table(
    "reservations",
    METADATA,
    _of("decision_id", Text, key=True),
    _of("action_id", Text, key=True),
    _maybe("customer_id", Text),
    _of("action_group", Text),
    _of("issue", Text),
    _of("channel", Text),
    _of("placement", Text),
    _of("day", Integer),
    _of("reserved_at", Double),
    _of("expires_at", Double),
    _maybe("confirmed_at", Double),
)
"""One row per action that a decision has reserved a slot for, or that was presented.

The row is also what counts a presentation once: only the first one finds it unconfirmed.
"""

_OPEN = text("confirmed_at IS NULL")
Index(None, RESERVATIONS.c.customer_id, RESERVATIONS.c.expires_at)
Index(
    "ix_reservations_open",
    *(RESERVATIONS.c[name] for name in ("action_id", "expires_at", "channel", "day")),
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)


def _event_columns() -> list[Column[Any]]:
    return [
        _of("event_id", Text, key=True),
        _of("body_digest", Text),
        _of("type", Text),
        _maybe("customer_id", Text),
        _of("occurred_at", Double),
        _of("received_at", Double),
        _of("day", Integer),
        _maybe("channel", Text),
        _maybe("action_id", Text),
        _maybe("action_group", Text),
        _maybe("issue", Text),
        _maybe("decision_id", Text),
        _maybe("value", Double),
        _maybe("on_behalf_of", Text),
        _maybe("rating", Double),
        _maybe("amount", Double),
        _maybe("category", Text),
        _maybe("session_id", Text),
        _maybe("refers_to", Text),
        _of("attributes", Text),
        _of("flags", Text),
    ]


EVENTS = Table("events", METADATA, *_event_columns())
"""What happened; outcomes are the events of the types that need a decision and an action.

`attributes` is a JSON object, `flags` words separated by spaces, such as `late`. `refers_to` is the
event that this one is about, such as one that it takes back.
"""

Index(None, EVENTS.c.customer_id, EVENTS.c.occurred_at)
Index(None, EVENTS.c.decision_id)
Index(None, EVENTS.c.occurred_at)
Index(None, EVENTS.c.received_at)

QUARANTINE = Table("quarantine", METADATA, *_event_columns(), _of("reason", Text))
"""Events that cannot be placed: their decision, or what they take back, is not known, or not yet.

`reason` is `unknown_decision` or `unknown_event` while they wait. Those that turned out to be wrong
stay: `unknown_action`, `other_customer`, `not_undoable`.
"""

Index(None, QUARANTINE.c.decision_id)
Index(None, QUARANTINE.c.refers_to)

CONSENTS = Table(
    "consents",
    METADATA,
    _of("consent_id", Text, key=True),
    _of("customer_id", Text),
    _of("purpose", Text),
    _of("channel", Text),
    _of("status", Text),
    _of("valid_from", Double),
    _of("recorded_at", Double),
    _of("source", Text),
)
"""The consent log; rows are added and never changed. The id is a digest of what a row says."""

Index(None, CONSENTS.c.customer_id, CONSENTS.c.valid_from)

IDENTITIES = Table(
    "identities",
    METADATA,
    _of("identity_id", Text, key=True),
    _of("namespace", Text),
    _of("id_hash", Text),
    _of("customer_id", Text),
    _of("status", Text),
    _of("recorded_at", Double),
    _of("source", Text),
    CheckConstraint("status IN ('linked', 'unlinked')", name="status"),
)
"""The log of who goes by which id; rows are added and never changed.

`id_hash` is a keyed hash: the id itself is nowhere. The key is a digest of what a row says.
"""

Index(None, IDENTITIES.c.namespace, IDENTITIES.c.id_hash, IDENTITIES.c.recorded_at)
Index(None, IDENTITIES.c.customer_id)

MERGES = Table(
    "merges",
    METADATA,
    _of("merge_id", Text, key=True),
    _of("absorbed_id", Text),
    _of("customer_id", Text),
    _of("status", Text),
    _of("rule", Text),
    _of("recorded_at", Double),
    _of("source", Text),
    CheckConstraint("status IN ('merged', 'unmerged')", name="status"),
)
"""The log of which customers are one person: `absorbed_id` is `customer_id` from then on.

Nothing else is rewritten by a merge, so that taking it back needs no more than another row.
"""

Index(None, MERGES.c.absorbed_id, MERGES.c.recorded_at)
Index(None, MERGES.c.customer_id)

TOMBSTONES = Table(
    "tombstones",
    METADATA,
    _of("subject", Text, key=True),
    _of("erased_at", Double),
)
"""Who was erased, as a keyed hash: what is brought again of that customer is not taken."""

VOLUMES = Table(
    "volumes",
    METADATA,
    _of("action_id", Text, key=True),
    _of("channel", Text, key=True),
    _of("day", Integer, key=True),
    _of("presented", BigInteger),
)
"""How often an action was presented to anybody, by channel and day; confirmed ones only."""

RESERVED = Table(
    "reserved",
    METADATA,
    _of("action_id", Text, key=True),
    _of("minute", BigInteger, key=True),
    _of("channel", Text, key=True),
    _of("day", Integer, key=True),
    _of("open", BigInteger),
)
"""How many unconfirmed reservations lapse in which minute (since 1970).

Without it every decision about a limited action would count all its open reservations anew.
"""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    _of("delivery_id", Text, key=True),
    _of("trigger_id", Text),
    _of("event_id", Text),
    _maybe("customer_id", Text),
    _of("recorded_at", Double),
    _of("due_at", Double),
    _of("expires_at", Double),
    _of("state", Text),
    _of("reason", Text),
    _maybe("decision_id", Text),
    _maybe("decided_at", Double),
    _maybe("body", LargeBinary),
    _of("attempts", Integer),
    CheckConstraint(
        "state IN ('waiting', 'decided', 'delivered', 'dropped', 'failed')", name="state"
    ),
)
"""One row per trigger and event: what is or was to be delivered, and how far that has come."""

Index(None, DELIVERIES.c.state, DELIVERIES.c.due_at)
Index(None, DELIVERIES.c.customer_id, DELIVERIES.c.trigger_id)

POSITIONS = Table("positions", METADATA, _of("name", Text, key=True), _of("at", Double))
"""How far events have been looked at by whom, as the time at which they came."""

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    _of("digest", Text, key=True),
    _of("kind", Text),
    _of("content", LargeBinary),
)
"""Configuration texts and arrays that decisions refer to, by the SHA-256 of their bytes."""

ANCHORS = Table(
    "anchors",
    METADATA,
    _of("writer", Text, key=True),
    _of("seq", BigInteger, key=True),
    _of("day", Integer),
    _of("link", LargeBinary),
)
"""Ends of chains as they once were: without them nobody could see that a tail is missing."""
