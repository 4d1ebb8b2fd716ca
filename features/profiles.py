"""Profile rows in memory: the same type whether they come from the offline or the online store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.layout import Layout

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profiles:
    """One row per (customer, time asked for).

    Attributes
    ----------
    customer_ids : shape (n,), strings.
    vectors : shape (n, layout.size); a row of NaN where the customer has no profile.
    """

    layout: Layout
    customer_ids: npt.NDArray[np.object_]
    vectors: Array

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def profile_at(self) -> Array:
        """When each row was computed for, seconds since 1970 in UTC; NaN where there is none."""
        return self.vectors[:, 0]

    @property
    def newest_event_at(self) -> Array:
        """The newest event in each row, seconds since 1970 in UTC; NaN where there is none."""
        return self.vectors[:, 1]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which rows have a profile."""
        return ~np.isnan(self.profile_at)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Profiles:
        """Return some of the rows."""
        return Profiles(self.layout, self.customer_ids[rows], self.vectors[rows])


def no_profile(layout: Layout, customer_id: str) -> Profiles:
    """Return the one row of a customer nobody knows: every value missing.

    >>> no_profile(Layout.of((), ()), "?").known.tolist()
    [False]
    """
    empty = np.full((1, layout.size), np.nan)
    return Profiles(layout, np.array([customer_id], dtype=object), empty)
