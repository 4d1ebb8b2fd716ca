"""Proves a translated condition against CEL, which defines what a condition says.

When it is read, both are asked about the same random rows with missing values, extreme numbers and
what is written in the condition itself. Where they differ only once, CEL is asked at every
decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from decisioning.expressions.columns import translated
from decisioning.expressions.compiled import PASSED, REFUSED, VALUE_MISSING, Condition, bind
from decisioning.expressions.syntax import Constant, within
from decisioning.expressions.truth import Logic, Values
from decisioning.expressions.vocabulary import Fact, Kind, Vocabulary

ROWS = 200
"""How many random rows are compared."""

_ALONE = 50
_MISSING = 0.2
_DOUBLES = (0.0, -0.0, 1.0, -1.0, 0.1, 7.0, 5e-324, 1e16, 1e308, -1e308, np.inf, -np.inf)
_INTS = (0, 1, -1, 12, 23, 2**53 + 1, 2**63 - 1, -(2**63))
_TEXTS = ("", "a", "web", "Ä")


@dataclass(frozen=True)
class _Case:
    """A condition and what its outcome depends on: not the catalog, only the types of its names."""

    text: str
    kinds: tuple[tuple[str, Kind], ...]
    condition: Condition = field(compare=False)
    vocabulary: Vocabulary = field(compare=False)


def proven(condition: Condition, vocabulary: Vocabulary) -> bool:
    """Tell whether a condition can be asked of columns, and says there what CEL says."""
    return _agrees(_case(condition, vocabulary))


def proven_plainly(
    condition: Condition,
    vocabulary: Vocabulary,
    names: Sequence[str],
    told: Callable[..., tuple[bool, ...]],
) -> bool:
    """Tell whether a function of the values of some names is true where CEL is."""
    rows, expected = _tried(_case(condition, vocabulary))
    said = [told(*(row[name] for name in names)) for row in rows]
    return said == [(code == PASSED,) for code in expected]


def _case(condition: Condition, vocabulary: Vocabulary) -> _Case:
    names = sorted(_with_asked(condition.names, vocabulary.kinds))
    kinds = tuple((name, vocabulary.kinds[name]) for name in names)
    return _Case(condition.text, kinds, condition, vocabulary)


@lru_cache(maxsize=1024)
def _agrees(case: _Case) -> bool:
    logic = translated(case.condition.tree, case.vocabulary.kinds)
    if logic is None:
        return False
    rows, expected = _tried(case)
    together = _said(logic, _columns(rows), ROWS)
    alone = [_said(logic, row, 1)[0] for row in rows[:_ALONE]]
    return together == expected and alone == expected[:_ALONE]


@lru_cache(maxsize=64)
def _tried(case: _Case) -> tuple[list[dict[str, Any]], list[int]]:
    """Return random rows, and what CEL says of each."""
    written = [one.value for one in within(case.condition.tree) if isinstance(one, Constant)]
    rows = _random_rows(dict(case.kinds), written)
    given = [_given(row, case.condition.names) for row in rows]
    return rows, [case.condition.judge(bind(case.vocabulary, one)) for one in given]


def _with_asked(names: frozenset[str], kinds: Mapping[str, Kind]) -> set[str]:
    """Return the names, of those that are only asked about also the name itself, and back."""
    plain = {name.removeprefix("known.") for name in names}
    return plain | {f"known.{name}" for name in plain if f"known.{name}" in kinds}


def _said(logic: Logic, values: Values, rows: int) -> list[int]:
    true = np.broadcast_to(logic.true(values), rows)
    false = np.broadcast_to(logic.false(values), rows)
    codes = np.where(true, PASSED, np.where(false, REFUSED, VALUE_MISSING))
    said: list[int] = codes.tolist()
    # What is both is neither: no code that CEL gives.
    return [-2 if both else one for one, both in zip(said, (true & false).tolist(), strict=True)]


def _random_rows(kinds: Mapping[str, Kind], written: list[Any]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(ROWS)
    rows: list[dict[str, Any]] = [{} for _ in range(ROWS)]
    for name, kind in kinds.items():
        if name.startswith("known."):
            continue
        pool, askable = _pool(kind, written), f"known.{name}" in kinds
        at = rng.integers(len(pool), size=ROWS).tolist()
        known = (rng.random(ROWS) >= _MISSING).tolist()
        for row, place, is_known in zip(rows, at, known, strict=True):
            row[name] = pool[place]
            if askable:
                row[f"known.{name}"] = is_known
                if not is_known:
                    row[name] = np.nan if kind == "double" else ""
    return rows


def _pool(kind: Kind, written: list[Any]) -> list[Any]:
    if kind == "double":
        numbers = [one for one in written if isinstance(one, float)]
        beside = [float(np.nextafter(one, to)) for one in numbers for to in (-np.inf, np.inf)]
        # What is written counts thrice, or a long pool would hardly ever hit it.
        return [*_DOUBLES, *numbers * 3, *beside]
    if kind == "int":
        whole = [one for one in written if isinstance(one, int) and not isinstance(one, bool)]
        near = [one + by for one in whole for by in (-1, 0, 0, 1)]
        return [*_INTS, *(one for one in near if -(2**63) <= one < 2**63)]
    if kind == "string":
        texts = [one for one in written if isinstance(one, str)]
        return [*_TEXTS, *texts * 3, *(f"{one}a" for one in texts)]
    return [False, True]


def _given(row: Mapping[str, Any], names: frozenset[str]) -> dict[str, Fact]:
    """Return a row as CEL is given it: what is missing is left out."""
    return {name: row[name] for name in names if row.get(f"known.{name}", True)}


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        of_objects = isinstance(values[0], str) or type(values[0]) is int
        columns[name] = np.array(values, dtype=object if of_objects else None)
    return columns
