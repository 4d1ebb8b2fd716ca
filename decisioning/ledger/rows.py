"""What is handed to the ledger and what comes back: plain values, no database in sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from decisioning.history import ConsentStatus, History, HistoryNeeds

Mode = Literal["live", "deferred"]
"""live: shown at once; deferred: kept until it is activated."""

State = Literal["live", "pending", "activated", "erased"]
"""pending becomes activated; erased keeps only what names nobody."""

NO_NEEDS = HistoryNeeds(consents=False)
"""Of a decision that asks the ledger nothing."""


class ReturnedAction(NamedTuple):
    """An action of an answer: what its outcomes are stored under.

    Attributes
    ----------
    window_days : length of the response window; outcomes after it are flagged `late`.
    """

    action_id: str
    group: str
    issue: str
    window_days: float


@dataclass(frozen=True)
class DecisionRow:
    """One decision as it is logged.

    Attributes
    ----------
    decided_at : seconds since 1970, UTC; also the moment the history is read for.
    day : its business day number.
    payload : the whole record as JSON bytes, not compressed.
    vectors : the profile rows it was decided on; any bytes, not compressed.
    answer : what is answered again when the same request id comes again.
    needs : which history `check` wants to see; not stored.
    state : only read; what is written follows from `mode`.
    """

    decision_id: str
    decided_at: float
    day: int
    customer_id: str | None
    channel: str
    mode: Mode = "live"
    request_id: str | None = None
    request_digest: str | None = None
    payload: bytes = b""
    vectors: bytes = b""
    answer: bytes | None = None
    needs: HistoryNeeds = NO_NEEDS
    actions: tuple[ReturnedAction, ...] = ()
    state: State = "live"


class Slot(NamedTuple):
    """A presentation that a decision reserves, until it is confirmed or lapses.

    Attributes
    ----------
    expires_at : when an unconfirmed reservation lapses, seconds since 1970.
    day : the business day it counts on.
    """

    action_id: str
    group: str
    issue: str
    channel: str
    placement: str
    expires_at: float
    day: int


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome of an action of a decision, as it was reported.

    Customer, channel, group and issue are the decision's.

    Attributes
    ----------
    body_digest : digest of what was reported; the same event id with another one is a conflict.
    outcome : presented, viewed, clicked, accepted, refused, later, dismissed or converted.
    day : business day number of `occurred_at`; a presentation counts on it.
    attributes : a JSON object.
    """

    event_id: str
    body_digest: str
    decision_id: str
    action_id: str
    outcome: str
    occurred_at: float
    day: int
    value: float | None = None
    on_behalf_of: str | None = None
    attributes: str = "{}"


@dataclass(frozen=True)
class EventRow:
    """One event that is no outcome: a transaction, a touchpoint, or an undo of another event.

    Attributes
    ----------
    body_digest : as that of an outcome; events and outcomes share their ids.
    type : `transaction`, `undo`, or a touchpoint type.
    customer_id : None where the decision, or the event that is taken back, says whose it is.
    day : business day number of `occurred_at`.
    rating : 1 to 10.
    amount : of a transaction the sum of its lines, in the currency.
    refers_to : the event that this one is about.
    attributes : a JSON object; of a transaction with `transaction_id` and `lines`.
    """

    event_id: str
    body_digest: str
    type: str
    customer_id: str | None
    occurred_at: float
    day: int
    channel: str
    action_id: str | None = None
    decision_id: str | None = None
    refers_to: str | None = None
    value: float | None = None
    rating: float | None = None
    amount: float | None = None
    category: str | None = None
    session_id: str | None = None
    on_behalf_of: str | None = None
    attributes: str = "{}"


@dataclass(frozen=True)
class ConsentRow:
    """One entry for the consent log.

    Attributes
    ----------
    channel : a channel, or `all`.
    source : where it comes from, in a word.
    """

    customer_id: str
    purpose: str
    channel: str
    status: ConsentStatus
    valid_from: float
    recorded_at: float
    source: str


class Stored(NamedTuple):
    """What became of a logged decision; `new` is False where it was there already."""

    decision_id: str
    new: bool


@dataclass(frozen=True)
class Taken:
    """What became of a decision that had to be durable.

    Exactly one of three: it was stored (`stored`), its request had been answered before
    (`repeated`, with the earlier decision's id, digest and answer), or its slots are gone
    (`conflict` is the history that says so). Only in the first case something was written.
    """

    decision_id: str
    repeated: bool = False
    request_digest: str | None = None
    stored_answer: bytes | None = None
    conflict: History | None = None

    @property
    def stored(self) -> bool:
        """Whether the decision and its reservations are in the ledger now."""
        return not self.repeated and self.conflict is None


ActivationStatus = Literal["activated", "already", "unknown", "not_deferred", "conflict"]


@dataclass(frozen=True)
class Activated:
    """What became of an activation; `conflict` is the history where the status is `conflict`."""

    decision_id: str
    status: ActivationStatus
    conflict: History | None = None


ItemStatus = Literal[
    "stored",
    "duplicate",
    "conflict",
    "quarantined",
    "unknown_action",
    "other_customer",
    "not_undoable",
]
"""What became of one outcome or event; only for stored and quarantined something was written.

unknown_action: not one of the decision; other_customer: its decision, or what it takes back, is
about somebody else; not_undoable: it takes back a presentation or an undo.
"""

REFUSALS = frozenset({"unknown_action", "other_customer", "not_undoable"})
"""What no later news can change. Of what waits in quarantine it becomes the reason."""


class Statuses(list[ItemStatus]):
    """What became of items, in order.

    Attributes
    ----------
    customers : whose history has changed. Those of duplicates too: whoever stored them the first
        time may have died before telling anybody.
    """

    customers: frozenset[str] = frozenset()


class StoredOutcome(NamedTuple):
    """An outcome as the ledger has it; `flags` are words such as `late`."""

    event_id: str
    decision_id: str
    action_id: str
    outcome: str
    occurred_at: float
    received_at: float
    value: float | None
    on_behalf_of: str | None
    attributes: str
    flags: tuple[str, ...]


class Counts(NamedTuple):
    """What a reconciliation compares, of the decisions of a period.

    Attributes
    ----------
    decisions : how many were logged.
    shown : of how many at least one action was presented.
    responded : of how many another outcome than a presentation was reported and not taken back.
    quarantined : events whose decision, or what they take back, is not known, of all periods.
    """

    decisions: int
    shown: int
    responded: int
    quarantined: int
