"""How one profile feature is declared; the families declare their own beside their expressions.

A declaration is the single source for the Feast views, the docs, the model manifest, the model
matrix and the sentences of the reasons.

Time rule: what is stored was computed from events strictly before `as_of`. Ages are not stored;
the moment is, and it becomes an age when a decision is taken, by the same code for training and
serving, so that a stored row does not grow old by standing still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Columns = Mapping[str, Array]
Derivation = Callable[[Columns, Array], Array]


class Block(StrEnum):
    """What one value of a feature belongs to."""

    CUSTOMER = "customer"
    CATEGORY = "customer_category"
    ACTION = "customer_action"
    POPULARITY = "action"


@dataclass(frozen=True)
class Sentence:
    """A reason in words, one template per language.

    Templates may name `{action}` (the action's readable name), `{value}` (the feature's own value)
    and any feature of the same row. Features that share a template are told as one reason.
    """

    en: str
    de: str


@dataclass(frozen=True)
class Feature:
    """One model input.

    Attributes
    ----------
    unit : what one unit of the value is: trips, days, currency, share (0 to 1), ...
    default : the value for a known customer without any matching event; NaN where none makes sense.
    max_age_hours : a stored row older than this at decision time counts as missing.
    derive : None for a stored value; else how it is made of stored ones at decision time, given the
        columns by name and `today`, the decision's business day number (days since 1970-01-01).
    """

    name: str
    block: Block
    unit: str
    meaning: str
    sentence: Sentence
    default: float = 0.0
    max_age_hours: float = 48.0
    derive: Derivation | None = None

    @property
    def dtype(self) -> str:
        """The type of the value in every store and in the model matrix."""
        return "float64"


@dataclass(frozen=True)
class AgeOf:
    """Whole business days from a stored moment to the decision; never negative, NaN for never.

    The columns hold the business day number of the moment (`features.calendar`), so that an age
    changes at midnight only.
    """

    moment: str

    def __call__(self, columns: Columns, today: Array) -> Array:
        """Derive the age."""
        age: Array = np.maximum(today - columns[self.moment], 0.0)
        return age


@dataclass(frozen=True)
class RatioOf:
    """`above / below`, NaN where `below` is zero or missing."""

    above: str
    below: str

    def __call__(self, columns: Columns, today: Array) -> Array:
        """Derive the ratio."""
        below = columns[self.below]
        quotient: Array = columns[self.above] / np.where(below == 0.0, np.nan, below)
        return quotient


def age_of(moment: str) -> Derivation:
    """Return the derivation of an age.

    >>> age_of("last_purchase_at")({"last_purchase_at": np.array([1.0, np.nan])}, np.array([8.0]))
    array([ 7., nan])
    """
    return AgeOf(moment)


def ratio_of(above: str, below: str) -> Derivation:
    """Return the derivation of a ratio.

    >>> ratio_of("a", "b")({"a": np.array([1.0, 2.0]), "b": np.array([0.0, 4.0])}, np.zeros(2))
    array([nan, 0.5])
    """
    return RatioOf(above, below)


class Declare(Protocol):
    """Declares one feature of a block."""

    def __call__(
        self,
        name: str,
        unit: str,
        meaning: str,
        en: str,
        de: str,
        default: float = 0.0,
        derive: Derivation | None = None,
    ) -> Feature:
        """Return the declaration."""
        ...


def declare_in(block: Block) -> Declare:
    """Return what declares the features of one block."""

    def declare(
        name: str,
        unit: str,
        meaning: str,
        en: str,
        de: str,
        default: float = 0.0,
        derive: Derivation | None = None,
    ) -> Feature:
        return Feature(name, block, unit, meaning, Sentence(en, de), default, derive=derive)

    return declare


_STAGE_ENDS = np.array([28.0, 91.0, np.inf])
_NEW_ENDS = np.array([28.0])
_STAGES = np.array([[1.0, 1.0, 1.0, 0.0], [2.0, 3.0, 4.0, 0.0]])
"""By tenure up to 28 days or longer, and by recency; the last for who never bought."""


def journey_stage(columns: Columns, today: Array) -> Array:
    """0 prospect, 1 new (28 days), 2 active (28 days), 3 cooling (91 days), 4 lapsed.

    >>> seen = {"days_since_purchase": np.array([np.nan, 3.0, 3.0, 60.0, 92.0]),
    ...         "tenure_days": np.array([np.nan, 10.0, 300.0, 300.0, 300.0])}
    >>> journey_stage(seen, np.zeros(5)).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    # Looked up, since np.select costs five times as much on a decision's few rows. NaN is sorted
    # behind all numbers.
    at = _STAGE_ENDS.searchsorted(columns["days_since_purchase"])
    at += _NEW_ENDS.searchsorted(columns["tenure_days"]) * len(_STAGES[0])
    stage: Array = _STAGES.take(at)
    return stage
