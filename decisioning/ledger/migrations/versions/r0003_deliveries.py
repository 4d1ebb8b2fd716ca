"""Deliveries of triggers, and how far events have been looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables, and let events be found by when they came."""
    op.create_table(
        "deliveries",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("delivery_id", "trigger_id")),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("recorded_at", "due_at", "expires_at")
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Double(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_deliveries"),
        sa.CheckConstraint(
            "state IN ('waiting', 'decided', 'delivered', 'dropped', 'failed')",
            name="ck_deliveries_state",
        ),
    )
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"])
    op.create_index(
        "ix_deliveries_customer_id_trigger_id", "deliveries", ["customer_id", "trigger_id"]
    )
    op.create_table(
        "positions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_positions"),
    )
    op.create_index("ix_events_received_at", "events", ["received_at"])
