"""Conditions about the customer and the request as one function of plain Python values.

What they say is the same for every action, so a decision asks each once. Asked of columns, every
comparison is a few calls; as one function of numbers and texts, twenty conditions are one call. A
missing double is NaN, as in `decisioning.expressions.columns`, and only where a condition is true
is told: where one is not, the columns tell whether a value is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from decisioning.expressions.compiled import Condition
from decisioning.expressions.syntax import Call, Constant, Listed, Name, Node
from decisioning.expressions.trials import proven_plainly
from decisioning.expressions.values import Rows
from decisioning.expressions.vocabulary import REQUEST, Kind, Vocabulary
from features.row_columns import RowColumns

Told = Callable[..., tuple[bool, ...]]

_ON_THE_CLOCK = ("hour", "weekday")
_ORDER: Mapping[str, type[ast.cmpop]] = {
    "_<_": ast.Lt,
    "_<=_": ast.LtE,
    "_>_": ast.Gt,
    "_>=_": ast.GtE,
}
_ARITHMETIC: Mapping[str, type[ast.operator]] = {"_+_": ast.Add, "_-_": ast.Sub, "_*_": ast.Mult}
_KINDS: Mapping[type, Kind] = {float: "double", int: "int", str: "string"}


class PlainConditions:
    """Those of some conditions that can be asked as one function; made once for a vocabulary.

    Attributes
    ----------
    places : which of the conditions they are, rising.
    """

    def __init__(self, conditions: Sequence[Condition], vocabulary: Vocabulary) -> None:
        written = [_proven(one, vocabulary) for one in conditions]
        self.places = tuple(at for at, one in enumerate(written) if one is not None)
        chosen = [one for one in written if one is not None]
        names = sorted({name for one in chosen for name in one.names})
        features = [name for name in names if name not in REQUEST]
        fields = [name.removeprefix("request.") for name in names if name in REQUEST]
        self._columns = tuple(vocabulary.columns[name] for name in features)
        self._said = tuple(one for one in fields if one not in _ON_THE_CLOCK)
        self._clock = tuple(one for one in fields if one in _ON_THE_CLOCK)
        arguments = [*features, *(f"request.{one}" for one in (*self._said, *self._clock))]
        self._told = together(arguments, [one.true for one in chosen])

    def true(self, rows: Rows) -> tuple[bool, ...]:
        """Tell which of the conditions in `places` are true; there is one row at least."""
        columns, request = rows.columns, rows.request
        values: list[Any] = (
            columns.of_first_row(self._columns)
            if isinstance(columns, RowColumns)
            else [columns[name].item(0) for name in self._columns]
        )
        values += [getattr(request, one) for one in self._said]
        if self._clock:
            local = rows.local()
            values += [getattr(local, one) for one in self._clock]
        return self._told(*values)


@dataclass(frozen=True)
class Written:
    """A condition as Python: where it is true, and the names that this asks for."""

    true: ast.expr
    names: frozenset[str]


def written(node: Node, kinds: Mapping[str, Kind]) -> Written | None:
    """Return a condition as Python; None where it needs more than comparisons and sums.

    Parameters
    ----------
    kinds : the type of every name; a name of the action is not among what can be written.
    """
    writer = _Writer(kinds)
    try:
        true = writer.true(node)
    except _OutsideError:
        return None
    return Written(true, frozenset(writer.names))


def together(arguments: Sequence[str], conditions: Sequence[ast.expr]) -> Told:
    """Return one function of the values of some names that tells which conditions are true."""
    renamed = {name: f"v{at}" for at, name in enumerate(arguments)}
    takes = ast.arguments([], [ast.arg(one) for one in renamed.values()], None, [], [], None, [])
    tells = ast.Tuple([_Renamed(renamed).visit(deepcopy(one)) for one in conditions], ast.Load())
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(takes, tells)))
    # The tree was made here, of nothing but comparisons; no text of anybody is run.
    told: Told = eval(compile(tree, "<conditions>", "eval"), {})
    return told


def _proven(condition: Condition, vocabulary: Vocabulary) -> Written | None:
    if condition.of_action:
        return None
    python = written(condition.tree, vocabulary.kinds)
    if python is None or not python.names <= {*vocabulary.columns, *REQUEST}:
        return None
    arguments = sorted(python.names)
    told = together(arguments, [python.true])
    return python if proven_plainly(condition, vocabulary, arguments, told) else None


class _OutsideError(Exception):
    """A part of the language that is not written as Python."""


class _Renamed(ast.NodeTransformer):
    """Puts the arguments of a function in the place of the names of the vocabulary."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names[node.id], ast.Load())


