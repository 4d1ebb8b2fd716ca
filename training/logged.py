"""Logged decisions and what came of them as rows: one per shown (decision, action).

Shown is what a presentation was reported for. Nothing is computed anew: inputs come from the record
(`training.frozen`), the label from the outcome model of the catalog of then
(`training.logged_labels`), and everything that was read is accounted for
(`training.reconciliation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from decisioning.ledger.reading import LedgerReader
from decisioning.ledger.rows import DecisionRow, StoredOutcome
from features.errors import LedgerError
from training.frozen import Frozen, FrozenReader, Inputs, Wanted
from training.logged_labels import OUTCOMES, PRESENTED, UNDONE, Label, State, label_of
from training.reconciliation import Reconciliation

Progress = Callable[[int, int], None]


class LoggedRow(NamedTuple):
    """One shown action of a decision.

    Attributes
    ----------
    decided_at, shown_at, closes_at : seconds since 1970, UTC; the window ends with `closes_at`.
    state, grade, settled, revenue : as in `training.logged_labels.Label`.
    propensity, model_propensity, value, priority : as the decision had them.
    probability : with which the action was to be returned, in (0, 1]; its standard error is
        `probability_error`.
    model, catalog, features : versions of then.
    """

    decision_id: str
    action_id: str
    customer_id: str | None
    channel: str
    placement: str | None
    rank: int
    decided_at: float
    shown_at: float
    closes_at: float
    state: State
    grade: float
    settled: bool
    revenue: float
    propensity: float | None
    model_propensity: float | None
    label_model: str | None
    value: float
    priority: float
    probability: float
    probability_error: float
    explored: bool
    control_group: str | None
    model: str
    catalog: str
    features: str


@dataclass(frozen=True)
class LoggedRows:
    """The rows of a period of the log.

    Attributes
    ----------
    names : of the columns of `inputs.x`.
    """

    names: tuple[str, ...]
    rows: tuple[LoggedRow, ...]
    inputs: Inputs
    reconciliation: Reconciliation


def read_log(
    reader: LedgerReader,
    wanted: Wanted,
    start: float,
    before: float,
    now: float,
    progress: Progress = lambda done, total: None,
) -> LoggedRows:
    """Return the rows of the decisions from `start` on and before `before`.

    Parameters
    ----------
    now : what happened up to then is known; seconds since 1970, UTC.
    progress : is told decisions done and decisions in all.

    Raises
    ------
    LedgerError : the ledger cannot be read.
    LeakError : a profile knows something from at or after its decision.
    DataError : what was read does not add up.
    """
    book = Reconciliation()
    frozen = FrozenReader(reader.snapshot, wanted)
    rows: list[LoggedRow] = []
    parts: list[Inputs] = []
    accounted = _Accounted(book, frozen, now)
    total = reader.count(start, before)
    for page in reader.pages(start, before):
        book.totals["decisions"] += len(page)
        outcomes = reader.outcomes([decision.decision_id for decision in page])
        book.totals["outcomes"] += sum(map(len, outcomes.values()))
        found = [
            one
            for decision in page
            for one in accounted.rows_of(decision, outcomes.get(decision.decision_id, []))
        ]
        if found:
            parts.append(frozen.inputs([(source, row.action_id) for source, row in found]))
            rows += [row for _, row in found]
        progress(book.totals["decisions"], max(total, book.totals["decisions"]))
    quarantined = reader.quarantine(start, before)
    book.totals["outcomes"] += sum(quarantined.values())
    book.parts["outcomes"].update(quarantined)
    book.check()
    return LoggedRows(wanted.names, tuple(rows), _stacked(parts, len(wanted.names)), book)


@dataclass(frozen=True)
class _Accounted:
    """Turns decisions into rows, and notes in the book what became of each."""

    book: Reconciliation
    frozen: FrozenReader
    now: float

    def rows_of(
        self, decision: DecisionRow, outcomes: Sequence[StoredOutcome]
    ) -> Iterator[tuple[Frozen, LoggedRow]]:
        """Yield the rows of one decision, in order of the first outcome of each."""
        by_action = self._by_action(outcomes)
        shown = {
            action
            for action, told in by_action.items()
            if any(one.outcome == PRESENTED for one in told)
        }
        kind, source = self._kind(decision, bool(shown))
        self.book.parts["decisions"][kind] += 1
        if source is None or kind != "shown":
            self.book.parts["outcomes"]["unmatched"] += sum(map(len, by_action.values()))
            return
        known = source.catalog.position
        results = {r["action_id"]: r for r in source.record.results if r["action_id"] in known}
        for action, told in by_action.items():
            label = self._label(source, action, told) if action in results else None
            if label is None:
                self.book.parts["outcomes"]["unmatched"] += len(told)
                continue
            self._note(label, told)
            yield source, _row(decision, source, results[action], label)

    def _by_action(self, outcomes: Sequence[StoredOutcome]) -> dict[str, list[StoredOutcome]]:
        """Return the outcomes that count, by action."""
        found: dict[str, list[StoredOutcome]] = {}
        for one in outcomes:
            if one.outcome not in OUTCOMES or one.action_id is None:
                self.book.parts["outcomes"]["other"] += 1
            elif UNDONE in one.flags:
                self.book.parts["outcomes"]["undone"] += 1
            else:
                found.setdefault(one.action_id, []).append(one)
        return found

    def _kind(self, decision: DecisionRow, shown: bool) -> tuple[str, Frozen | None]:
        """Return what a decision is for learning; with what it was taken from, where needed."""
        if decision.state in ("erased", "pending"):
            return decision.state, None
        if not shown and len(decision.actions) > 1:
            return "not_presented", None
        try:
            source = self.frozen.read(decision.payload, decision.vectors)
        except LedgerError as error:
            if len(self.book.unreadable) < 10:
                self.book.unreadable[decision.decision_id] = str(error)
            return "unreadable", None
        known = source.catalog.position
        if not any(one["action_id"] in known for one in source.record.results):
            return "default_only", None
        return ("shown" if shown else "not_presented"), source

    def _label(self, source: Frozen, action: str, told: Sequence[StoredOutcome]) -> Label | None:
        about = source.catalog.ordered[source.catalog.position[action]]
        return label_of(told, about.outcomes, about.response_window_days, self.now)

    def _note(self, label: Label, told: Sequence[StoredOutcome]) -> None:
        outcomes = self.book.parts["outcomes"]
        again = sum(one.outcome == PRESENTED for one in told) - 1
        outcomes.update(label.said)
        outcomes.update({"presented": 1, "presented_again": again})
        self.book.told_later += label.told_later
        self.book.totals["rows"] += 1
        self.book.parts["rows"][label.state] += 1


def _row(
    decision: DecisionRow, source: Frozen, result: dict[str, object], label: Label
) -> LoggedRow:
    record = source.record
    of_label = ("shown_at", "closes_at", "state", "grade", "settled", "revenue")
    of_result = (
        "action_id", "placement", "rank", "propensity", "model_propensity", "label_model",
        "value", "priority", "probability", "probability_error", "explored",
    )  # fmt: skip
    fields: dict[str, object] = {name: getattr(label, name) for name in of_label}
    fields |= {name: result[name] for name in of_result}
    fields |= {name: record.versions[name] for name in ("model", "catalog", "features")}
    return LoggedRow(
        decision_id=decision.decision_id,
        customer_id=decision.customer_id,
        channel=decision.channel,
        decided_at=decision.decided_at,
        control_group=record.control_group,
        **fields,  # type: ignore[arg-type]
    )


def _stacked(parts: Sequence[Inputs], width: int) -> Inputs:
    if not parts:
        none, no = np.empty(0), np.empty(0, dtype=bool)
        wide = np.empty((0, width))
        return Inputs(wide, wide.astype(bool), no, no, none, none, none)
    return Inputs(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in Inputs.__dataclass_fields__
        }
    )
