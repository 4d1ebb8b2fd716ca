"""How a decision lies in the spool: one frame of length, checksum and content.

A frame is written at once and never changed. A process that is killed leaves at most one torn frame
at the end, which its checksum gives away.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from decisioning.ledger.rows import DecisionRow, ReturnedAction

_HEAD = struct.Struct(">4sII")
_SIZES = struct.Struct(">IIIi")
_MAGIC = b"nba1"
_NONE = -1
_FACTS = (
    "decision_id",
    "decided_at",
    "day",
    "customer_id",
    "channel",
    "mode",
    "request_id",
    "request_digest",
    "actions",
)


def frame(record: DecisionRow) -> bytes:
    """Return a decision as a frame; needs and state are not part of it.

    >>> record = DecisionRow("d1", 5.0, 0, "007", "web", payload=b"{}")
    >>> [one == record for one in frames(frame(record) + b"torn")]
    [True]
    """
    facts = orjson.dumps(
        (
            record.decision_id,
            record.decided_at,
            record.day,
            record.customer_id,
            record.channel,
            record.mode,
            record.request_id,
            record.request_digest,
            [tuple(action) for action in record.actions],
        )
    )
    payload, vectors, answer = record.payload, record.vectors, record.answer
    sizes = _SIZES.pack(
        len(facts), len(payload), len(vectors), _NONE if answer is None else len(answer)
    )
    body = b"".join((sizes, facts, payload, vectors, answer or b""))
    return _HEAD.pack(_MAGIC, len(body), zlib.crc32(body)) + body


def frames(content: bytes) -> Iterator[DecisionRow]:
    """Return the decisions of a spool file, up to the first frame that is not whole."""
    at = 0
    while at + _HEAD.size <= len(content):
        magic, size, checksum = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        body = content[at : at + size]
        if magic != _MAGIC or len(body) != size or zlib.crc32(body) != checksum:
            return
        yield _record(body)
        at += size


def _record(body: bytes) -> DecisionRow:
    size_of_facts, payload, vectors, answer = _SIZES.unpack_from(body)
    at = _SIZES.size
    facts: list[Any] = orjson.loads(body[at : at + size_of_facts])
    at += size_of_facts
    ends = (at + payload, at + payload + vectors)
    content: dict[str, Any] = dict(zip(_FACTS, facts, strict=True))
    content["actions"] = tuple(ReturnedAction(*one) for one in content["actions"])
    return DecisionRow(
        **content,
        payload=body[at : ends[0]],
        vectors=body[ends[0] : ends[1]],
        answer=None if answer == _NONE else body[ends[1] : ends[1] + answer],
    )
