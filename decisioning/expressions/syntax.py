"""The syntax tree of a checked expression, as the compiler wrote it.

Read from `cel.expr.CheckedExpr` (see `references`): CheckedExpr.expr = 4, and of each Expr the
constant (3), the resolved name (4), the call (6) and the list (7). Everything else is `Other`. The
compiler refuses what is nested more than about thirty deep.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from decisioning.expressions.wire import fields, submessages


@dataclass(frozen=True)
class Constant:
    """A value that is written in the expression."""

    value: float | int | str | bool


@dataclass(frozen=True)
class Name:
    """A name of the vocabulary, or a variable of a macro."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or a function, by what CEL calls it, such as `_&&_` or `@in`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Listed:
    """A list that is written in the expression."""

    elements: tuple[Node, ...]


@dataclass(frozen=True)
class Other:
    """Anything else: a method, a macro, a field, a map, null, bytes, an unsigned number."""


Node: TypeAlias = Constant | Name | Call | Listed | Other


def tree_of(serialized: bytes) -> Node:
    """Return the tree of a checked expression.

    Raises
    ------
    ValueError : not a protocol buffer.
    """
    for checked in submessages(serialized, 2):
        for expression in submessages(checked, 4):
            return _node(expression)
    return Other()


def within(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    below = (
        node.arguments
        if isinstance(node, Call)
        else (node.elements if isinstance(node, Listed) else ())
    )
    for one in below:
        yield from within(one)


def _node(expression: bytes) -> Node:
    for number, content in fields(expression):
        if number == 2 or not isinstance(content, bytes):
            continue
        if number == 3:
            return _constant(content)
        if number == 4:
            return Name(_text(content, 1))
        if number == 6:
            return _call(content)
        if number == 7:
            return _listed(content)
        break
    return Other()


def _constant(content: bytes) -> Node:
    for number, value in fields(content):
        if isinstance(value, int):
            if number == 2:
                return Constant(bool(value))
            if number == 3:
                return Constant(value - (1 << 64) if value >> 63 else value)
        elif number == 5 and len(value) == 8:
            return Constant(struct.unpack("<d", value)[0])
        elif number == 6:
            return Constant(value.decode("utf-8"))
    return Other()


def _call(content: bytes) -> Node:
    if any(True for _ in submessages(content, 1)):
        return Other()
    arguments = tuple(_node(one) for one in submessages(content, 3))
    return Call(_text(content, 2), arguments)


def _listed(content: bytes) -> Node:
    if any(number != 1 for number, _ in fields(content)):
        return Other()
    return Listed(tuple(_node(one) for one in submessages(content, 1)))


def _text(content: bytes, number: int) -> str:
    return next(submessages(content, number), b"").decode("utf-8")
