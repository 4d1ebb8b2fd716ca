"""Whether an online store still has the profiles that the newest build holds.

Redis keeps in memory what it loses with it, and may throw keys out where memory is short.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.declared import stored
from features.errors import FeatureError
from features.spec import Block

SAMPLE = 50
"""How many customers are looked for; they are spread over the build."""
LEAST_SHARE = 0.9
"""How many of them a whole store has at least; single ones may be gone for good reasons."""


class CountsOnline(Protocol):
    """What is needed of `features.store.ProfileStore`."""

    def count_online(self, customer_ids: Sequence[str]) -> int:
        """Return how many of the customers have a profile online."""
        ...

    def popularity_now(self, action_ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the popularity of actions, shape (1, actions, popularity features)."""
        ...


class KeptOnline:
    """Looks for some customers and actions of the newest build in a folder.

    The build is read when it has changed; on a machine that has none nothing is ever missed.
    """

    def __init__(self, features: Path) -> None:
        self._paths = features / "vector.parquet", features / "popularity.parquet"
        self._stamp: object = None
        self._customers: tuple[str, ...] = ()
        self._actions: tuple[str, ...] = ()

    def lost(self, store: CountsOnline) -> bool:
        """Tell whether the store lacks more than a tenth of the sample of either.

        Raises
        ------
        FeatureError : the store, or the build, cannot be read.
        """
        self._follow()
        if not self._customers:
            return False
        profiles = store.count_online(self._customers)
        popularity = store.popularity_now(self._actions)[0]
        known = np.count_nonzero(~np.isnan(popularity).all(axis=1))
        return bool(
            profiles < LEAST_SHARE * len(self._customers)
            or known < LEAST_SHARE * len(self._actions)
        )

    def _follow(self) -> None:
        customers, actions = self._paths
        try:
            found = map(Path.stat, self._paths)
            stamp = [(one.st_ino, one.st_mtime_ns, one.st_size) for one in found]
            if stamp != self._stamp:
                self._customers, self._actions = _spread(customers), _popular(actions)
                self._stamp = stamp
        except FileNotFoundError:
            self._customers, self._actions, self._stamp = (), (), None
        except (OSError, pa.ArrowException) as error:
            raise FeatureError(
                f"{customers.parent}: cannot be read ({type(error).__name__})"
            ) from error


def _spread(path: Path) -> tuple[str, ...]:
    ids = pq.read_table(path, columns=["customer_id"])["customer_id"]
    places = {int(place) for place in np.linspace(0, len(ids) - 1, SAMPLE)} if len(ids) else set()
    return tuple(str(ids[place]) for place in sorted(places))


def _popular(path: Path) -> tuple[str, ...]:
    """Return some actions of which the newest day of a build knows anything."""
    days = pq.read_table(path).to_pandas()
    newest = days[days["as_of"] == days["as_of"].max()]
    known = newest[list(stored(Block.POPULARITY))].notna().any(axis=1)
    return tuple(newest.loc[known, "action_id"].astype(str))[:SAMPLE]
