"""The one function that turns profiles and actions into model input rows, by name.

Training, evaluation and serving all come through here, so a feature cannot mean two things. Ages
are taken at decision time, values older than their maximum age become missing, and a column is
found by its name, never by its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features import declared
from features.calendar import Calendar
from features.errors import FeatureError, LeakError
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block, Feature

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

ACTION_CODE = "action_code"
"""An attribute every action has: the code of its own id."""


@dataclass(frozen=True)
class ActionRows:
    """The actions of a catalog as far as features know them: one entry per action, in order.

    Attributes
    ----------
    categories : the canonical category of each action; None where it has none.
    attributes : numbers by name, shape (actions,); NaN for missing, texts already encoded.
    """

    action_ids: tuple[str, ...]
    categories: tuple[str | None, ...]
    attributes: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.action_ids)


@dataclass(frozen=True)
class Candidates:
    """What to build a matrix for: one entry per (decision, action).

    Attributes
    ----------
    profiles : one row per decision.
    decided_at : shape (decisions,), seconds since 1970 in UTC.
    decision, action : shape (rows,), positions in `profiles` and in the actions.
    popularity : shape (decisions or 1, actions, popularity features), as of the decision's day.
    """

    profiles: Profiles
    decided_at: Array
    decision: Index
    action: Index
    popularity: Array


class MatrixBuilder:
    """Builds the input matrix of one model for one catalog; made once, used for every decision.

    Parameters
    ----------
    features : the model's inputs in its own order: declared features and attributes of actions.

    Raises
    ------
    FeatureError : a feature is neither declared nor an attribute of the actions.
    """

    def __init__(
        self, features: tuple[str, ...], layout: Layout, actions: ActionRows, calendar: Calendar
    ) -> None:
        self.features = features
        self.layout = layout
        self.actions = actions
        self.calendar = calendar
        for name in features:
            if name not in declared.BY_NAME and name not in actions.attributes:
                known = ", ".join(sorted(actions.attributes)) or "none"
                raise FeatureError(
                    f"{name!r} is neither a declared feature nor an action attribute ({known})"
                )
        self._category_of = _positions(actions.categories, layout.category_position)
        self._action_of = _positions(actions.action_ids, layout.action_position)
        blocks = (
            (Block.CUSTOMER, layout.scalars),
            (Block.CATEGORY, layout.category_features),
            (Block.ACTION, layout.action_features),
            (Block.POPULARITY, declared.stored(Block.POPULARITY)),
        )
        self._copies = tuple(_copy_plan(features, block, names) for block, names in blocks)
        self._stored = {
            name: (number, at)
            for number, (block, names) in enumerate(blocks)
            for at, name in enumerate(names)
            if name in declared.BY_NAME and declared.BY_NAME[name].block is block
        }
        self._moments = tuple(
            tuple(at for at, name in enumerate(names) if self._is_moment(name))
            for _, names in blocks
        )
        copied = {place for targets, _ in self._copies for place in targets}
        self._computed = tuple(
            (place, name) for place, name in enumerate(features) if place not in copied
        )

    def build(self, candidates: Candidates) -> Array:
        """Return the matrix, shape (rows, features), float64 with NaN for missing.

        Raises
        ------
        LeakError : a profile was computed for, or holds an event of, after its decision.
        """
        return self.columns(candidates).matrix()

    def columns(self, candidates: Candidates) -> RowColumns:
        """Return any declared feature or attribute of the same rows by name, for rules and values.

        Raises
        ------
        LeakError : as `build`.
        """
        _refuse_the_future(candidates)
        return RowColumns(self, candidates)

    def _is_moment(self, name: str) -> bool:
        return name in self._stored and declared.is_moment(name)


class RowColumns(Mapping[str, Array]):
    """The columns of candidate rows, each computed when first asked for; shape (rows,)."""

    def __init__(self, builder: MatrixBuilder, candidates: Candidates) -> None:
        self._builder = builder
        self._candidates = candidates
        self._cache: dict[str, Array] = {}
        self._days: dict[int, Array] = {}
        vectors = _without_stale(candidates, builder.layout)
        layout, row, action = builder.layout, candidates.decision, candidates.action
        day = row if len(candidates.popularity) > 1 else np.zeros_like(row)
        self._blocks = (
            layout.scalar_block(vectors)[row],
            _gather(layout.category_block(vectors), row, builder._category_of[action]),
            _gather(layout.action_block(vectors), row, builder._action_of[action]),
            candidates.popularity[day, action],
        )
        self._today = builder.calendar.day(candidates.decided_at)[row]

    def matrix(self) -> Array:
        """Return the rows as the builder's model takes them, as `MatrixBuilder.build`."""
        builder = self._builder
        matrix = np.empty((len(self._candidates.decision), len(builder.features)))
        for (targets, sources), block in zip(builder._copies, self._blocks, strict=True):
            if len(targets):
                matrix[:, targets] = block[:, sources]
        for place, name in builder._computed:
            matrix[:, place] = self[name]
        return matrix

    def __getitem__(self, name: str) -> Array:
        if name not in self._cache:
            self._cache[name] = self._column(name)
        return self._cache[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*declared.BY_NAME, *self._builder.actions.attributes))

    def __len__(self) -> int:
        return len(declared.BY_NAME) + len(self._builder.actions.attributes)

    def _column(self, name: str) -> Array:
        attributes = self._builder.actions.attributes
        if name in attributes:
            return attributes[name][self._candidates.action]
        feature = declared.BY_NAME.get(name)
        if feature is None:
            raise KeyError(name)
        if feature.derive is not None:
            return feature.derive(self, self._today)
        number, at = self._builder._stored[name]
        moments = self._builder._moments[number]
        if at in moments:
            return self._days_of(number)[:, moments.index(at)]
        return self._stored(feature)

    def _days_of(self, number: int) -> Array:
        """Return the business days of all moments of a block, shape (rows, moments)."""
        if number not in self._days:
            moments = list(self._builder._moments[number])
            self._days[number] = self._builder.calendar.day(self._blocks[number][:, moments])
        return self._days[number]

    def _stored(self, feature: Feature) -> Array:
        number, at = self._builder._stored[feature.name]
        column: Array = self._blocks[number][:, at]
        return column


