"""Whom a simulation asks for: a seeded sample of the customers that have a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.errors import ConfigError, FeatureError
from features.profiles import Profiles


@dataclass(frozen=True)
class Audience:
    """The customers of a simulation.

    Attributes
    ----------
    profiles : one row per customer, none twice.
    known_customers : how many customers there were to draw from.
    seed : what they were drawn with.
    """

    profiles: Profiles
    known_customers: int
    seed: int

    def __len__(self) -> int:
        return len(self.profiles)

    @property
    def customer_ids(self) -> list[str]:
        """The ids, in the order of the rows."""
        return [str(one) for one in self.profiles.customer_ids]


def draw(customer_ids: Sequence[str], sample: int, seed: int) -> tuple[str, ...]:
    """Return `sample` of the customers, each equally likely, in order of id; all if there are less.

    Raises
    ------
    ConfigError : `sample` is below 1.
    FeatureError : there are no customers.

    >>> draw(["b", "c", "a"], 2, seed=1) == draw(["a", "b", "c"], 2, seed=1)
    True
    >>> draw(["b", "a"], 5, seed=1)
    ('a', 'b')
    """
    if sample < 1:
        raise ConfigError(f"--sample {sample}: at least 1 customer is needed")
    known = sorted(set(customer_ids))
    if not known:
        raise FeatureError(
            "no customer has a profile; run `nba features build` and `nba features materialize`"
        )
    if sample >= len(known):
        return tuple(known)
    chosen = np.random.default_rng(seed).choice(len(known), size=sample, replace=False)
    return tuple(known[place] for place in sorted(chosen))