class _Writer:
    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self.names: set[str] = set()

    def true(self, node: Node, holds: bool = True) -> ast.expr:
        """Return where a condition is true, or where it is false: neither where it is missing."""
        if isinstance(node, Constant) and isinstance(node.value, bool):
            return ast.Constant(node.value is holds)
        if isinstance(node, Name) and node.name.startswith("known."):
            return self._known(node.name.removeprefix("known."), holds)
        if not isinstance(node, Call):
            raise _OutsideError
        function, arguments = node.function, node.arguments
        if function == "!_":
            return self.true(arguments[0], not holds)
        if function in ("_&&_", "_||_"):
            every = (function == "_&&_") is holds
            parts = [self.true(one, holds) for one in arguments]
            return ast.BoolOp(ast.And() if every else ast.Or(), parts)
        if function in ("_==_", "_!=_"):
            return self._same(arguments[0], arguments[1], (function == "_==_") is holds)
        if function in _ORDER:
            return self._compared(_ORDER[function](), arguments[0], arguments[1], holds)
        if function == "@in" and isinstance(arguments[1], Listed):
            return self._among(arguments[0], arguments[1], holds)
        raise _OutsideError

    def _known(self, name: str, holds: bool) -> ast.expr:
        if self._kinds.get(name) != "double":
            raise _OutsideError
        same = ast.Eq() if holds else ast.NotEq()
        return ast.Compare(self._name(name), [same], [self._name(name)])

    def _same(self, left: Node, right: Node, holds: bool) -> ast.expr:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Constant) and isinstance(one.value, bool):
                return self.true(other, holds is one.value)
        return self._compared(ast.Eq(), left, right, holds)

    def _compared(self, how: ast.cmpop, left: Node, right: Node, holds: bool) -> ast.expr:
        (one, kind), (other, other_kind) = self._term(left), self._term(right)
        if kind != other_kind:
            raise _OutsideError
        return self._decided(ast.Compare(one, [how], [other]), (left, right), holds)

    def _among(self, node: Node, listed: Listed, holds: bool) -> ast.expr:
        term, kind = self._term(node)
        elements = [self._term(one) for one in listed.elements if isinstance(one, Constant)]
        if len(elements) < len(listed.elements) or {kind} != {kind, *(k for _, k in elements)}:
            raise _OutsideError
        among = ast.Tuple([one for one, _ in elements], ast.Load())
        return self._decided(ast.Compare(term, [ast.In()], [among]), (node,), holds)

    def _decided(self, compared: ast.expr, terms: Sequence[Node], holds: bool) -> ast.expr:
        """A comparison with NaN is not true; it is false only where nothing is missing."""
        if holds:
            return compared
        known = [self._known(name, True) for one in terms for name in _doubles(one, self._kinds)]
        other = ast.UnaryOp(ast.Not(), compared)
        return ast.BoolOp(ast.And(), [*known, other]) if known else other

    def _term(self, node: Node) -> tuple[ast.expr, Kind]:
        if isinstance(node, Constant) and not isinstance(node.value, bool):
            return ast.Constant(node.value), _KINDS[type(node.value)]
        if isinstance(node, Name) and self._kinds.get(node.name) in ("double", "int", "string"):
            return self._name(node.name), self._kinds[node.name]
        if isinstance(node, Call) and node.function in (*_ARITHMETIC, "-_"):
            parts = [self._term(one) for one in node.arguments]
            if any(kind != "double" for _, kind in parts):
                raise _OutsideError
            if node.function == "-_":
                return ast.UnaryOp(ast.USub(), parts[0][0]), "double"
            how = _ARITHMETIC[node.function]()
            return ast.BinOp(parts[0][0], how, parts[1][0]), "double"
        raise _OutsideError

    def _name(self, name: str) -> ast.Name:
        self.names.add(name)
        return ast.Name(name, ast.Load())


def _doubles(node: Node, kinds: Mapping[str, Kind]) -> list[str]:
    if isinstance(node, Name):
        return [node.name] if kinds[node.name] == "double" else []
    below = node.arguments if isinstance(node, Call) else ()
    return [name for one in below for name in _doubles(one, kinds)]
