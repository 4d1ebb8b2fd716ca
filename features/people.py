"""Which customers are one person, from the log of merges.

A merge rewrites nothing: whoever reads, reads of all customer ids of a person, and taking a merge
back is one more row. What holds now follows from the rows alone, in whatever order they come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Merge(NamedTuple):
    """One row of the log of merges.

    Attributes
    ----------
    absorbed_id, customer_id : `absorbed_id` is `customer_id` from then on.
    status : merged or unmerged.
    rule : by which rule, such as on_login:cookie; `explicit` where somebody said so.
    recorded_at : seconds since 1970; of rows of the same moment unmerged ones count last.
    source : where it comes from, in a word.
    """

    absorbed_id: str
    customer_id: str
    status: str
    rule: str
    recorded_at: float
    source: str


class People:
    """The persons that the rows of the log make.

    A person's root is the customer id that their profile is kept under. Merges that are not taken
    back are applied by time; one that would close a circle changes nothing.

    >>> people = People([Merge("anonymous:a", "7", "merged", "on_login:cookie", 1.0, "request")])
    >>> people.root("anonymous:a"), people.aliases("7"), people.aliases("8")
    ('7', ('7', 'anonymous:a'), ('8',))
    """

    def __init__(self, rows: Iterable[Merge] = ()) -> None:
        self._above: dict[str, str] = {}
        self.applied = tuple(one for one in _standing(rows) if self._apply(one))
        """The merges that hold and join persons, oldest first."""
        self._members: dict[str, list[str]] = {}
        for one in sorted({name for row in self.applied for name in row[:2]}):
            self._members.setdefault(self.root(one), []).append(one)

    def _apply(self, merge: Merge) -> bool:
        below, above = self.root(merge.absorbed_id), self.root(merge.customer_id)
        if below == above:
            return False
        self._above[below] = above
        return True

    def root(self, customer_id: str) -> str:
        """Return the customer id that stands for the person."""
        passed, root = [], customer_id
        while (above := self._above.get(root)) is not None:
            passed.append(root)
            root = above
        # However long the way was, the next one is short.
        self._above |= dict.fromkeys(passed, root)
        return root

    def aliases(self, customer_id: str) -> tuple[str, ...]:
        """Return all customer ids of the person: the root first, the others sorted."""
        root = self.root(customer_id)
        return (root, *(one for one in self._members.get(root, ()) if one != root))

    @property
    def persons(self) -> Mapping[str, tuple[str, ...]]:
        """All customer ids by root, of everybody who has several."""
        return {root: self.aliases(root) for root in self._members}

    def chain(self, one: str, other: str) -> tuple[Merge, ...] | None:
        """Return the merges that lead from one customer id to another; None for two persons."""
        near: dict[str, list[tuple[str, Merge]]] = {}
        for merge in self.applied:
            near.setdefault(merge.absorbed_id, []).append((merge.customer_id, merge))
            near.setdefault(merge.customer_id, []).append((merge.absorbed_id, merge))
        found: dict[str, tuple[Merge, ...]] = {one: ()}
        waiting = deque([one])
        while waiting and other not in found:
            here = waiting.popleft()
            for there, merge in near.get(here, ()):
                if there not in found:
                    found[there] = (*found[here], merge)
                    waiting.append(there)
        return found.get(other)

    def of(self, customer_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the persons of some customers: all customer ids by root."""
        return {self.root(one): self.aliases(one) for one in customer_ids}


def _standing(rows: Iterable[Merge]) -> list[Merge]:
    """Return the merges that are not taken back, each as it was first said, by time."""
    standing: dict[tuple[str, str], Merge] = {}
    for row in sorted(set(rows), key=lambda one: (one.recorded_at, one.status, one)):
        pair = (row.absorbed_id, row.customer_id)
        if row.status == "merged":
            standing.setdefault(pair, row)
        else:
            standing.pop(pair, None)
    return sorted(standing.values(), key=lambda one: (one.recorded_at, one))
