"""Whether an online store still has the profiles that the newest build holds.

Redis keeps in memory what it may lose with it; a store of SQLite is a file that may be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import FeatureError

SAMPLE = 50
"""How many customers are looked for; they are spread over the build."""
LEAST_SHARE = 0.9
"""How many of them a whole store has at least; single ones may be gone for good reasons."""


class CountsOnline(Protocol):
    """What is needed of `features.store.ProfileStore`."""

    def count_online(self, customer_ids: Sequence[str]) -> int:
        """Return how many of the customers have a profile online."""
        ...


class KeptOnline:
    """Looks for some customers of the newest build in a folder.

    The build is read when it has changed; on a machine that has none nothing is ever missed.
    """

    def __init__(self, features: Path) -> None:
        self._path = features / "vector.parquet"
        self._stamp: object = None
        self._sample: tuple[str, ...] = ()

    def lost(self, store: CountsOnline) -> bool:
        """Tell whether the store lacks more than a tenth of the sample.

        Raises
        ------
        FeatureError : the store, or the build, cannot be read.
        """
        self._follow()
        if not self._sample:
            return False
        return store.count_online(self._sample) < LEAST_SHARE * len(self._sample)

    def _follow(self) -> None:
        try:
            found = self._path.stat()
            stamp = found.st_ino, found.st_mtime_ns, found.st_size
            if stamp != self._stamp:
                self._sample, self._stamp = _spread(self._path), stamp
        except FileNotFoundError:
            self._sample, self._stamp = (), None
        except (OSError, pa.ArrowException) as error:
            raise FeatureError(f"{self._path}: cannot be read ({type(error).__name__})") from error


def _spread(path: Path) -> tuple[str, ...]:
    ids = pq.read_table(path, columns=["customer_id"])["customer_id"]
    places = {int(place) for place in np.linspace(0, len(ids) - 1, SAMPLE)} if len(ids) else set()
    return tuple(str(ids[place]) for place in sorted(places))
