"""Who has been given something by a batch already, under whichever of their customer ids."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import Activated, DecisionRow
from features.live_events import owners
from serving.batch_people import request_id, run_of

_WAIT_S = 120.0
_GIVEN = ("activated", "live")


class Mailed:
    """What batches have activated for the persons of some decisions, by the merges of now.

    Two customers may have become one person after a batch decided for both. What the policies allow
    is asked of the person anyway; that nobody gets two mails of one batch holds without a policy.

    Raises
    ------
    LedgerError : the ledger cannot be read.
    """

    def __init__(self, ledger: Ledger, rows: Iterable[DecisionRow | None]) -> None:
        known = [row for row in rows if row is not None]
        self._ids = ledger.people.people(row.customer_id for row in known if row.customer_id)
        self._owners = owners(self._ids)
        asked = {name for row in known for name in self._others(row)}
        states = ledger.requested(asked) if asked else {}
        self._given = {name for name, state in states.items() if state in _GIVEN}
        self._underway: dict[str, Future[Activated]] = {}

    def root_of(self, row: DecisionRow) -> str | None:
        """Return who stands for the person of a decision."""
        return self._owners.get(row.customer_id or "", row.customer_id or "") or None

    def before(self, row: DecisionRow) -> bool:
        """Tell whether the batch of a decision gave the person something under another id."""
        others = self._others(row)
        underway = [self._underway[name] for name in others if name in self._underway]
        return any(name in self._given for name in others) or any(
            one.result(_WAIT_S).status in ("activated", "already") for one in underway
        )

    def note(self, row: DecisionRow, activating: Future[Activated]) -> None:
        """Remember that a decision is being activated."""
        if row.request_id is not None:
            self._underway[row.request_id] = activating

    def _others(self, row: DecisionRow) -> list[str]:
        """Return the ids of the same question about the other ids of the person."""
        run = run_of(row.request_id)
        if run is None or row.customer_id is None:
            return []
        ids = self._ids.get(self.root_of(row) or "", ())
        return [request_id(run, one) for one in ids if one != row.customer_id]
