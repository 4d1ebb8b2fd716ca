"""Who may get an action: rules over columns of candidate rows, one code in training and serving.

A rule answers for all rows at once. Which one turned a row down is kept, so that an answer can say
why an action is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from decisioning.border import Border, Code
from decisioning.expressions.bounds import Bounded, BoundedColumns, Comparison, passing
from decisioning.gone import Grounds
from decisioning.treatments import Words

Array = npt.NDArray[np.float64]
Verdicts = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]
Tier = Literal["eligibility", "applicability", "suitability"]


_COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)


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
    def comparison(self) -> Comparison:
        """Which comparison it is."""
        return next(name for name in _COMPARISONS if getattr(self, name) is not None)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest number that pass; one beside a limit that does not."""
        return passing(self.comparison, float(getattr(self, self.comparison)))

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


class RulesOfRows(NamedTuple):
    """The rules that concern any of some rows.

    Attributes
    ----------
    asked : shape (rules,), their positions in the book, rising.
    bounds : what each compares.
    concerns : shape (rules, rows).
    grounds : why each turns a row down.
    """

    asked: Index
    bounds: BoundedColumns
    concerns: Verdicts
    grounds: tuple[Grounds, ...]

    def failed(self, columns: Mapping[str, Array]) -> Verdicts:
        """Tell which rule turns down which row, shape (rules, rows)."""
        if not len(self.asked):
            return self.concerns
        failed = self.bounds.outside(columns)
        failed &= self.concerns
        return failed


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

    def of(self, action: Index) -> RulesOfRows:
        """Return the rules that concern some rows.

        Parameters
        ----------
        action : shape (rows,), positions of the actions.
        """
        concerns = self.applies.take(action, axis=1)
        asked = np.logical_or.reduce(concerns, axis=1).nonzero()[0]
        rules = [self.rules[at] for at in asked.tolist()]
        bounds = [
            Bounded(one.feature, one.bounds[0], one.bounds[1], one.when_missing == "fail")
            for one in rules
        ]
        return RulesOfRows(
            asked=asked,
            bounds=BoundedColumns([one.feature for one in rules], bounds),
            concerns=concerns.take(asked, axis=0),
            grounds=tuple(self.grounds[at] for at in asked.tolist()),
        )

    def first_failed(self, columns: Mapping[str, Array], action: Index) -> Index:
        """Return the position of the first rule that turns each row down, -1 where none does.

        Parameters
        ----------
        action : shape (rows,), positions of the actions.
        """
        rules = self.of(action)
        failed = np.full(len(action), -1, dtype=np.int64)
        rule, row = rules.failed(columns).nonzero()
        # Of several rules the one that is written last stays, which is the first.
        failed[row[::-1]] = rules.asked[rule[::-1]]
        return failed

    def passes(self, columns: Mapping[str, Array], action: Index) -> Verdicts:
        """Tell which rows pass every rule, shape (rows,)."""
        passed: Verdicts = self.first_failed(columns, action) < 0
        return passed
