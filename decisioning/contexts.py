"""Context facts that a customer's own journey adds to those of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from decisioning.arbitration.file import ContextFact
from decisioning.catalog import Catalog
from decisioning.expressions import (
    PASSED,
    PlainConditions,
    Reader,
    Rows,
    Vocabulary,
    compile_condition,
    compile_together,
)
from decisioning.funnel import Array
from decisioning.local_time import LocalTime
from decisioning.request import ContextEntry, DecisionRequest
from features.calendar import Calendar
from features.errors import ArbitrationError

_NO_ACTION = np.zeros(0, dtype=np.int64)


class DerivedContexts:
    """The facts that hold for a customer, by conditions that are compiled once.

    Raises
    ------
    PolicyError : a condition cannot be compiled.
    ArbitrationError : a condition asks about an action; a context is the same for all.
    """

    def __init__(self, facts: Sequence[ContextFact], catalog: Catalog, calendar: Calendar) -> None:
        self._vocabulary = Vocabulary.of(catalog.ordered)
        self._zone = calendar.zone
        self._entries = tuple(ContextEntry(one.type, one.key, one.value) for one in facts)
        conditions = []
        for place, fact in enumerate(facts):
            where = f"contexts.{place}.when"
            condition = compile_condition(fact.when, self._vocabulary, where)
            if condition.of_action:
                raise ArbitrationError(f"{where}: asks about an action (value {fact.when!r})")
            conditions.append(condition)
        self._plain = PlainConditions(conditions, self._vocabulary)
        self._all_plain = len(self._plain.places) == len(conditions)
        self._together = compile_together(conditions, self._vocabulary) if conditions else None
        names = self._together.names if self._together else ()
        self._reader = Reader(self._vocabulary, names)

    def of(
        self,
        request: DecisionRequest,
        columns: Mapping[str, Array],
        now: datetime,
        time_zone: str | None,
        rows: int,
    ) -> tuple[ContextEntry, ...]:
        """Return the facts that hold; a condition that cannot be evaluated does not.

        Parameters
        ----------
        columns : of candidate rows; every row has the customer's own values.
        """
        if self._together is None or not rows:
            return ()
        said = self._verdicts(request, columns, now, time_zone)
        if not any(said):
            return ()
        return tuple(entry for entry, holds in zip(self._entries, said, strict=True) if holds)

    def _verdicts(
        self,
        request: DecisionRequest,
        columns: Mapping[str, Array],
        now: datetime,
        time_zone: str | None,
    ) -> Sequence[bool]:
        def local() -> LocalTime:
            return LocalTime.at(now, time_zone, self._zone)

        if self._all_plain:
            # The same without CEL takes a tenth of the time; it was compared when it was read.
            return self._plain.true(Rows(columns, _NO_ACTION, request, local))
        together = self._together
        bound = self._reader.bind(self._reader.customer(columns, request, local()))
        return [verdict == PASSED for verdict in together.judge(bound)] if together else []
