"""Compares profiles that should be the same, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.layout import Layout
from features.profiles import Profiles


@dataclass(frozen=True)
class Difference:
    """One stored value that is not the same online and offline.

    Attributes
    ----------
    about : the category or action of the value; None where it is the customer's own.
    """

    customer_id: str
    feature: str
    about: str | None
    online: float
    offline: float

    def __str__(self) -> str:
        """Return it as a line for people."""
        about = f" of {self.about}" if self.about else ""
        return (
            f"customer {self.customer_id}: {self.feature}{about} is {self.online!r} online "
            f"and {self.offline!r} offline"
        )


def differences(online: Profiles, offline: Profiles) -> list[Difference]:
    """Return every stored value that differs; two missing values are the same.

    Parameters
    ----------
    online, offline : the same customers in the same order, with one layout.
    """
    same = (online.vectors == offline.vectors) | (
        np.isnan(online.vectors) & np.isnan(offline.vectors)
    )
    names = _names(online.layout)
    return [
        Difference(
            str(online.customer_ids[row]),
            names[place][0],
            names[place][1],
            float(online.vectors[row, place]),
            float(offline.vectors[row, place]),
        )
        for row, place in np.argwhere(~same)
    ]


def _names(layout: Layout) -> Sequence[tuple[str, str | None]]:
    """Return the feature at every place of a vector, and what it is about."""
    own: list[tuple[str, str | None]] = [(name, None) for name in layout.scalars]
    for about, features in (
        (layout.categories, layout.category_features),
        (layout.actions, layout.action_features),
    ):
        own += [(name, one) for one in about for name in features]
    return own
