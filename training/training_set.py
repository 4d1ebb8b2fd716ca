"""The rows a model learns from: one per (decision, candidate action), as columns of one length."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_WHOLE = ("features", "actions")
"""What is not one value per row."""


@dataclass(frozen=True)
class TrainingSet:
    """Model inputs and outcomes of candidate rows.

    Attributes
    ----------
    features : names of the columns of `x`.
    x : shape (rows, features), float64, NaN for missing; computed from before `decided_at`.
    y : shape (rows,), 1.0 for a positive outcome within the window, else 0.0.
    grade : shape (rows,), in [0, 1], how much of a yes it was; above 0 where `y` is 1.
    weight : shape (rows,), above 0, how much the row counts in a fit.
    revenue : shape (rows,), realised value within the window (0 without outcome).
    value : shape (rows,), what a positive outcome is worth, known before `decided_at`.
    decision : shape (rows,), id of the decision; rows of a decision stand together.
    customer, action : shape (rows,), codes; `actions` names the latter.
    group : shape (rows,), code of the catalog group of the action.
    decided_at : shape (rows,), seconds since 1970 in UTC.
    closes_on : shape (rows,), the first business day (number since 1970) that begins with the
        outcome window closed.
    segment : shape (rows,), journey stage of the customer, 0 to 4.
    rfm : shape (rows,), the recency-frequency heuristic's score, a baseline.
    logged : shape (rows,), whether the row comes from the decision log, not from the history.
    """

    features: tuple[str, ...]
    actions: tuple[str, ...]
    x: Array
    y: Array
    grade: Array
    weight: Array
    revenue: Array
    value: Array
    decision: Index
    customer: Index
    action: Index
    group: Index
    decided_at: Array
    closes_on: Array
    segment: Index
    rfm: Array
    logged: Mask

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: npt.NDArray[np.bool_] | Index) -> TrainingSet:
        """Return some of the rows, all columns alike."""
        columns = {
            f.name: getattr(self, f.name) if f.name in _WHOLE else getattr(self, f.name)[rows]
            for f in fields(self)
        }
        return TrainingSet(**columns)

    def select(self, features: tuple[str, ...]) -> TrainingSet:
        """Return the same rows with some of the inputs, in the order given."""
        places = [self.features.index(name) for name in features]
        return replace(self, features=features, x=np.ascontiguousarray(self.x[:, places]))

    def without_partial_grades(self) -> TrainingSet:
        """Return the rows with each partial yes as two: a yes that weighs its grade, and a no.

        What learns a binary outcome by weighted log loss then learns the expected grade, exactly.
        The noes stand behind all other rows; without a partial grade the rows are returned as they
        are.
        """
        partial = np.flatnonzero((self.grade > 0) & (self.grade < 1))
        if not len(partial):
            return self
        whole = self.take(np.concatenate([np.arange(len(self)), partial]))
        share = np.where(self.grade > 0, self.grade, 1.0)
        weight = np.concatenate([self.weight * share, self.weight[partial] * (1 - share[partial])])
        y = np.concatenate([self.y, np.zeros(len(partial))])
        return replace(whole, y=y, grade=y, weight=weight)

    @property
    def weights(self) -> Array | None:
        """The weights; None where every row counts one."""
        return None if (self.weight == 1).all() else self.weight


def joined(first: TrainingSet, second: TrainingSet) -> TrainingSet:
    """Return the rows of two sets with the same inputs and actions, one behind the other.

    Decisions of the second get ids of their own; customers have to have the same codes in both.
    """
    ahead = int(first.decision.max(initial=-1)) + 1
    second = replace(second, decision=second.decision + ahead)
    columns: dict[str, Any] = {
        f.name: getattr(first, f.name)
        if f.name in _WHOLE
        else np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(first)
    }
    return TrainingSet(**columns)


@dataclass(frozen=True)
class FromLog:
    """What a data set took from the decision log.

    Attributes
    ----------
    shown : rows that the log gave, one per shown (decision, action).
    left_out : how many of them were not taken, by reason.
    features_missing : in how many of the taken rows a model input was not known to the layout or
        the catalog of then, by its name.
    """

    shown: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    features_missing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """The rows of a problem and what is needed to build the same inputs again.

    Attributes
    ----------
    newest_event_at : shape (rows,), the newest event any input of the row knows.
    customer_ids : the customers by the code that the rows have for them.
    log : what the decision log gave and what of it was left out; None where it was not asked.
    """

    rows: TrainingSet
    encodings: dict[str, dict[str, int]]
    newest_event_at: Array
    digest: str
    customer_ids: npt.NDArray[np.object_]
    log: FromLog | None = None


def digest_of(rows: TrainingSet) -> str:
    """Return a SHA-256 over everything that is learnt from the rows, in hexadecimal."""
    digest = hashlib.sha256()
    columns = [rows.x, rows.y, rows.revenue, rows.value, rows.decided_at]
    if rows.logged.any():
        columns += [rows.grade, rows.weight, rows.closes_on]
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
