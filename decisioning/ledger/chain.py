"""The chain that shows a changed or missing decision: every row seals the one before.

Each writer (one start of one process) has its own chain, so that processes need not wait for each
other. The digest of a row is SHA-256 over a random salt and every content column; its link is
SHA-256 over the link before and the digest. An erased row loses content and salt and keeps the
digest: the chain still holds, and nobody can find the content again by guessing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

SEALED = (
    "decision_id",
    "decided_at",
    "day",
    "customer_id",
    "channel",
    "mode",
    "request_id",
    "request_digest",
    "payload",
    "vectors",
    "answer",
    "actions",
)
"""The content columns in the order they are sealed; `state` changes, so it is not among them."""

_SALT_BYTES = 16


def first_link(writer: str) -> bytes:
    """Return the link that a writer's first row follows."""
    return sha256(b"nba-ledger:" + writer.encode()).digest()


def digest_of(salt: bytes, row: Mapping[str, Any]) -> bytes:
    """Return the digest of a row: its content as the database gives it back."""
    sealed = sha256(salt)
    for name in SEALED:
        sealed.update(_canonical(row[name]))
    return sealed.digest()


def next_link(link: bytes, digest: bytes) -> bytes:
    """Return the link of a row with that digest after that link."""
    return sha256(link + digest).digest()


def _canonical(value: str | bytes | float | int | None) -> bytes:
    """Return bytes that no other value has: the kind, the length and the value."""
    if value is None:
        return b"n"
    if isinstance(value, str):
        text = value.encode()
        return b"s" + struct.pack(">Q", len(text)) + text
    if isinstance(value, bytes):
        return b"b" + struct.pack(">Q", len(value)) + value
    if isinstance(value, int):
        return b"i" + struct.pack(">q", value)
    return b"f" + struct.pack(">d", value)


@dataclass(frozen=True)
class Head:
    """The end of a chain; `seq` is 0 before the first row."""

    writer: str
    seq: int
    link: bytes

    @classmethod
    def of(cls, writer: str) -> Head:
        """Return the end of a chain without rows."""
        return cls(writer, 0, first_link(writer))

    def seal(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], Head]:
        """Return the row with its place in the chain, and the new end."""
        salt = os.urandom(_SALT_BYTES)
        digest = digest_of(salt, row)
        head = Head(self.writer, self.seq + 1, next_link(self.link, digest))
        place = {"writer": head.writer, "seq": head.seq, "salt": salt, "digest": digest}
        return {**row, **place, "link": head.link}, head
