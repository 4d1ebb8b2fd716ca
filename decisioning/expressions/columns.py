"""Conditions over whole columns: what CEL says of every candidate row, computed in NumPy.

Only a part of the language is translated: comparisons, `in` a written list, `&&`, `||`, `!`, `? :`,
and arithmetic with doubles. As in CEL a missing value makes an error of all that depends on it,
unless `&&` or `||` is decided by the other side. So a condition has two answers, where it is true
and where it is false; where it is neither a value is missing. Nothing that is translated can fail
otherwise. A value is a plain one where it is the same for all rows, else an array of shape (rows,);
a missing double is NaN.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from decisioning.expressions.syntax import Call, Constant, Listed, Name, Node, within
from decisioning.expressions.vocabulary import Kind

Values = Mapping[str, Any]
"""Values by name; that of `known.NAME` tells where the one of NAME is not missing."""

Ask = Callable[[Values], Any]

_COMPARED = {"_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge}
_KINDS: Mapping[type, Kind] = {float: "double", int: "int", str: "string", bool: "bool"}


class Logic(NamedTuple):
    """A condition: where it is true, and where it is false."""

    true: Ask
    false: Ask


class Term(NamedTuple):
    """A double, an int or a string: the value, and where it is known."""

    kind: Kind
    value: Ask
    known: Ask


Fold = Callable[[Node], Logic | None]
"""Returns what is known of a condition before any decision; None for nothing."""


def translated(node: Node, kinds: Mapping[str, Kind], fold: Fold | None = None) -> Logic | None:
    """Return a condition over columns; None where it cannot be said in them.

    Parameters
    ----------
    kinds : the type of every name, also of each `known.NAME` that can be asked.
    """
    try:
        logic = _Translator(kinds, fold).logic(node)
    except _OutsideError:
        return None
    if any(isinstance(one, Call) and one.function in _OF_NUMPY for one in within(node)):
        return Logic(_quiet(logic.true), _quiet(logic.false))
    return logic


class _OutsideError(Exception):
    """A part of the language that is not translated."""


class _Translator:
    def __init__(self, kinds: Mapping[str, Kind], fold: Fold | None) -> None:
        self._kinds = kinds
        self._fold = fold

    def logic(self, node: Node) -> Logic:
        folded = None if self._fold is None else self._fold(node)
        return self._logic(node) if folded is None else folded

    def _logic(self, node: Node) -> Logic:
        if isinstance(node, Constant) and isinstance(node.value, bool):
            return ALWAYS if node.value else _swapped(ALWAYS)
        if isinstance(node, Name) and self._kinds.get(node.name) == "bool":
            true = operator.itemgetter(node.name)
            return Logic(true, _negated(true))
        if isinstance(node, Call):
            return self._of_call(node.function, node.arguments)
        raise _OutsideError

    def _of_call(self, function: str, arguments: tuple[Node, ...]) -> Logic:
        if function == "!_":
            return _swapped(self.logic(arguments[0]))
        if function == "_&&_":
            left, right = self.logic(arguments[0]), self.logic(arguments[1])
            return Logic(_both(left.true, right.true), _either(left.false, right.false))
        if function == "_||_":
            left, right = self.logic(arguments[0]), self.logic(arguments[1])
            return Logic(_either(left.true, right.true), _both(left.false, right.false))
        if function == "_?_:_":
            asked, yes, no = self._asked(arguments[0]), *map(self.logic, arguments[1:])
            return Logic(_chosen(asked, yes.true, no.true), _chosen(asked, yes.false, no.false))
        if function in ("_==_", "_!=_"):
            same = self._same(arguments[0], arguments[1])
            return same if function == "_==_" else _swapped(same)
        if function in _COMPARED:
            return self._compared(_COMPARED[function], arguments[0], arguments[1])
        if function == "@in" and isinstance(arguments[1], Listed):
            return self._among(arguments[0], arguments[1])
        raise _OutsideError

    def _asked(self, node: Node) -> Logic:
        # A choice asks its condition twice: one in another would be asked ever more often.
        if any(isinstance(one, Call) and one.function == "_?_:_" for one in within(node)):
            raise _OutsideError
        return self.logic(node)

    def _same(self, left: Node, right: Node) -> Logic:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Constant) and isinstance(one.value, bool):
                logic = self.logic(other)
                return logic if one.value else _swapped(logic)
        return self._compared(operator.eq, left, right)

    def _compared(self, compare: Callable[[Any, Any], Any], left: Node, right: Node) -> Logic:
        one, other = self._term(left), self._term(right)
        if one.kind != other.kind:
            raise _OutsideError
        if isinstance(right, Constant):
            true = _with_constant(compare, one.value, right.value)
        else:
            true = _with_both(compare, one.value, other.value)
        return _known_only(true, one.kind, _both(one.known, other.known))

    def _among(self, node: Node, listed: Listed) -> Logic:
        term, elements = self._term(node), []
        for one in listed.elements:
            if not isinstance(one, Constant) or _KINDS[type(one.value)] != term.kind:
                raise _OutsideError
            elements.append(one.value)
        true = _with_constant(_one_of, term.value, tuple(elements))
        return _known_only(true, term.kind, term.known)

    def _term(self, node: Node) -> Term:
        if isinstance(node, Constant) and not isinstance(node.value, bool):
            return Term(_KINDS[type(node.value)], _giving(node.value), _always)
        if isinstance(node, Name) and self._kinds.get(node.name) in ("double", "int", "string"):
            known = f"known.{node.name}"
            asked = operator.itemgetter(known) if known in self._kinds else _always
            return Term(self._kinds[node.name], operator.itemgetter(node.name), asked)
        if isinstance(node, Call):
            return self._computed(node.function, node.arguments)
        raise _OutsideError

    def _computed(self, function: str, arguments: tuple[Node, ...]) -> Term:
        if function == "_?_:_":
            asked, yes, no = self._asked(arguments[0]), *map(self._double, arguments[1:])
            value = _chosen_number(asked, yes.value, no.value)
            return Term("double", value, _chosen(asked, yes.known, no.known))
        if function == "-_":
            term = self._double(arguments[0])
            return term._replace(value=_with_one(operator.neg, term.value))
        if function not in _COMPUTED:
            raise _OutsideError
        left, right = self._double(arguments[0]), self._double(arguments[1])
        value = _with_both(_COMPUTED[function], left.value, right.value)
        return Term("double", value, _both(left.known, right.known))

    def _double(self, node: Node) -> Term:
        term = self._term(node)
        if term.kind != "double":
            raise _OutsideError
        return term


def _always(values: Values) -> bool:
    return True


def _never(values: Values) -> bool:
    return False


ALWAYS = Logic(_always, _never)
"""A condition that is true of every row."""


def _giving(value: Any) -> Ask:
    return lambda values: value


def _swapped(logic: Logic) -> Logic:
    return Logic(logic.false, logic.true)


def _both(left: Ask, right: Ask) -> Ask:
    if left is _always or right is _always:
        return right if left is _always else left

    def asked(values: Values) -> Any:
        said = left(values)
        if said is True:
            return right(values)
        return said if said is False else said & right(values)

    return asked


def _either(left: Ask, right: Ask) -> Ask:
    if left is _never or right is _never:
        return right if left is _never else left

    def asked(values: Values) -> Any:
        said = left(values)
        if said is False:
            return right(values)
        return said if said is True else said | right(values)

    return asked


def _negated(ask: Ask) -> Ask:
    return lambda values: _without(True, ask(values))


def _without(all_of: Any, some: Any) -> Any:
    """Return where the first holds and the second does not; the second only where the first."""
    if all_of is True:
        return not some if isinstance(some, bool) else ~some
    return all_of ^ some


def _known_only(true: Ask, kind: Kind, known: Ask) -> Logic:
    # NaN is less than, greater than and equal to nothing; a text has no such value.
    if kind == "string":
        true = _both(known, true)
    return Logic(true, lambda values: _without(known(values), true(values)))


def _with_one(compute: Callable[[Any], Any], ask: Ask) -> Ask:
    return lambda values: compute(ask(values))


def _with_both(compute: Callable[[Any, Any], Any], left: Ask, right: Ask) -> Ask:
    return lambda values: compute(left(values), right(values))


def _with_constant(compute: Callable[[Any, Any], Any], ask: Ask, constant: Any) -> Ask:
    return lambda values: compute(ask(values), constant)


def _one_of(value: Any, elements: tuple[Any, ...]) -> Any:
    if not isinstance(value, np.ndarray):
        return value in elements
    found = np.zeros(len(value), dtype=bool)
    for one in elements:
        found |= value == one
    return found


def _chosen(asked: Logic, yes: Ask, no: Ask) -> Ask:
    return _either(_both(asked.true, yes), _both(asked.false, no))


def _chosen_number(asked: Logic, yes: Ask, no: Ask) -> Ask:
    def value(values: Values) -> Any:
        otherwise = np.where(asked.false(values), no(values), np.nan)
        return np.where(asked.true(values), yes(values), otherwise)[()]

    return value


def _divided(left: Any, right: Any) -> Any:
    # Python's own floats cannot be divided by zero, those of CEL can.
    return np.divide(left, right)


_COMPUTED: Mapping[str, Callable[[Any, Any], Any]] = {
    "_+_": operator.add,
    "_-_": operator.sub,
    "_*_": operator.mul,
    "_/_": _divided,
}
_OF_NUMPY = {*_COMPUTED, "_?_:_"}


def _quiet(ask: Ask) -> Ask:
    """Compute without warnings of NumPy, and return a truth of its own kind as Python's."""

    def asked(values: Values) -> Any:
        with np.errstate(all="ignore"):
            said = ask(values)
        return said if isinstance(said, bool) or said.ndim else bool(said)

    return asked
