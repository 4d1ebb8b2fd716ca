"""From the raw log-odds of a model to a propensity that may be read as a frequency."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.spec import Array


class Calibration(BaseModel):
    """How raw log-odds become probabilities; none of the kinds turns a ranking around.

    - `identity`: `1 / (1 + exp(-raw))`.
    - `sigmoid`: `1 / (1 + exp(-(a * raw + b)))` with a > 0 (Platt 1999).
    - `isotonic`: piecewise linear through the knots `x` (raw probability, strictly rising) and `y`
      (calibrated, never falling); outside of the knots the end values hold (Zadrozny and Elkan
      2002).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["identity", "sigmoid", "isotonic"] = "identity"
    a: float = Field(default=1.0, gt=0.0)
    b: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _has_only_what_its_kind_has(self) -> Calibration:
        if self.kind != "sigmoid" and (self.a, self.b) != (1.0, 0.0):
            raise ValueError(f"a and b belong to 'sigmoid', not to {self.kind!r}")
        if self.kind != "isotonic" and (self.x or self.y):
            raise ValueError(f"the knots x and y belong to 'isotonic', not to {self.kind!r}")
        if self.kind == "isotonic":
            _check_knots(self.x, self.y)
        return self

    def apply(self, raw: Array) -> Array:
        """Return the propensity of each raw log-odds, same shape, in [0, 1].

        >>> Calibration().apply(np.array([-800.0, 0.0, 800.0])).tolist()
        [0.0, 0.5, 1.0]
        >>> Calibration(kind="sigmoid", a=2.0, b=-1.0).apply(np.array([0.5])).tolist()
        [0.5]
        >>> knots = Calibration(kind="isotonic", x=(0.25, 0.75), y=(0.1, 0.3))
        >>> knots.apply(np.array([-9.0, 0.0, 9.0])).round(6).tolist()
        [0.1, 0.2, 0.3]
        """
        if self.kind == "isotonic":
            return np.interp(_logistic(raw), self.x, self.y)
        return _logistic(self.a * raw + self.b)


def _logistic(log_odds: Array) -> Array:
    # exp(-log(1 + exp(-z))): no overflow at either end.
    probability: Array = np.exp(-np.logaddexp(0.0, -log_odds))
    return probability


def _check_knots(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    if len(x) != len(y) or not x:
        raise ValueError(f"{len(x)} knots x and {len(y)} knots y; as many of both, at least one")
    if not all(0.0 <= knot <= 1.0 for knot in (*x, *y)):
        raise ValueError("a knot lies outside of [0, 1]")
    if not all(left < right for left, right in pairwise(x)):
        raise ValueError("the knots x have to rise strictly")
    if not all(left <= right for left, right in pairwise(y)):
        raise ValueError("the knots y must never fall")
