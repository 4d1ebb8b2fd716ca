"""Who may get an action: rules over columns of candidate rows, one code in training and serving.

A rule answers for all rows at once. Which one turned a row down is kept, so that an answer can say
why an action is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from decisioning.border import Border, Code
from decisioning.treatments import Words

Array = npt.NDArray[np.float64]
Verdicts = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]
Tier = Literal["eligibility", "applicability", "suitability"]


_COMPARISONS = {
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "more_than": np.greater,
    "less_than": np.less,
    "equals": np.equal,
}


class Rule(Protocol):
    """Anything that can turn candidates down."""

    @property
    def id(self) -> str:
        """The name of the rule in answers and logs."""
        ...

    @property
    def tier(self) -> Tier:
        """Where in the funnel it stands."""
        ...

    @property
    def reason(self) -> str:
        """The reason code of what it turns down."""
        ...

    def passes(self, columns: Mapping[str, Array]) -> Verdicts:
        """Tell which rows may go on, shape (rows,)."""
        ...


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
    def _compared(self) -> tuple[np.ufunc, float]:
        return _COMPARISONS[self.comparison], float(getattr(self, self.comparison))

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
        # A comparison with NaN does not hold.
        compare, limit = self._compared
        holds: Verdicts = compare(column, limit)
        return holds | np.isnan(column) if self.when_missing == "pass" else holds


@dataclass(frozen=True)
class RuleBook:
    """All rules of a catalog and the actions that each is for.

    Attributes
    ----------
    applies : shape (rules, actions).
    """

    rules: tuple[Rule, ...]
    applies: Verdicts

    def first_failed(self, columns: Mapping[str, Array], action: Index) -> Index:
        """Return the position of the first rule that turns each row down, -1 where none does.

        Parameters
        ----------
        action : shape (rows,), positions of the actions.
        """
        failed = np.full(len(action), -1, dtype=np.int64)
        for place in reversed(range(len(self.rules))):
            mine = self.applies[place].take(action)
            if not np.count_nonzero(mine):
                continue
            turned_down = mine & ~self.rules[place].passes(columns)
            failed[turned_down] = place
        return failed

    def passes(self, columns: Mapping[str, Array], action: Index) -> Verdicts:
        """Tell which rows pass every rule, shape (rows,)."""
        passed: Verdicts = self.first_failed(columns, action) < 0
        return passed
