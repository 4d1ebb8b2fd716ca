"""The rows a model learns from: one per (decision, candidate action), as columns of one length."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingSet:
    """Model inputs and outcomes of candidate rows.

    Attributes
    ----------
    features : names of the columns of `x`.
    x : shape (rows, features), float64, NaN for missing; computed from before `decided_at`.
    y : shape (rows,), 1.0 for a positive outcome within the window, else 0.0.
    revenue : shape (rows,), realised value within the window (0 without outcome).
    value : shape (rows,), what a positive outcome is worth, known before `decided_at`.
    decision : shape (rows,), id of the decision; rows of a decision stand together.
    customer, action : shape (rows,), codes; `actions` names the latter.
    group : shape (rows,), code of the catalog group of the action.
    decided_at : shape (rows,), seconds since 1970 in UTC.
    segment : shape (rows,), journey stage of the customer, 0 to 4.
    rfm : shape (rows,), the recency-frequency heuristic's score, a baseline.
    """

    features: tuple[str, ...]
    actions: tuple[str, ...]
    x: Array
    y: Array
    revenue: Array
    value: Array
    decision: Index
    customer: Index
    action: Index
    group: Index
    decided_at: Array
    segment: Index
    rfm: Array

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: npt.NDArray[np.bool_] | Index) -> TrainingSet:
        """Return some of the rows, all columns alike."""
        whole = ("features", "actions")
        columns = {
            f.name: getattr(self, f.name) if f.name in whole else getattr(self, f.name)[rows]
            for f in fields(self)
        }
        return TrainingSet(**columns)

    def select(self, features: tuple[str, ...]) -> TrainingSet:
        """Return the same rows with some of the inputs, in the order given."""
        places = [self.features.index(name) for name in features]
        return replace(self, features=features, x=np.ascontiguousarray(self.x[:, places]))
