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
from operator import itemgetter
from typing import Any

import numpy as np

from decisioning.expressions.syntax import Call, Constant, Listed, Name, Node, within
from decisioning.expressions.truth import (
    ALWAYS,
    Logic,
    Term,
    always,
    both,
    chosen,
    chosen_number,
    either,
    giving,
    known_only,
    negated,
    one_of,
    quiet,
    swapped,
    with_both,
    with_constant,
    with_one,
)
from decisioning.expressions.vocabulary import Kind

_COMPARED = {"_<_": operator.lt, "_<=_": operator.le, "_>_": operator.gt, "_>=_": operator.ge}
_OPPOSITE = {"_<_": operator.ge, "_<=_": operator.gt, "_>_": operator.le, "_>=_": operator.lt}
_KINDS: Mapping[type, Kind] = {float: "double", int: "int", str: "string", bool: "bool"}

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
        return Logic(quiet(logic.true), quiet(logic.false))
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
            return ALWAYS if node.value else swapped(ALWAYS)
        if isinstance(node, Name) and self._kinds.get(node.name) == "bool":
            true = itemgetter(node.name)
            return Logic(true, negated(true))
        if isinstance(node, Call):
            return self._of_call(node.function, node.arguments)
        raise _OutsideError

    def _of_call(self, function: str, arguments: tuple[Node, ...]) -> Logic:
        if function == "!_":
            return swapped(self.logic(arguments[0]))
        if function == "_&&_":
            left, right = self.logic(arguments[0]), self.logic(arguments[1])
            return Logic(both(left.true, right.true), either(left.false, right.false))
        if function == "_||_" and (at_once := self._unless_missing(*arguments)) is not None:
            return at_once
        if function == "_||_":
            left, right = self.logic(arguments[0]), self.logic(arguments[1])
            return Logic(either(left.true, right.true), both(left.false, right.false))
        if function == "_?_:_":
            asked, yes, no = self._asked(arguments[0]), *map(self.logic, arguments[1:])
            return Logic(chosen(asked, yes.true, no.true), chosen(asked, yes.false, no.false))
        if function in ("_==_", "_!=_"):
            same = self._same(arguments[0], arguments[1])
            return same if function == "_==_" else swapped(same)
        if function in _COMPARED:
            return self._compared(_COMPARED[function], arguments[0], arguments[1])
        if function == "@in" and isinstance(arguments[1], Listed):
            return self._among(arguments[0], arguments[1])
        raise _OutsideError

    def _unless_missing(self, left: Node, right: Node) -> Logic | None:
        """Return `!known.NAME || NAME < 2.0` as not `NAME >= 2.0`, which is no part of missing."""
        for one, other in ((left, right), (right, left)):
            match one, other:
                case (
                    Call("!_", (Name(asked),)),
                    Call(function, (Name(name), Constant(float(limit)))),
                ) if asked == f"known.{name}" and function in _OPPOSITE:
                    false = with_constant(_OPPOSITE[function], itemgetter(name), limit)
                    return Logic(negated(false), false)
        return None

    def _asked(self, node: Node) -> Logic:
        # A choice asks its condition twice: one in another would be asked ever more often.
        if any(isinstance(one, Call) and one.function == "_?_:_" for one in within(node)):
            raise _OutsideError
        return self.logic(node)

    def _same(self, left: Node, right: Node) -> Logic:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Constant) and isinstance(one.value, bool):
                logic = self.logic(other)
                return logic if one.value else swapped(logic)
        return self._compared(operator.eq, left, right)

    def _compared(self, compare: Callable[[Any, Any], Any], left: Node, right: Node) -> Logic:
        one, other = self._term(left), self._term(right)
        if one.kind != other.kind:
            raise _OutsideError
        if isinstance(right, Constant):
            true = with_constant(compare, one.value, right.value)
        else:
            true = with_both(compare, one.value, other.value)
        return known_only(true, one.kind, both(one.known, other.known))

    def _among(self, node: Node, listed: Listed) -> Logic:
        term, elements = self._term(node), []
        for one in listed.elements:
            if not isinstance(one, Constant) or _KINDS[type(one.value)] != term.kind:
                raise _OutsideError
            elements.append(one.value)
        true = with_constant(one_of, term.value, tuple(elements))
        return known_only(true, term.kind, term.known)

    def _term(self, node: Node) -> Term:
        if isinstance(node, Constant) and not isinstance(node.value, bool):
            return Term(_KINDS[type(node.value)], giving(node.value), always)
        if isinstance(node, Name) and self._kinds.get(node.name) in ("double", "int", "string"):
            known = f"known.{node.name}"
            asked = itemgetter(known) if known in self._kinds else always
            return Term(self._kinds[node.name], itemgetter(node.name), asked)
        if isinstance(node, Call):
            return self._computed(node.function, node.arguments)
        raise _OutsideError

    def _computed(self, function: str, arguments: tuple[Node, ...]) -> Term:
        if function == "_?_:_":
            asked, yes, no = self._asked(arguments[0]), *map(self._double, arguments[1:])
            value = chosen_number(asked, yes.value, no.value)
            return Term("double", value, chosen(asked, yes.known, no.known))
        if function == "-_":
            term = self._double(arguments[0])
            return term._replace(value=with_one(operator.neg, term.value))
        if function not in _COMPUTED:
            raise _OutsideError
        left, right = self._double(arguments[0]), self._double(arguments[1])
        value = with_both(_COMPUTED[function], left.value, right.value)
        return Term("double", value, both(left.known, right.known))

    def _double(self, node: Node) -> Term:
        term = self._term(node)
        if term.kind != "double":
            raise _OutsideError
        return term


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
