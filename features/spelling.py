"""What somebody probably meant to write."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the nearest valid name as the end of a message; nothing when none is near.

    >>> did_you_mean("ammount", ["amount", "quantity"])
    "; did you mean 'amount'?"
    """
    nearest = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
