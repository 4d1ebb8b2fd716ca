"""Whose ids these are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Recognise = Callable[[Mapping[str, Sequence[str]]], str | None]
"""Returns the one customer whom ids by namespace name; None where they name nobody, or several."""


def by_customer_id(identities: Mapping[str, Sequence[str]]) -> str | None:
    """Return the customer whom the namespace `customer_id` names; no other one is looked up.

    >>> by_customer_id({"customer_id": ["7", "7"], "cookie": ["x"]})
    '7'
    >>> by_customer_id({"customer_id": ["7", "8"]}), by_customer_id({"cookie": ["x"]})
    (None, None)
    """
    ids = set(identities.get("customer_id", ()))
    return ids.pop() if len(ids) == 1 else None
