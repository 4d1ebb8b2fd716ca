"""The one function that turns profiles and actions into model input rows, by name.

Training, evaluation and serving all come through here, so a feature cannot mean two things. Ages
are taken at decision time, values older than their maximum age become missing, and a column is
found by its name, never by its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features import declared
from features.calendar import Calendar
from features.errors import FeatureError, LeakError
from features.layout import Layout
from features.profiles import Profiles
from features.row_columns import RowColumns
from features.row_table import PlacedRows, TablePlan, stored_places
from features.spec import AgeOf

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


class Candidates(NamedTuple):
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
    also : features that rules and values will ask for; filling them together with the model's costs
        a tenth of asking for each. What the profiles do not hold is left out.

    Raises
    ------
    FeatureError : a feature is neither declared nor an attribute of the actions.
    """

    def __init__(
        self,
        features: tuple[str, ...],
        layout: Layout,
        actions: ActionRows,
        calendar: Calendar,
        also: Iterable[str] = (),
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
        self.places = stored_places(layout, actions.categories, actions.action_ids)
        more = [name for name in also if name not in features and _holds(self.places, name)]
        self.plan = TablePlan(features, self.places, actions.attributes, tuple(more))

    def build(self, candidates: Candidates) -> Array:
        """Return the matrix, shape (rows, features), float64 with NaN for missing.

        Raises
        ------
        LeakError : a profile was computed for, or holds an event of, after its decision.
        """
        return self.columns(candidates).matrix()

    def columns(self, candidates: Candidates, placed: PlacedRows | None = None) -> RowColumns:
        """Return any declared feature or attribute of the same rows by name, for rules and values.

        Parameters
        ----------
        placed : of the same rows, where somebody has kept it; it is `plan.of(candidates.action)`.

        Raises
        ------
        LeakError : as `build`.
        """
        _refuse_the_future(candidates)
        return RowColumns(self, candidates, placed)


def _holds(places: Mapping[str, Index], name: str) -> bool:
    """Tell whether profiles hold a feature, or the moment that it is the age of."""
    derive = declared.feature(name).derive
    return (
        name in places
        if derive is None
        else isinstance(derive, AgeOf) and (derive.moment in places)
    )


def _refuse_the_future(candidates: Candidates) -> None:
    profiles, decided_at = candidates.profiles, candidates.decided_at
    if len(profiles) == len(decided_at) == 1 and (
        # One look at the numbers of one profile costs a fifth of the arrays below.
        profiles.vectors.item(1) < profiles.vectors.item(0) <= decided_at.item()
    ):
        return
    latest = np.minimum(profiles.profile_at, decided_at)
    # Where there is no profile both are NaN, which is not late.
    late = (latest < profiles.profile_at) | (latest <= profiles.newest_event_at)
    if np.count_nonzero(late):
        first = int(late.argmax())
        raise LeakError(
            f"customer {profiles.customer_ids[first]!r}: the profile was computed for "
            f"{_moment(profiles.profile_at[first])} and holds an event of "
            f"{_moment(profiles.newest_event_at[first])}, but the decision was taken at "
            f"{_moment(decided_at[first])} ({int(late.sum())} such rows)"
        )


def _moment(epoch_seconds: float) -> str:
    return "never" if np.isnan(epoch_seconds) else str(np.datetime64(int(epoch_seconds), "s"))


def stale(profiles: Profiles, decided_at: Array) -> npt.NDArray[np.bool_]:
    """Tell which rows have a value beyond its maximum age at decision time."""
    age_hours = (decided_at - profiles.profile_at) / 3_600.0
    outdated: npt.NDArray[np.bool_] = age_hours > profiles.layout.shortest_limit
    return outdated
