"""Identities, merges and tombstones; what an event is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of people, and give events the event that they are about."""
    for name in ("events", "quarantine"):
        op.add_column(name, sa.Column("refers_to", sa.Text(), nullable=True))
    op.create_index("ix_quarantine_refers_to", "quarantine", ["refers_to"])
    _log("identities", "identity_id", ("namespace", "id_hash", "customer_id"), "linked")
    index = ["namespace", "id_hash", "recorded_at"]
    op.create_index("ix_identities_namespace_id_hash_recorded_at", "identities", index)
    op.create_index("ix_identities_customer_id", "identities", ["customer_id"])
    _log("merges", "merge_id", ("absorbed_id", "customer_id"), "merged", "rule")
    op.create_index("ix_merges_absorbed_id_recorded_at", "merges", ["absorbed_id", "recorded_at"])
    op.create_index("ix_merges_customer_id", "merges", ["customer_id"])
    op.create_table(
        "tombstones",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_tombstones"),
    )


def _log(name: str, key: str, names: tuple[str, ...], status: str, *more: str) -> None:
    """Create a log whose rows say that something holds, or does not any more."""
    op.create_table(
        name,
        *(sa.Column(one, sa.Text(), nullable=False) for one in (key, *names, "status", *more)),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(key, name=f"pk_{name}"),
        sa.CheckConstraint(f"status IN ('{status}', 'un{status}')", name=f"ck_{name}_status"),
    )
