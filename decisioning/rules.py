"""Who may get an action: rules over columns of candidate rows, one code in training and serving.

A rule answers for all rows at once. Which one turned a row down is kept, so that an answer can say
why an action is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from decisioning.border import Border, Code
from decisioning.gone import Grounds
from decisioning.treatments import Words

Array = npt.NDArray[np.float64]
Verdicts = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]
Tier = Literal["eligibility", "applicability", "suitability"]


_COMPARISONS = ("at_least", "at_most", "more_than", "less_than", "equals")


class Condition(Border):
    """One comparison of one feature with one number.

    >>> lapsed = Condition(feature="days_since_category", more_than=56, when_missing="pass")
    >>> lapsed.passes({"days_since_category": np.array([56.0, 57.0, np.nan])}).tolist()
    [False, True, True]
    """

    name: Code | None = None
    """What answers and logs call the rule; left out, the feature and the comparison."""
    feature: str
    """A declared feature, or an attribute of the actions that is a number."""
    at_least: float | None = None
    """Passes from this number on."""
    at_most: float | None = None
    """Passes up to this number."""
    more_than: float | None = None
    """Passes above this number."""
    less_than: float | None = None
    """Passes below this number."""
    equals: float | None = None
    """Passes at this number only."""
    when_missing: Literal["pass", "fail"] = "fail"
    """What happens where the customer has no such value."""
    reason: Code = "not_eligible"
    """The reason code of what is turned down."""
    words: Words | None = None
    """What people are told; left out, what the product says for the reason code."""

    @model_validator(mode="after")
    def _one_comparison(self) -> Condition:
        given = [name for name in _COMPARISONS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"needs exactly one of {', '.join(_COMPARISONS)}; found {found}")
        return self

    @cached_property
    def comparison(self) -> str:
        """Which comparison it is."""
        return next(name for name in _COMPARISONS if getattr(self, name) is not None)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number that pass; one beside a limit that does not."""
        limit = float(getattr(self, self.comparison))
        return {
            "at_least": (limit, np.inf),
            "at_most": (-np.inf, limit),
            "more_than": (math.nextafter(limit, np.inf), np.inf),
            "less_than": (-np.inf, math.nextafter(limit, -np.inf)),
            "equals": (limit, limit),
        }[self.comparison]

    @property
    def id(self) -> str:
        """The name of the rule in answers and logs."""
        return self.name or f"{self.feature}_{self.comparison}"

    @property
    def tier(self) -> Tier:
        """Conditions of the catalog say who is eligible."""
        return "eligibility"

    def passes(self, columns: Mapping[str, Array]) -> Verdicts:
        """Tell which rows hold the comparison, shape (rows,)."""
        column = columns[self.feature]
        low, high = self.bounds
        # A comparison with NaN does not hold.
        holds: Verdicts = (column >= low) & (column <= high)
        return holds | np.isnan(column) if self.when_missing == "pass" else holds


@dataclass(frozen=True)
class RuleBook:
    """All rules of a catalog and the actions that each is for.

    Attributes
    ----------
    applies : shape (rules, actions).
    """

    rules: tuple[Condition, ...]
    applies: Verdicts

    @cached_property
    def grounds(self) -> tuple[Grounds, ...]:
        """Why each rule turns a row down."""
        return tuple(Grounds("eligibility", one.tier, one.id, one.reason) for one in self.rules)

    def first_failed(self, columns: Mapping[str, Array], action: Index) -> Index:
        """Return the position of the first rule that turns each row down, -1 where none does.

        Parameters
        ----------
        action : shape (rows,), positions of the actions.
        """
        down = self.applies.take(action, axis=1)
        asked = np.logical_or.reduce(down, axis=1).nonzero()[0]
        values = np.empty((len(asked), len(action)))
        for place, at in enumerate(asked.tolist()):
            values[place] = columns[self.rules[at].feature]
        low, high, strict = self._limits
        if len(asked) < len(self.rules):
            down = down.take(asked, axis=0)
            low, high, strict = low.take(asked, axis=0), high.take(asked, axis=0), strict[asked]
        # NaN is neither too low nor too high.
        down &= (values < low) | (values > high) | (np.isnan(values) & strict)
        failed = np.full(len(action), -1, dtype=np.int64)
        rule, row = down.nonzero()
        # Of several rules the one that is written last stays, which is the first.
        failed[row[::-1]] = asked[rule[::-1]]
        return failed

    def passes(self, columns: Mapping[str, Array], action: Index) -> Verdicts:
        """Tell which rows pass every rule, shape (rows,)."""
        passed: Verdicts = self.first_failed(columns, action) < 0
        return passed

    @cached_property
    def _limits(self) -> tuple[Array, Array, Verdicts]:
        """The bounds of each rule and whether a missing value fails, each of shape (rules, 1)."""
        low, high = np.array([one.bounds for one in self.rules]).reshape(-1, 2).T[:, :, None]
        strict = np.array([[one.when_missing == "fail"] for one in self.rules], dtype=bool)
        return low, high, strict.reshape(-1, 1)
