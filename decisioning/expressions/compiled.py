"""Expressions made ready for decisions; the only importer of the CEL library.

What cannot be evaluated never lets anybody through: an error in a condition turns down, an error in
an amount is no amount.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any, TypeAlias

from cel_expr_python import cel

from decisioning.expressions.limits import too_much
from decisioning.expressions.references import names_in
from decisioning.expressions.syntax import Node, tree_of
from decisioning.expressions.vocabulary import Fact, Kind, Vocabulary
from features.errors import PolicyError

PASSED, REFUSED, VALUE_MISSING, POLICY_ERROR = -1, 0, 1, 2
"""What a condition says: let through, turned down, a value it needs is missing, it failed."""

LONGEST_SECONDS = 0.05
"""How long one evaluation of an expression may take when it is read."""

_TOGETHER = 32
_TYPES: Mapping[Kind, cel.Type] = {
    "double": cel.Type.DOUBLE,
    "int": cel.Type.INT,
    "string": cel.Type.STRING,
    "bool": cel.Type.BOOL,
    "texts": cel.Type.List(cel.Type.STRING),
    "facts": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
}
_BOOL, _ERROR, _DOUBLE, _INT = cel.Type.BOOL, cel.Type.ERROR, cel.Type.DOUBLE, cel.Type.INT
_TRIALS: tuple[Mapping[Kind, Fact], ...] = (
    {"double": 0.0, "int": 0, "string": "", "bool": False, "texts": [], "facts": {}},
    {"double": 1.0, "int": 1, "string": "a", "bool": True, "texts": ["a"], "facts": {"a": "a"}},
)
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']+)'")
_WHOLE_NUMBER = re.compile(r"'\((?:double, (?:list\()?int|int, double)\)*'")
_MISSING = ("No value with name", "Key not found in map")

Bound: TypeAlias = "cel.Activation"
"""The values that an expression is evaluated with."""


@dataclass(frozen=True)
class Expression:
    """One compiled expression.

    Attributes
    ----------
    names : the names of the vocabulary that it uses.
    of_action : whether it can differ between the actions of one decision.
    constant : whether it says the same of an action in every decision.
    """

    text: str
    names: frozenset[str]
    of_action: bool
    constant: bool
    _program: cel.Expression

    @property
    def tree(self) -> Node:
        """Its syntax tree, as the compiler resolved it."""
        return tree_of(self._program.serialize())

    def _evaluate(self, bound: Bound) -> Any:
        """Return the library's value; None where evaluation was broken off."""
        try:
            return self._program.eval(bound)
        except RuntimeError:
            return None


class Condition(Expression):
    """An expression that is true or false."""

    def judge(self, bound: Bound) -> int:
        """Return PASSED, REFUSED, VALUE_MISSING or POLICY_ERROR; only true itself passes."""
        value = self._evaluate(bound)
        if value is None:
            return POLICY_ERROR
        said = value.value()
        # The value of an error is its text, which is as good as true for Python.
        if said is True or said is False:
            return PASSED if said else REFUSED
        missing = value.type() == _ERROR and any(one in str(said) for one in _MISSING)
        return VALUE_MISSING if missing else POLICY_ERROR


class Amount(Expression):
    """An expression that is a number."""

    def amount(self, bound: Bound) -> float:
        """Return the number; NaN where it is missing, an error, infinite or negative."""
        value = self._evaluate(bound)
        if value is None or value.type() not in (_DOUBLE, _INT):
            return math.nan
        number = float(value.value())
        return number if math.isfinite(number) and number >= 0 else math.nan


@dataclass(frozen=True)
class ConditionList:
    """Conditions about the same values, evaluated at once: a tenth of the time of one by one."""

    conditions: tuple[Condition, ...]
    names: frozenset[str]
    _programs: tuple[tuple[int, cel.Expression | None], ...]

    def judge(self, bound: Bound) -> list[int]:
        """Return what each condition says, as `Condition.judge`, in their order."""
        said: list[int] = []
        for count, program in self._programs:
            at = len(said)
            verdicts = _plain(program, bound)
            if isinstance(verdicts, list) and len(verdicts) == count:
                said += [PASSED if one is True else REFUSED for one in verdicts]
            else:
                # One error makes an error of the whole list, so each has to be asked.
                said += [one.judge(bound) for one in self.conditions[at : at + count]]
        return said


def compile_condition(text: str, vocabulary: Vocabulary, place: str) -> Condition:
    """Return a condition that is ready to be evaluated.

    Parameters
    ----------
    place : the key path for messages; empty for messages without one.

    Raises
    ------
    PolicyError : not an expression, an unknown name, not true or false, too big, too slow.
    """
    compiled = Condition(text, *_compile(text, vocabulary, place, (_BOOL,), "true or false"))
    if not compiled.names and compiled.judge(bind(vocabulary, {})) >= VALUE_MISSING:
        raise _refused(text, place, "can never be evaluated")
    return compiled


