"""Whether everything in the ledger was accounted for: every total is the sum of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from features.errors import DataError

DECISIONS = {
    "shown": "at least one action was presented",
    "not_presented": "no presentation was reported",
    "pending": "deferred and never activated",
    "default_only": "only the default action was returned",
    "erased": "purged, or of an erased customer",
    "unreadable": "the record, or what it refers to, is damaged or gone",
}
ROWS = {
    "positive": "a positive outcome within the window",
    "explicit_negative": "a negative outcome and no positive one",
    "implicit_negative": "the window closed without an answer",
    "late_only": "the same, and answered after the window",
    "open": "no answer yet, the window is still open; not used",
}
OUTCOMES = {
    "presented": "first presentation of an action of a decision",
    "positive": "matched, within the window",
    "negative": "matched, within the window",
    "neutral": "matched, within the window, neither a yes nor a no",
    "late": "matched, after the window; not learnt from",
    "presented_again": "a further presentation of the same",
    "unmatched": "of an action that was not shown, or of a decision that gives no rows",
    "undone": "taken back",
    "other": "an event about a decision that is no outcome",
    "unknown_decision": "in quarantine: the decision is not known",
    "unknown_action": "in quarantine: the decision did not return the action",
}
PARTS = {"decisions": DECISIONS, "rows": ROWS, "outcomes": OUTCOMES}
"""What each total is made of; every decision, row and outcome is exactly one of its parts."""


@dataclass
class Reconciliation:
    """Decisions of a period, their shown actions, and the outcomes of both.

    Quarantined outcomes belong to no decision, so theirs are those that happened in the period.

    Attributes
    ----------
    totals : how many of each were read, counted where they are read.
    parts : what became of them, counted where that is decided.
    told_later : outcomes of a window that were only reported after it closed.
    unreadable : by decision id, why it cannot be read; at most ten.
    """

    totals: Counter[str] = field(default_factory=Counter)
    parts: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in PARTS}
    )
    told_later: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse a report that does not add up.

        Raises
        ------
        DataError : a total is not the sum of its parts, or one of them has no name.
        """
        for name, known in PARTS.items():
            parts, total = self.parts[name], self.totals[name]
            if parts.total() != total or set(parts) - set(known):
                raise DataError(
                    f"reconciliation: {total:,} {name}, but {dict(parts)} are {parts.total():,}; "
                    "this is a fault of the program"
                )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it: each total with all of its parts, zeros included."""
        told: dict[str, Any] = {
            name: {"total": self.totals[name]} | {part: self.parts[name][part] for part in known}
            for name, known in PARTS.items()
        }
        return told | {"told_later": self.told_later, "unreadable": dict(self.unreadable)}


def reconciliation_table(told: Mapping[str, Any]) -> Table:
    """Return what `as_dict` returned for a terminal."""
    table = Table(title="Reconciliation")
    table.add_column("what")
    table.add_column("how many", justify="right")
    table.add_column("meaning")
    for name, known in PARTS.items():
        table.add_row(f"[b]{name}[/b]", f"[b]{told[name]['total']:,}[/b]", "")
        for part, meaning in known.items():
            table.add_row(f"  {part}", f"{told[name][part]:,}", meaning)
        table.add_section()
    if told["told_later"]:
        table.caption = (
            f"{told['told_later']:,} matched outcomes were reported after their window: rows that "
            "count as a no today can still become a yes."
        )
    return table
