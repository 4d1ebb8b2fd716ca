"""Which of the ranked actions are returned: as many as asked for, within every limit, each once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]


class Quota(NamedTuple):
    """How many of some rows may be in one answer, and what the others are told.

    Attributes
    ----------
    rows : shape (rows,), which it is about.
    """

    policy_id: str
    reason: str
    remaining: int
    rows: Verdicts


class Place(NamedTuple):
    """A placement of the request.

    Attributes
    ----------
    fits : shape (rows,), which rows have a treatment for it.
    """

    id: str
    slots: int
    fits: Verdicts


class Refusal(NamedTuple):
    """Ranked rows that are not returned, best first, all for one reason."""

    rows: tuple[int, ...]
    policy_id: str
    reason: str


_OUTRANKED = Refusal((), "max_results", "outranked")
_PLACES_FULL = Refusal((), "placements", "placements_full")


class Chosen(NamedTuple):
    """What is returned, best first, where it goes, and what is not returned.

    Attributes
    ----------
    places : one per row; None where the request named no placement.
    refusals : in the order of the best row of each.
    """

    rows: tuple[int, ...]
    places: tuple[str | None, ...]
    refusals: tuple[Refusal, ...]


class Selection(NamedTuple):
    """The limits of one answer.

    Attributes
    ----------
    most : how many actions are returned at most.
    """

    most: int
    quotas: tuple[Quota, ...] = ()
    places: tuple[Place, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether simply the first `room` rows are returned."""
        if not self.places:
            return not self.quotas
        return not self.quotas and len(self.places) == 1 and bool(self.places[0].fits.all())

    @property
    def room(self) -> int:
        """How many rows are returned at most."""
        if not self.places:
            return self.most
        return min(self.most, sum(place.slots for place in self.places))

    def rows(self, order: Index) -> Index:
        """Return only the rows that `choose` returns, shape (returned,)."""
        if self.plain:
            return order[: self.room]
        return np.array(self.choose(order).rows, dtype=np.int64)

    def choose(self, order: Index) -> Chosen:
        """Go through rows from the best to the worst and take what every limit still allows.

        A row takes the first placement of the request that it fits and that has a free slot.
        """
        if self.plain:
            return self._first(order.tolist())
        left = [quota.remaining for quota in self.quotas]
        free = [place.slots for place in self.places]
        rows: list[int] = []
        places: list[str | None] = []
        refused: dict[Refusal, list[int]] = {}
        for row in order.tolist():
            if len(rows) == self.most:
                refused.setdefault(_OUTRANKED, []).append(row)
                continue
            mine = [at for at, quota in enumerate(self.quotas) if quota.rows[row]]
            used_up = next((at for at in mine if left[at] <= 0), None)
            if used_up is not None:
                quota = self.quotas[used_up]
                refused.setdefault(Refusal((), quota.policy_id, quota.reason), []).append(row)
                continue
            spot = self._spot(row, free)
            if self.places and spot is None:
                refused.setdefault(_PLACES_FULL, []).append(row)
                continue
            for at in mine:
                left[at] -= 1
            rows.append(row)
            places.append(None if spot is None else self.places[spot].id)
        refusals = tuple(why._replace(rows=tuple(mine)) for why, mine in refused.items())
        return Chosen(tuple(rows), tuple(places), refusals)

    def _first(self, order: list[int]) -> Chosen:
        """Return the first rows; what they leave over is outranked, or has no place."""
        room, place = self.room, self.places[0].id if self.places else None
        rows, others = order[:room], order[room:]
        _, policy_id, reason = _PLACES_FULL if room < self.most and self.places else _OUTRANKED
        refusals = (Refusal(tuple(others), policy_id, reason),) if others else ()
        return Chosen(tuple(rows), (place,) * len(rows), refusals)

    def _spot(self, row: int, free: list[int]) -> int | None:
        """Take a slot of the first placement that fits; None where there is none."""
        for at, place in enumerate(self.places):
            if free[at] > 0 and place.fits[row]:
                free[at] -= 1
                return at
        return None
