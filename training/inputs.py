"""What a model sees of a row: inputs by name, and the numbers for texts and actions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from features import declared
from features.calendar import Calendar
from features.matrix import ACTION_CODE
from features.row_columns import RowColumns
from training.problem import Problem
from training.slices import slices_of

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


def input_names(problem: Problem) -> tuple[str, ...]:
    """Return the inputs of a problem's model, before those that never vary are left out."""
    inputs = problem.inputs
    names = tuple(name for name in declared.model_inputs() if name not in inputs.exclude)
    return names + inputs.attributes + ((ACTION_CODE,) if inputs.action_code else ())


def encodings_of(
    problem: Problem,
    catalog: Catalog,
    decided_at: Array,
    action: Index,
    y: Array,
    calendar: Calendar,
) -> dict[str, dict[str, int]]:
    """Return the codes of texts; actions are ordered by their rate in the slice that tunes.

    Parameters
    ----------
    decided_at, action, y : of the rows, shape (rows,).
    """
    codes = catalog.encodings()
    encodings = {name: codes[name] for name in problem.inputs.attributes if name in codes}
    if problem.inputs.action_code:
        early = slices_of(decided_at, problem, calendar).tune
        action, y = action[early], y[early]
        seen = np.bincount(action, minlength=len(catalog.ordered))
        rate = np.bincount(action, y, minlength=len(catalog.ordered)) / np.maximum(seen, 1)
        order = np.argsort(rate, kind="stable")
        encodings[ACTION_CODE] = {catalog.action_ids[at]: code for code, at in enumerate(order)}
    return encodings


def groups_of(catalog: Catalog) -> Index:
    """Return the code of the group of each action, shape (actions,)."""
    names = [action.group for action in catalog.ordered]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def recency_frequency(columns: RowColumns) -> Array:
    """Frequency over (1 + recency / 28 days): of the category where there is one."""
    frequency = columns["category_trips_all"]
    recency = columns["days_since_category"]
    general = np.isnan(frequency)
    frequency = np.where(general, columns["trips_91d"] + columns["accepted_all"], frequency)
    own = np.fmin(columns["days_since_purchase"], columns["days_since_accepted"])
    recency = np.where(general, own, recency)
    score: Array = np.nan_to_num(frequency / (1.0 + recency / 28.0))
    return score
