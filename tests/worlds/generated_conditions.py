"""Random conditions as trees: written out for the product, worked out here in plain Python.

A tree is ("and" | "or", left, right), ("not", tree), ("known", name) or (name, operator, literal).
"""

from __future__ import annotations

from random import Random
from typing import Any

Tree = tuple[Any, ...]

MEASURES = ("profile.trips_91d", "profile.spend_91d", "journey.complaints_91d")
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")


def random_tree(dice: Random, of_action: bool, depth: int = 2) -> Tree:
    if depth and dice.random() < 0.45:
        kind = dice.choice(("and", "or", "or", "not"))
        left = random_tree(dice, of_action, depth - 1)
        return (kind, left) if kind == "not" else (
            kind, left, random_tree(dice, of_action, depth - 1),
        )  # fmt: skip
    if of_action and dice.random() < 0.6:
        return _about_the_action(dice)
    return _about_the_customer(dice)


def _about_the_action(dice: Random) -> Tree:
    match dice.randrange(5):
        case 0:
            return "action.size", dice.choice(OPERATORS), float(dice.randrange(4))
        case 1:
            return "action.cost", dice.choice(OPERATORS), float(dice.randrange(3))
        case 2:
            return "action.group", dice.choice(("==", "!=")), f"g{dice.randrange(5)}"
        case 3:
            return "action.mandatory", "==", dice.random() < 0.3
        case _:
            return "known", "action.size"


def _about_the_customer(dice: Random) -> Tree:
    match dice.randrange(9):
        case 0 | 1 | 2:
            return dice.choice(MEASURES), dice.choice(OPERATORS), float(dice.randrange(6))
        case 3:
            return "known", dice.choice(MEASURES)
        case 4:
            return "request.hour", dice.choice(("<", "<=", ">", ">=")), dice.randrange(24)
        case 5:
            days = sorted(dice.sample(range(1, 8), 5))
            return "request.weekday", "in", tuple(days)
        case 6:
            return "request.channel", dice.choice(("==", "!=")), dice.choice(("web", "email"))
        case 7:
            return "request.direction", dice.choice(("==", "!=")), "inbound"
        case _:
            return "request.contexts", "holds", ("page.category", dice.choice(("tea", "milk")))


def text_of(tree: Tree) -> str:
    """Write a tree as an expression."""
    match tree:
        case ("not", inner):
            return f"!({text_of(inner)})"
        case ("known", name):
            return f"known.{name}"
        case (("and" | "or") as kind, left, right):
            sign = "&&" if kind == "and" else "||"
            return f"({text_of(left)}) {sign} ({text_of(right)})"
        case (name, "holds", (key, value)):
            return f'{name}["{key}"] == "{value}"'
        case (name, sign, literal):
            return f"{name} {sign} {_literal(literal)}"
    raise AssertionError(tree)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)


def verdict(tree: Tree, values: dict[str, Any]) -> bool | None:
    """Work a tree out; None where it hangs on a value that is missing.

    `values` has None, or no entry, for what is missing. One false makes an `and` false and one true
    an `or` true, whatever is missing on the other side.
    """
    if tree[0] == "not":
        inner = verdict(tree[1], values)
        return None if inner is None else not inner
    if tree[0] == "known":
        return values.get(tree[1]) is not None
    if tree[0] in ("and", "or"):
        decides = tree[0] == "or"
        both = [verdict(side, values) for side in tree[1:]]
        if decides in both:
            return decides
        return None if None in both else not decides
    name, sign, literal = tree
    value = values.get(name)
    if sign == "holds":
        value = value.get(literal[0])
        return None if value is None else bool(value == literal[1])
    return None if value is None else _compare(value, sign, literal)


def _compare(value: Any, sign: str, literal: Any) -> bool:
    results = {"==": lambda: value == literal, "!=": lambda: value != literal,
               "<": lambda: value < literal, "<=": lambda: value <= literal,
               ">": lambda: value > literal, ">=": lambda: value >= literal,
               "in": lambda: value in literal}  # fmt: skip
    return bool(results[sign]())
