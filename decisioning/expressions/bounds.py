"""Conditions that are one comparison of a number with a limit: many of them are one look.

`x < 2.0`, `x >= 1.0`, and either of them behind `!known.x ||`, let numbers through from a least one
to a greatest one. A decision compares all such columns with all such bounds at once, and asks on
only where a number lies outside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from decisioning.expressions.syntax import Call, Constant, Name, Node
from features.row_columns import stacked

Array = npt.NDArray[np.float64]
Verdicts = npt.NDArray[np.bool_]
Comparison = Literal["at_least", "at_most", "more_than", "less_than", "equals"]

_CALLED: Mapping[str, Comparison] = {
    "_>=_": "at_least",
    "_<=_": "at_most",
    "_>_": "more_than",
    "_<_": "less_than",
    "_==_": "equals",
}


class Bounded(NamedTuple):
    """A comparison of a number with a limit.

    Attributes
    ----------
    low, high : the least and the greatest number that pass.
    strict : whether a missing number does not.
    """

    name: str
    low: float
    high: float
    strict: bool


def passing(comparison: Comparison, limit: float) -> tuple[float, float]:
    """Return the least and the greatest number that pass; one beside a limit that does not.

    >>> passing("at_most", 2.0), passing("more_than", 0.0)[0] > 0.0
    ((-inf, 2.0), True)
    """
    if comparison == "at_least":
        return limit, math.inf
    if comparison == "at_most":
        return -math.inf, limit
    if comparison == "more_than":
        return math.nextafter(limit, math.inf), math.inf
    if comparison == "less_than":
        return -math.inf, math.nextafter(limit, -math.inf)
    return limit, limit


def bounded(node: Node) -> Bounded | None:
    """Return a condition as bounds of one number; None where it is anything else."""
    match node:
        case Call("_||_", (Call("!_", (Name(known),)), other)):
            inner = bounded(other)
        case Call("_||_", (other, Call("!_", (Name(known),)))):
            inner = bounded(other)
        case Call(function, (Name(name), Constant(float(limit)))):
            # Nothing lies beyond the infinite, so that no bound could leave it out.
            if function not in _CALLED or not math.isfinite(limit):
                return None
            return Bounded(name, *passing(_CALLED[function], limit), strict=True)
        case _:
            return None
    if inner is None or not inner.strict or known != f"known.{inner.name}":
        return None
    return inner._replace(strict=False)


class BoundedColumns:
    """Several comparisons of columns, each with its own bounds.

    Parameters
    ----------
    features : the column of each.
    """

    def __init__(self, features: Sequence[str], bounds: Sequence[Bounded]) -> None:
        self._features = tuple(features)
        self._low = np.array([[one.low] for one in bounds]).reshape(-1, 1)
        self._high = np.array([[one.high] for one in bounds]).reshape(-1, 1)
        strict = np.array([[one.strict] for one in bounds], dtype=bool).reshape(-1, 1)
        self._strict = strict if strict.any() else None

    def outside(self, columns: Mapping[str, Array]) -> Verdicts:
        """Tell which of them do not let through which row, shape (comparisons, rows)."""
        values = stacked(columns, self._features)
        # NaN is neither too low nor too high.
        outside: Verdicts = values < self._low
        outside |= values > self._high
        if self._strict is not None:
            outside |= np.isnan(values) & self._strict
        return outside
