"""Who is one person in a batch: each is asked about once, under the id that stands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.live_events import owners

RUNS = "batch"
"""How ids of the questions of batches begin."""


@dataclass(frozen=True)
class Person:
    """Somebody of an audience.

    Attributes
    ----------
    root : the customer id that stands for the person.
    ids : all customer ids, the root first.
    listed : those that the audience names, in its order.
    """

    root: str
    ids: tuple[str, ...]
    listed: tuple[str, ...]


class Persons:
    """The persons of an audience, by the merges that are known at one moment.

    Parameters
    ----------
    several : everybody who has several customer ids: all of them by root, the root first.

    >>> persons = Persons(("7", "8", "9"), {"8": ("8", "5", "7")})
    >>> persons.root("7"), persons.asked_in(("7", "8", "9"))
    ('8', {'7': '8', '8': ''})
    >>> [one.listed for one in persons.to_ask(("7", "8", "9"))]
    [('7', '8'), ('9',)]
    """

    def __init__(self, customer_ids: Sequence[str], several: Mapping[str, Sequence[str]]) -> None:
        self._several, self._owners = several, owners(several)
        listed: dict[str, list[str]] = {}
        for one in customer_ids:
            if self.root(one) in several:
                listed.setdefault(self.root(one), []).append(one)
        self._listed = {root: tuple(ids) for root, ids in listed.items()}

    def root(self, customer_id: str) -> str:
        """Return the id that stands for the person of a customer."""
        return self._owners.get(customer_id, customer_id)

    def asked_in(self, customer_ids: Sequence[str]) -> dict[str, str]:
        """Return which of some ids ask for a person who has several, and under which id.

        "" is one for whom another id of the audience asks.
        """
        return {
            one: self.root(one) if one == self._listed[self.root(one)][0] else ""
            for one in customer_ids
            if self.root(one) in self._listed
        }

    def to_ask(self, customer_ids: Sequence[str]) -> list[Person]:
        """Return the persons that some ids of the audience ask for, each in one part alone."""
        several = self.asked_in(customer_ids)
        return [self._person(one) for one in customer_ids if several.get(one, one)]

    def absorbed(self, customer_ids: Sequence[str]) -> int:
        """Return how many ids are not those that stand for their persons."""
        return sum(self.root(one) != one for one in customer_ids)

    def _person(self, customer_id: str) -> Person:
        root = self.root(customer_id)
        ids = tuple(self._several.get(root, (root,)))
        return Person(root, ids, self._listed.get(root, (root,)))


def request_id(run_id: str, customer_id: str) -> str:
    """Return the id of the question of a run about a customer.

    >>> request_id("spring", "7")
    'batch:spring:7'
    """
    return f"{RUNS}:{run_id}:{customer_id}"


def run_of(request: str | None) -> str | None:
    """Return the run of such an id; None where it is no question of a batch.

    >>> run_of("batch:spring:a:b"), run_of("trigger:t:e")
    ('spring', None)
    """
    words = (request or "").split(":", 2)
    return words[1] if len(words) == 3 and words[0] == RUNS else None
