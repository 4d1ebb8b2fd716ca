"""A table of candidate rows: what a model needs, computed for many columns at once.

A decision has few rows and many columns, so its cost is that of the calls of NumPy and not of the
numbers. The matrix of 32 rows takes 60 us this way; a call or more for every column took 165.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from features import declared
from features.calendar import Calendar
from features.errors import FeatureError
from features.layout import Layout
from features.spec import AgeOf, Array, Block, Derivation, RatioOf

if TYPE_CHECKING:
    from features.matrix import Candidates

Index = npt.NDArray[np.int64]

_NOWHERE = -1
_MISSING = np.array([np.nan])
_KEPT = 256


def stored_places(
    layout: Layout, categories: tuple[str | None, ...], action_ids: tuple[str, ...]
) -> dict[str, Index]:
    """Return where in a profile vector each stored value of each action is, -1 for nowhere.

    >>> places = stored_places(Layout.of(("TEA",), ()), (None, "TEA"), ("advice", "tea"))
    >>> places["profile_at"].tolist(), int(places["category_trips_all"][0])
    ([0, 0], -1)
    """
    numbers = np.arange(layout.size, dtype=np.float64)[None, :]
    category = [layout.category_position.get(name or "", _NOWHERE) for name in categories]
    action = [layout.action_position.get(name, _NOWHERE) for name in action_ids]
    blocks = (
        (layout.scalars, layout.scalar_block(numbers), [0] * len(action_ids)),
        (layout.category_features, layout.category_block(numbers)[0], category),
        (layout.action_features, layout.action_block(numbers)[0], action),
    )
    found: dict[str, Index] = {}
    for names, block, rows in blocks:
        # Position -1 is the last row, which says that there is nothing.
        padded = np.vstack([block, np.full((1, len(names)), _NOWHERE)])
        found |= zip(names, padded[rows].T.astype(np.int64), strict=True)
    return found


def values_at(places: Index, vectors: Array, decision: Index, out: Array | None = None) -> Array:
    """Return numbers out of profile vectors, shaped as `places`; NaN where that is -1.

    Parameters
    ----------
    places : shape (rows,) or (columns, rows).
    decision : shape (rows,), which of the vectors each row is about.
    out : where to write them; else they are returned in a new array.
    """
    if len(vectors) == 1:
        # Place -1 is the last: a NaN put there costs less than looking for what is nowhere.
        one: Array = np.concatenate((vectors[0], _MISSING)).take(places, mode="wrap", out=out)
        return one
    places_of_all = places + decision * vectors.shape[1]
    values: Array = vectors.ravel().take(places_of_all, mode="wrap", out=out)
    values[places == _NOWHERE] = np.nan
    return values


def popularity_of(candidates: Candidates) -> Array:
    """Return the popularity of each row's action, shape (rows, popularity features)."""
    if len(candidates.popularity) == 1:
        same_day: Array = candidates.popularity[0].take(candidates.action, axis=0)
        return same_day
    rows: Array = candidates.popularity[candidates.decision, candidates.action]
    return rows


class PlacedRows(NamedTuple):
    """What the columns of some rows owe to their actions alone.

    Attributes
    ----------
    places : shape (stored columns, rows), where each value stands in a profile; -1 for nowhere.
    popular : shape (popularity columns, rows), where each value stands in the popularity of a day.
    attributes : shape (known columns, rows), numbers of the actions.
    inputs : shape (rows, inputs of the model), where each stands in the table.
    """

    places: Index
    popular: Index
    attributes: Array
    inputs: Index


