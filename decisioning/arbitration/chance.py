"""Chance without a die: the same words always fall the same way, on every machine."""

from __future__ import annotations

import hashlib

BUCKETS = 10_000
"""Customers are dealt into this many buckets; one is 0.01 percent of them."""

_SEPARATOR = "\x1f"


def seed_of(text: str) -> int:
    """Return a seed in [0, 2^63) from a text, such as the id of a decision request.

    >>> seed_of("7f3a") == seed_of("7f3a"), seed_of("7f3a") == seed_of("7f3b")
    (True, False)
    """
    return _bits(text) >> 1


def bucket_of(*words: str) -> int:
    """Return a bucket from 0 to 9,999; other words, in whatever order, are dealt anew.

    >>> bucket_of("spring", "007") == bucket_of("spring", "007")
    True
    >>> bucket_of("ab", "c") == bucket_of("a", "bc")
    False
    """
    return _bits(_SEPARATOR.join(words)) % BUCKETS


def uniform_of(*words: str) -> float:
    """Return a number strictly between 0 and 1, as if drawn uniformly.

    >>> 0.0 < uniform_of("coffee", "007") < 1.0
    True
    """
    return ((_bits(_SEPARATOR.join(words)) >> 12) + 0.5) / 2.0**52


def _bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
