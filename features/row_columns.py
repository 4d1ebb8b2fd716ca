"""The columns of candidate rows by name, each made when first asked for, and one row of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from features import declared
from features.calendar import Calendar
from features.row_table import PlacedRows, popularity_of, values_at
from features.spec import Block

if TYPE_CHECKING:
    from features.matrix import Candidates, MatrixBuilder

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


class RowColumns(Mapping[str, Array]):
    """The columns of candidate rows, each computed when first asked for; shape (rows,).

    Asking for any that the builder's model needs computes nearly all of those.
    """

    def __init__(
        self, builder: MatrixBuilder, candidates: Candidates, placed: PlacedRows | None
    ) -> None:
        self._builder = builder
        self._placed = placed
        self._candidates = candidates
        self._cache: dict[str, Array] = {}
        self._vectors = _without_stale(candidates)
        self._today = _today(candidates, builder.calendar)

    def matrix(self, rows: Index | None = None) -> Array:
        """Return the rows, or some of them, as the builder's model takes them."""
        table, inputs = self._table, self._placed_rows.inputs
        for name, place in self._builder.plan.apart.items():
            table[place] = self[name]
        if rows is not None and len(rows) < len(inputs):
            inputs = inputs.take(rows, axis=0)
        matrix: Array = table.ravel().take(inputs)
        return matrix

    def __getitem__(self, name: str) -> Array:
        column = self._cache.get(name)
        if column is None:
            column = self._cache[name] = self._column(name)
        return column

    def together(self, names: tuple[str, ...]) -> Array:
        """Return several columns at once, shape (names, rows)."""
        places = self._builder.plan.places_of(names)
        if places is not None:
            return self._table.take(places, axis=0)
        return np.array([self[name] for name in names]).reshape(len(names), -1)

    def of_first_row(self, names: tuple[str, ...]) -> list[float]:
        """Return several numbers of the first row, such as what is the customer's own."""
        places = self._builder.plan.places_of(names)
        if places is None:
            return [self[name].item(0) for name in names]
        first: list[float] = self._table[:, 0].take(places).tolist()
        return first

    def row(self, row: int) -> Row:
        """Return the numbers of one row by name."""
        return Row(self, self._builder.plan.column, self._table, row)

    def stored(self, name: str) -> Array:
        """Return a stored feature as it is stored: a moment in seconds since 1970, not in days."""
        if declared.feature(name).block is Block.POPULARITY:
            at = declared.stored(Block.POPULARITY).index(name)
            return popularity_of(self._candidates)[:, at]
        places = self._builder.places.get(name)
        if places is None:
            # Declared since these profiles were built: missing for everybody until the next build.
            return np.full(len(self._candidates.action), np.nan)
        rows = places.take(self._candidates.action)
        return values_at(rows, self._vectors, self._candidates.decision)

    def __iter__(self) -> Iterator[str]:
        return iter((*declared.BY_NAME, *self._builder.actions.attributes))

    def __len__(self) -> int:
        return len(declared.BY_NAME) + len(self._builder.actions.attributes)

    @cached_property
    def _table(self) -> Array:
        builder = self._builder
        return builder.plan.fill(
            self._candidates, self._placed_rows, self._vectors, self._today, builder.calendar
        )

    @property
    def _placed_rows(self) -> PlacedRows:
        if self._placed is None:
            self._placed = self._builder.plan.of(self._candidates.action)
        return self._placed

    def _column(self, name: str) -> Array:
        builder, action = self._builder, self._candidates.action
        place = builder.plan.column.get(name)
        if place is not None:
            filled: Array = self._table[place]
            return filled
        if name in builder.actions.attributes:
            return builder.actions.attributes[name][action]
        feature = declared.BY_NAME.get(name)
        if feature is None:
            raise KeyError(name)
        if feature.derive is not None:
            return feature.derive(self, self._today)
        values = self.stored(name)
        return builder.calendar.day(values) if declared.is_moment(name) else values


def stacked(columns: Mapping[str, Array], names: tuple[str, ...]) -> Array:
    """Return several columns of any mapping, shape (names, rows); a copy."""
    if isinstance(columns, RowColumns):
        return columns.together(names)
    return np.array([columns[name] for name in names], dtype=np.float64)


class Row(Mapping[str, float]):
    """The columns of one candidate row, each looked up when asked for; NaN for missing."""

    def __init__(
        self, columns: RowColumns, places: Mapping[str, int], table: Array, row: int
    ) -> None:
        self._columns = columns
        self._places = places
        self._table = table
        self._row = row

    def __getitem__(self, name: str) -> float:
        place = self._places.get(name)
        if place is None:
            return self._columns[name].item(self._row)
        return self._table.item(place, self._row)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _today(candidates: Candidates, calendar: Calendar) -> Array:
    """Return the business day of the one decision, or of each row's, shape (1,) or (rows,)."""
    if len(candidates.decided_at) == 1:
        return np.array([calendar.day_of(candidates.decided_at.item())])
    return calendar.day(candidates.decided_at)[candidates.decision]


def _without_stale(candidates: Candidates) -> Array:
    """Return the vectors with every value beyond its maximum age made missing."""
    profiles, decided_at = candidates.profiles, candidates.decided_at
    limits, shortest = profiles.layout.age_limits, profiles.layout.shortest_limit
    if len(profiles) == len(decided_at) == 1 and not (
        # The same of the numbers themselves, for the one profile of a decision.
        (decided_at.item() - profiles.vectors.item(0)) / 3_600.0 > shortest
    ):
        return profiles.vectors
    age_hours = (decided_at - profiles.profile_at) / 3_600.0
    if not np.count_nonzero(age_hours > shortest):
        return profiles.vectors
    return np.where(age_hours[:, None] > limits, np.nan, profiles.vectors)
