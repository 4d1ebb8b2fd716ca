"""The consent log and the snapshots: rows that are added once and never changed."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import bindparam, select

from decisioning.ledger import schema
from decisioning.ledger.rows import ConsentRow
from decisioning.ledger.statements import Parameters, Sql, insert_new

INSERT_CONSENT = insert_new(schema.CONSENTS)
INSERT_SNAPSHOT = insert_new(schema.SNAPSHOTS)
SNAPSHOT = Sql(
    lambda *_: select(schema.SNAPSHOTS.c.content).where(
        schema.SNAPSHOTS.c.digest == bindparam("digest")
    )
)


def consent_columns(rows: Iterable[ConsentRow]) -> list[Parameters]:
    """Return the columns of consents, in the order of their ids."""
    columns: list[Parameters] = [
        {
            "consent_id": consent_id(row),
            "customer_id": row.customer_id,
            "purpose": row.purpose,
            "channel": row.channel,
            "status": row.status,
            "valid_from": float(row.valid_from),
            "recorded_at": float(row.recorded_at),
            "source": row.source,
        }
        for row in rows
    ]
    return sorted(columns, key=lambda one: str(one["consent_id"]))


def consent_id(row: ConsentRow) -> str:
    """Return the digest of what a consent says: the same entry twice is one row."""
    words = "\0".join((row.customer_id, row.purpose, row.channel, row.status))
    return sha256(words.encode() + struct.pack(">d", row.valid_from)).hexdigest()


def snapshot_columns(kind: str, content: bytes) -> dict[str, str | bytes]:
    """Return the columns of a snapshot; the digest is that of the content alone."""
    return {"digest": sha256(content).hexdigest(), "kind": kind, "content": content}
