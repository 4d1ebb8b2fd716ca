"""Gives expressions their values: of the customer and the request once, of each action per row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from decisioning.expressions.compiled import Bound, bind
from decisioning.expressions.vocabulary import REQUEST, Fact, Vocabulary
from decisioning.local_time import LocalTime
from decisioning.request import DecisionRequest

Array = npt.NDArray[np.float64]


class Reader:
    """Reads the values of some names; made once, used for every decision.

    A missing value (NaN) is left out, so that an expression that depends on it is an error.
    """

    def __init__(self, vocabulary: Vocabulary, names: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        wanted = sorted(names)
        self._request = tuple(name for name in wanted if name in REQUEST)
        told = [(name, vocabulary.columns.get(name.removeprefix("known."))) for name in wanted]
        features = [(name, column) for name, column in told if column is not None]
        self._customer = tuple(one for one in features if "action." not in one[0])
        self._action = tuple(one for one in features if "action." in one[0])
        facts = [name for name, column in told if column is None and name not in REQUEST]
        self._facts = tuple(_pick(of_one, facts) for of_one in vocabulary.facts)

    def customer(
        self,
        columns: Mapping[str, Array],
        request: DecisionRequest | None = None,
        local: LocalTime | None = None,
        row: int = 0,
    ) -> dict[str, Fact]:
        """Return the values of the customer and of the request.

        Parameters
        ----------
        request, local : may be left out where no name of the request is read.
        row : a row of the customer.
        """
        values = _features(self._customer, columns, row)
        for name in self._request:
            if request is None or local is None:
                raise ValueError(f"{name} without a request")
            values[name] = _of_request(name, request, local)
        return values

    def row(self, columns: Mapping[str, Array], row: int, position: int) -> dict[str, Fact]:
        """Return the values of one row that differ between actions.

        Parameters
        ----------
        position : where the row's action stands in the catalog.
        """
        values = _features(self._action, columns, row)
        values.update(self._facts[position])
        return values

    def bind(self, *values: Mapping[str, Fact]) -> Bound:
        """Return values made ready for evaluation."""
        if len(values) == 1:
            return bind(self._vocabulary, values[0])
        return bind(self._vocabulary, {name: one for part in values for name, one in part.items()})


def _features(
    wanted: tuple[tuple[str, str], ...], columns: Mapping[str, Array], row: int
) -> dict[str, Fact]:
    values: dict[str, Fact] = {}
    for name, column in wanted:
        value = float(columns[column][row])
        if name.startswith("known."):
            values[name] = not math.isnan(value)
        elif not math.isnan(value):
            values[name] = value
    return values


def _pick(facts: Mapping[str, Fact], names: Iterable[str]) -> dict[str, Fact]:
    """Return the wanted facts of one action that it has, and which of the asked ones it has."""
    picked: dict[str, Fact] = {}
    for name in names:
        if name.startswith("known."):
            picked[name] = name.removeprefix("known.") in facts
        elif name in facts:
            picked[name] = facts[name]
    return picked


def _of_request(name: str, request: DecisionRequest, local: LocalTime) -> Fact:
    match name:
        case "request.placements":
            return list(request.placements)
        case "request.contexts":
            return {f"{one.type}.{one.key}": one.value for one in request.contexts}
        case "request.hour":
            return local.hour
        case "request.weekday":
            return local.weekday
    value: str = getattr(request, name.removeprefix("request."))
    return value