class TablePlan:
    """Which columns a table of candidate rows has, and how they are filled.

    From left to right: moments as business days, other stored values, popularity, attributes of the
    action, ages, ratios, and room for what is derived in another way.

    Parameters
    ----------
    names : the columns of a model, in order; what ages and ratios are made of is added.
    places : of `stored_places`.
    attributes : of the actions, shape (actions,) each.
    also : further columns that are filled.

    Attributes
    ----------
    column : where each name stands that `fill` fills.
    apart : where each of the other names is to stand.
    order : shape (names,), where the columns of the model stand.

    Raises
    ------
    FeatureError : the profiles do not hold a feature.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        places: Mapping[str, Index],
        attributes: Mapping[str, Array],
        also: tuple[str, ...] = (),
    ) -> None:
        actions = len(next(iter(places.values())))
        wanted = dict.fromkeys(_with_inputs((*names, *also), attributes))
        ages = {n: d for n in wanted if isinstance(d := _derivation(n, attributes), AgeOf)}
        ratios = {n: d for n in wanted if isinstance(d := _derivation(n, attributes), RatioOf)}
        known = [name for name in wanted if name in attributes]
        popular = [name for name in declared.stored(Block.POPULARITY) if name in wanted]
        stored = [n for n in wanted if n not in {*ages, *ratios, *known, *popular}]
        # The moments of the ages stand as the ages do, so that one slice is enough for them.
        first = {age.moment: at for at, age in enumerate(ages.values())}
        stored.sort(key=lambda name: (not declared.is_moment(name), first.get(name, len(first))))
        groups = (stored, popular, known, ages, ratios)
        self.column = {name: at for at, name in enumerate(chain(*groups))}
        others = (name for name in names if name not in self.column)
        self.apart = {name: at for at, name in enumerate(others, start=len(self.column))}
        self.order = _numbers((self.column | self.apart)[name] for name in names)
        self.places_of = lru_cache(maxsize=_KEPT)(self._where)
        """Returns where some columns stand; None where `fill` does not fill all of them."""
        self._stored, self._popular, self._known, self._ages, self._ratios = (
            slice(*ends) for ends in pairwise([0, *accumulate(map(len, groups))])
        )
        self._moments = slice(0, sum(map(declared.is_moment, stored)))
        self._places = _stacked([_found(places, n) for n in stored], actions).astype(np.int64)
        self._attributes = _stacked([attributes[name] for name in known], actions)
        self._popularity = _numbers(map(declared.stored(Block.POPULARITY).index, popular))
        self._moment = _run(_numbers(self.column[age.moment] for age in ages.values()))
        self._above = _numbers(self.column[ratio.above] for ratio in ratios.values())
        self._below = _numbers(self.column[ratio.below] for ratio in ratios.values())

    def _where(self, names: tuple[str, ...]) -> Index | None:
        if any(name not in self.column for name in names):
            return None
        return _numbers(self.column[name] for name in names)

    def of(self, action: Index) -> PlacedRows:
        """Return what the columns of some rows owe to their actions alone, shape (rows,)."""
        rows = np.arange(len(action))
        return PlacedRows(
            places=self._places.take(action, axis=1),
            popular=self._popularity[:, None] + action * len(declared.stored(Block.POPULARITY)),
            attributes=self._attributes.take(action, axis=1),
            inputs=self.order * len(action) + rows[:, None],
        )

    def fill(
        self,
        candidates: Candidates,
        placed: PlacedRows,
        vectors: Array,
        today: Array,
        calendar: Calendar,
    ) -> Array:
        """Return the table, shape (columns, rows); what stands in the room for others is open.

        Parameters
        ----------
        placed : `of` the candidates' actions.
        vectors : those of the candidates' profiles, without what is too old.
        today : shape (rows,) or (1,), the business day of each row's decision.
        """
        rows = len(candidates.action)
        table = np.empty((len(self.column) + len(self.apart), rows))
        values_at(placed.places, vectors, candidates.decision, out=table[self._stored])
        calendar.day(table[self._moments], out=table[self._moments])
        table[self._popular] = self._popularity_at(placed.popular, candidates)
        table[self._known] = placed.attributes
        ages = np.subtract(today, table[self._moment], out=table[self._ages])
        np.maximum(ages, 0.0, out=ages)
        below = table.take(self._below, axis=0)
        below[below == 0.0] = np.nan
        np.divide(table.take(self._above, axis=0), below, out=table[self._ratios])
        return table

    def _popularity_at(self, places: Index, candidates: Candidates) -> Array:
        """Return the columns of popularity, shape (columns, rows)."""
        if len(candidates.popularity) == 1:
            same_day: Array = candidates.popularity.ravel().take(places)
            return same_day
        return popularity_of(candidates).T[self._popularity]


def _with_inputs(names: Iterable[str], attributes: Mapping[str, Array]) -> Iterator[str]:
    """Yield what a table can hold of some columns, and what those are made of."""
    for name in names:
        derive = _derivation(name, attributes)
        inputs: tuple[str, ...] = ()
        if isinstance(derive, AgeOf):
            inputs = (derive.moment,)
        elif isinstance(derive, RatioOf):
            inputs = (derive.above, derive.below)
        made_of = [_derivation(one, attributes) for one in inputs]
        # All ratios are filled at once: one that is made of another has to stay out.
        if (derive is None or inputs) and all(d is None or isinstance(d, AgeOf) for d in made_of):
            yield from _with_inputs(inputs, attributes)
            yield name


def _derivation(name: str, attributes: Mapping[str, Array]) -> Derivation | None:
    return None if name in attributes else declared.feature(name).derive


def _found(places: Mapping[str, Index], name: str) -> Index:
    if name not in places:
        raise FeatureError(f"the profiles do not hold {name!r}; run `nba features build`")
    return places[name]


def _numbers(numbers: Iterable[int]) -> Index:
    return np.array([*numbers], dtype=np.int64)


def _run(places: Index) -> slice | Index:
    """Return places as a slice where each is one more than the one before."""
    first = int(places[0]) if len(places) else 0
    run = slice(first, first + len(places))
    return run if np.array_equal(places, np.arange(run.start, run.stop)) else places


def _stacked(columns: Sequence[Array | Index], actions: int) -> Array:
    """Return columns over actions as one matrix, shape (columns, actions)."""
    matrix = np.empty((len(columns), actions))
    for at, column in enumerate(columns):
        matrix[at] = column
    return matrix
