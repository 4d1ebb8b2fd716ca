"""What conditions over columns are made of: truths of rows, and how one is made of others.

A truth is a plain one where it is the same for all rows, else an array of shape (rows,).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from decisioning.expressions.vocabulary import Kind

Values = Mapping[str, Any]
"""Values by name; that of `known.NAME` tells where the one of NAME is not missing."""

Ask = Callable[[Values], Any]


class Logic(NamedTuple):
    """A condition: where it is true, and where it is false."""

    true: Ask
    false: Ask


class Term(NamedTuple):
    """A double, an int or a string: the value, and where it is known."""

    kind: Kind
    value: Ask
    known: Ask


def always(values: Values) -> bool:
    """Say that it is true."""
    return True


def never(values: Values) -> bool:
    """Say that it is not true."""
    return False


ALWAYS = Logic(always, never)
"""A condition that is true of every row."""


def giving(value: Any) -> Ask:
    """Return what always says the same."""
    return lambda values: value


def swapped(logic: Logic) -> Logic:
    """Return a condition that is true where another is false."""
    return Logic(logic.false, logic.true)


def both(left: Ask, right: Ask) -> Ask:
    """Return where two hold; the second is not asked where the first holds nowhere."""
    return _joined(left, right, always, decides=False, join=operator.and_)


def either(left: Ask, right: Ask) -> Ask:
    """Return where one of two holds; the second is not asked where the first holds everywhere."""
    return _joined(left, right, never, decides=True, join=operator.or_)


def _joined(
    left: Ask, right: Ask, neutral: Ask, decides: bool, join: Callable[[Any, Any], Any]
) -> Ask:
    if left is neutral or right is neutral:
        return right if left is neutral else left

    def asked(values: Values) -> Any:
        said = left(values)
        if isinstance(said, bool):
            return said if said is decides else right(values)
        return join(said, right(values))

    return asked


def negated(ask: Ask) -> Ask:
    """Return where another does not hold."""
    return lambda values: without(True, ask(values))


def without(all_of: Any, some: Any) -> Any:
    """Return where the first holds and the second does not; the second only where the first."""
    if all_of is True:
        return not some if isinstance(some, bool) else ~some
    return all_of ^ some


def known_only(true: Ask, kind: Kind, known: Ask) -> Logic:
    """Return a comparison, which is neither true nor false where a value is missing."""
    # NaN is less than, greater than and equal to nothing; a text has no such value.
    if kind == "string":
        true = both(known, true)
    return Logic(true, lambda values: without(known(values), true(values)))


def with_one(compute: Callable[[Any], Any], ask: Ask) -> Ask:
    """Return what is computed of one value."""
    return lambda values: compute(ask(values))


def with_both(compute: Callable[[Any, Any], Any], left: Ask, right: Ask) -> Ask:
    """Return what is computed of two values."""
    return lambda values: compute(left(values), right(values))


def with_constant(compute: Callable[[Any, Any], Any], ask: Ask, constant: Any) -> Ask:
    """Return what is computed of a value and one that is written in the condition."""
    return lambda values: compute(ask(values), constant)


def one_of(value: Any, elements: tuple[Any, ...]) -> Any:
    """Tell where a value is among others."""
    if not isinstance(value, np.ndarray):
        return value in elements
    found = np.zeros(len(value), dtype=bool)
    for one in elements:
        found |= value == one
    return found


def chosen(asked: Logic, yes: Ask, no: Ask) -> Ask:
    """Return `asked ? yes : no` of conditions."""
    return either(both(asked.true, yes), both(asked.false, no))


def chosen_number(asked: Logic, yes: Ask, no: Ask) -> Ask:
    """Return `asked ? yes : no` of doubles, NaN where neither is known."""

    def value(values: Values) -> Any:
        otherwise = np.where(asked.false(values), no(values), np.nan)
        return np.where(asked.true(values), yes(values), otherwise)[()]

    return value


def quiet(ask: Ask) -> Ask:
    """Compute without warnings of NumPy, and return a truth of its own kind as Python's."""

    def asked(values: Values) -> Any:
        with np.errstate(all="ignore"):
            said = ask(values)
        return said if isinstance(said, bool) or said.ndim else bool(said)

    return asked
