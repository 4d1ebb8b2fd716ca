"""Decisions, reservations, events, quarantine, consents, volumes, snapshots and anchors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _decisions()
    _reservations()
    _table("events", *_event_columns())
    op.create_index("ix_events_customer_id_occurred_at", "events", ["customer_id", "occurred_at"])
    op.create_index("ix_events_decision_id", "events", ["decision_id"])
    op.create_index("ix_events_occurred_at", "events", ["occurred_at"])
    _table("quarantine", *_event_columns(), _text("reason"))
    op.create_index("ix_quarantine_decision_id", "quarantine", ["decision_id"])
    _consents()
    _table(
        "volumes",
        _text("action_id", key=True),
        _text("channel", key=True),
        sa.Column("day", sa.Integer(), nullable=False, primary_key=True),
        sa.Column("presented", sa.BigInteger(), nullable=False),
    )
    _table(
        "reserved",
        _text("action_id", key=True),
        sa.Column("minute", sa.BigInteger(), nullable=False, primary_key=True),
        _text("channel", key=True),
        sa.Column("day", sa.Integer(), nullable=False, primary_key=True),
        sa.Column("open", sa.BigInteger(), nullable=False),
    )
    _table(
        "snapshots",
        _text("digest", key=True),
        _text("kind"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    _table(
        "anchors",
        _text("writer", key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False, primary_key=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
    )


def _decisions() -> None:
    _table(
        "decisions",
        _text("decision_id", key=True),
        _number("decided_at"),
        sa.Column("day", sa.Integer(), nullable=False),
        _text("customer_id", empty=True),
        _text("channel"),
        _text("mode"),
        _text("state"),
        _text("request_id", empty=True),
        _text("request_digest", empty=True),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("vectors", sa.LargeBinary()),
        sa.Column("answer", sa.LargeBinary()),
        _text("actions", empty=True),
        _text("writer"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "state IN ('live', 'pending', 'activated', 'erased')", name=op.f("ck_decisions_state")
        ),
    )
    for columns, unique in (
        (["customer_id", "decided_at"], False),
        (["decided_at", "decision_id"], False),
        (["request_id"], True),
        (["writer", "seq"], True),
    ):
        name = f"ix_decisions_{'_'.join(columns)}"
        op.create_index(name, "decisions", columns, unique=unique)


def _reservations() -> None:
    _table(
        "reservations",
        _text("decision_id", key=True),
        _text("action_id", key=True),
        _text("customer_id", empty=True),
        _text("action_group"),
        _text("issue"),
        _text("channel"),
        _text("placement"),
        sa.Column("day", sa.Integer(), nullable=False),
        _number("reserved_at"),
        _number("expires_at"),
        _number("confirmed_at", empty=True),
    )
    op.create_index(
        "ix_reservations_customer_id_expires_at", "reservations", ["customer_id", "expires_at"]
    )
    unconfirmed = sa.text("confirmed_at IS NULL")
    op.create_index(
        "ix_reservations_open",
        "reservations",
        ["action_id", "expires_at", "channel", "day"],
        sqlite_where=unconfirmed,
        postgresql_where=unconfirmed,
    )


def _consents() -> None:
    _table(
        "consents",
        _text("consent_id", key=True),
        _text("customer_id"),
        _text("purpose"),
        _text("channel"),
        _text("status"),
        _number("valid_from"),
        _number("recorded_at"),
        _text("source"),
    )
    op.create_index("ix_consents_customer_id_valid_from", "consents", ["customer_id", "valid_from"])


def _event_columns() -> list[sa.Column[object]]:
    return [
        _text("event_id", key=True),
        _text("body_digest"),
        _text("type"),
        _text("customer_id", empty=True),
        _number("occurred_at"),
        _number("received_at"),
        sa.Column("day", sa.Integer(), nullable=False),
        *(
            _text(name, empty=True)
            for name in ("channel", "action_id", "action_group", "issue", "decision_id")
        ),
        _number("value", empty=True),
        _text("on_behalf_of", empty=True),
        _number("rating", empty=True),
        _number("amount", empty=True),
        _text("category", empty=True),
        _text("session_id", empty=True),
        _text("attributes"),
        _text("flags"),
    ]


def _table(name: str, *columns: sa.Column[object] | sa.CheckConstraint) -> None:
    keys = [one.name for one in columns if isinstance(one, sa.Column) and one.primary_key]
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}")))


def _text(name: str, *, key: bool = False, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=empty)


def _number(name: str, *, empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Double(), nullable=empty)