def _positions(names: tuple[str | None, ...], known: Mapping[str, int]) -> Index:
    """Return where each name stands, -1 for a name that the layout does not have."""
    return np.array([known.get(name, -1) if name else -1 for name in names], dtype=np.int64)


def _gather(block: Array, row: Index, place: Index) -> Array:
    """Return block[row, place], NaN where the place is -1."""
    if block.shape[1] == 0:
        return np.full((len(row), block.shape[2]), np.nan)
    values: Array = block[row, place]
    if (place < 0).any():
        values[place < 0] = np.nan
    return values


def _copy_plan(
    features: tuple[str, ...], block: Block, names: tuple[str, ...]
) -> tuple[Index, Index]:
    """Return the places in the matrix that are plain copies of a block, and their sources."""
    pairs = [
        (place, names.index(name))
        for place, name in enumerate(features)
        if name in names and declared.BY_NAME[name].block is block and not declared.is_moment(name)
    ]
    plan = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return plan[:, 0], plan[:, 1]


def _refuse_the_future(candidates: Candidates) -> None:
    profiles = candidates.profiles
    late = (profiles.profile_at > candidates.decided_at) | (
        profiles.newest_event_at >= np.minimum(profiles.profile_at, candidates.decided_at)
    )
    if late.any():
        first = int(np.flatnonzero(late)[0])
        raise LeakError(
            f"customer {profiles.customer_ids[first]!r}: the profile was computed for "
            f"{_moment(profiles.profile_at[first])} and holds an event of "
            f"{_moment(profiles.newest_event_at[first])}, but the decision was taken at "
            f"{_moment(candidates.decided_at[first])} ({int(late.sum())} such rows)"
        )


def _moment(epoch_seconds: float) -> str:
    return "never" if np.isnan(epoch_seconds) else str(np.datetime64(int(epoch_seconds), "s"))


def _without_stale(candidates: Candidates, layout: Layout) -> Array:
    """Return the vectors with every value beyond its maximum age made missing."""
    vectors = candidates.profiles.vectors
    age_hours = (candidates.decided_at - candidates.profiles.profile_at) / 3_600.0
    limits = _limits(layout)
    if not (age_hours > limits.min()).any():
        return vectors
    return np.where(age_hours[:, None] > limits[None, :], np.nan, vectors)


@lru_cache(maxsize=8)
def _limits(layout: Layout) -> Array:
    """Return the maximum age in hours of every place in a vector."""

    def of(names: tuple[str, ...]) -> list[float]:
        return [
            declared.BY_NAME[n].max_age_hours if n in declared.BY_NAME else np.inf for n in names
        ]

    per_category = of(layout.category_features) * len(layout.categories)
    per_action = of(layout.action_features) * len(layout.actions)
    return np.array(of(layout.scalars) + per_category + per_action)


def stale(profiles: Profiles, decided_at: Array) -> npt.NDArray[np.bool_]:
    """Tell which rows have a value beyond its maximum age at decision time."""
    age_hours = (decided_at - profiles.profile_at) / 3_600.0
    outdated: npt.NDArray[np.bool_] = age_hours > _limits(profiles.layout).min()
    return outdated