def compile_amount(text: str, vocabulary: Vocabulary, place: str) -> Amount:
    """Return an amount that is ready to be evaluated; arguments and errors as above.

    Raises
    ------
    PolicyError : also a constant that is missing, infinite or negative.
    """
    compiled = Amount(text, *_compile(text, vocabulary, place, (_DOUBLE, _INT), "a number"))
    if not compiled.names and math.isnan(compiled.amount(bind(vocabulary, {}))):
        raise _refused(text, place, "is not a finite number of at least 0")
    return compiled


def compile_together(conditions: Sequence[Condition], vocabulary: Vocabulary) -> ConditionList:
    """Return conditions that are evaluated at once; they have been compiled for the vocabulary."""
    batches = [conditions[at : at + _TOGETHER] for at in range(0, len(conditions), _TOGETHER)]
    programs = [(len(batch), _joined(batch, vocabulary)) for batch in batches]
    names = frozenset().union(*(one.names for one in conditions))
    return ConditionList(tuple(conditions), names, tuple(programs))


def bind(vocabulary: Vocabulary, values: Mapping[str, Fact]) -> Bound:
    """Return values made ready for evaluation; a name that is left out is missing."""
    bound: Bound = _environment(vocabulary).Activation(values)
    return bound


def _joined(conditions: Sequence[Condition], vocabulary: Vocabulary) -> cel.Expression | None:
    """Return one list of all conditions; None where together they are nested too deep."""
    # A line of its own each, since an expression may end in a comment.
    entries = ", ".join(f"{one.text}\n" for one in conditions)
    try:
        return _environment(vocabulary).compile(f"[{entries}]")
    except RuntimeError:
        return None


def _plain(program: cel.Expression | None, bound: Bound) -> Any:
    """Return the values of a list; None where evaluation was broken off."""
    try:
        return None if program is None else program.eval(bound).plain_value()
    except RuntimeError:
        return None


def _environment(vocabulary: Vocabulary) -> cel.Env:
    # Kept with the vocabulary, since asking a cache costs as much as the evaluation.
    environment = vocabulary.__dict__.get("_environment")
    if environment is None:
        environment = _environment_of(tuple(sorted(vocabulary.kinds.items())))
        vocabulary.__dict__["_environment"] = environment
    return environment


@lru_cache(maxsize=8)
def _environment_of(kinds: tuple[tuple[str, Kind], ...]) -> cel.Env:
    return cel.NewEnv(variables={name: _TYPES[kind] for name, kind in kinds})


def _compile(
    text: str, vocabulary: Vocabulary, place: str, types: tuple[cel.Type, ...], wanted: str
) -> tuple[frozenset[str], bool, bool, cel.Expression]:
    refused = "is empty" if not text.strip() else too_much(text)
    if refused:
        raise _refused(text, place, refused)
    try:
        program = _environment(vocabulary).compile(text)
    except RuntimeError as error:
        raise _refused(text, place, _said(str(error), vocabulary)) from error
    if program.return_type() not in types:
        raise _refused(text, place, f"is {program.return_type().name().lower()}, not {wanted}")
    names = names_in(program.serialize()) & vocabulary.kinds.keys()
    _try(program, text, vocabulary, place, names)
    of_action = any(name.removeprefix("known.").startswith("action.") for name in names)
    constant = all(vocabulary.is_constant(name) for name in names)
    return names, of_action, constant, program


def _try(
    program: cel.Expression, text: str, vocabulary: Vocabulary, place: str, names: frozenset[str]
) -> None:
    """Evaluate with made-up values, to find out when it is read that it takes too long."""
    for trial in _TRIALS:
        bound = bind(vocabulary, {name: trial[vocabulary.kinds[name]] for name in names})
        try:
            # The best of three, since anybody may be held up once.
            fastest = min(_seconds(program, bound) for _ in range(3))
        except RuntimeError as error:
            raise _refused(text, place, "does not end within its budget") from error
        if fastest > LONGEST_SECONDS:
            raise _refused(text, place, f"takes {fastest:.2f} s; {LONGEST_SECONDS} s are allowed")


def _seconds(program: cel.Expression, bound: Bound) -> float:
    began = perf_counter()
    program.eval(bound)
    return perf_counter() - began


def _said(error: str, vocabulary: Vocabulary) -> str:
    """Return the library's first complaint on one line, with the place in the expression."""
    found = _FAULT.search(error)
    if found is None or found[1] == "-1":
        return "is nested too deep" if "recursion" in error else error.partition("\n")[0]
    where = f"column {found[2]}" if found[1] == "1" else f"line {found[1]}, column {found[2]}"
    message = found[3].removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
    unknown = _UNKNOWN.search(message)
    if unknown:
        message += vocabulary.nearest(unknown[1])
    elif _WHOLE_NUMBER.search(message):
        message += "; features are no whole numbers: write 3.0 instead of 3"
    return f"{where}: {message}"


def _refused(text: str, place: str, message: str) -> PolicyError:
    shown = text if len(text) <= 200 else text[:200] + "..."
    return PolicyError(": ".join(one for one in (place, message) if one) + f" (value {shown!r})")
