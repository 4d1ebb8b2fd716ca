"""What has been decided, shown and answered before, as far as policies ask for it.

A `History` is plain values: the ledger reads it, `decide()` only looks. Times are seconds since
1970 in UTC, of the one injected clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ConsentStatus = Literal["granted", "withdrawn", "objected"]

EVERY_CHANNEL = "all"
"""In a consent: the channel that means all of them."""


class Contact(NamedTuple):
    """One thing that happened between the company and the customer about an action.

    Attributes
    ----------
    outcome : presented, viewed, clicked, accepted, refused, later, dismissed or converted. A slot
        that a live decision has reserved and that is not yet confirmed counts as `presented`.
    at : when it happened; of a reservation, when it was made.
    reserved_until : when an unconfirmed reservation lapses; None for what really happened.
    """

    action_id: str
    group: str
    issue: str
    channel: str
    outcome: str
    at: float
    decision_id: str
    reserved_until: float | None = None


class Consent(NamedTuple):
    """One entry of the consent log; the newest that is valid by now counts.

    Attributes
    ----------
    channel : a channel, or `all`.
    """

    purpose: str
    channel: str
    status: ConsentStatus
    valid_from: float


class Volume(NamedTuple):
    """How often an action was presented to anybody on one business day on one channel.

    Attributes
    ----------
    day : business day number, days since 1970-01-01.
    presented : confirmed presentations and open reservations.
    """

    action_id: str
    channel: str
    day: int
    presented: int


@dataclass(frozen=True)
class HistoryNeeds:
    """What the policies of a world ask the ledger for; computed once when they are loaded.

    Attributes
    ----------
    contact_seconds : how far back contacts are needed; 0 for none.
    volume_action_ids : actions whose presentations to everybody are counted.
    volume_days : how many business days back, today included; None for since ever.
    consents : whether the consent log is needed.
    """

    contact_seconds: float = 0.0
    volume_action_ids: tuple[str, ...] = ()
    volume_days: int | None = 0
    consents: bool = True

    @property
    def anything(self) -> bool:
        """Whether the ledger has to be asked at all."""
        return bool(self.contact_seconds or self.volume_action_ids or self.consents)


@dataclass(frozen=True)
class History:
    """What the ledger knows of one customer at one moment.

    Attributes
    ----------
    contacts : oldest first, only as far back as was asked for.
    consents : the whole consent log of the customer, oldest first.
    volumes : counts over all customers, of the actions that were asked for.
    time_zone : the customer's own; None for the company's.
    """

    contacts: tuple[Contact, ...] = ()
    consents: tuple[Consent, ...] = ()
    volumes: tuple[Volume, ...] = ()
    time_zone: str | None = None


NO_HISTORY = History()
"""Of somebody with whom nothing has happened yet; not the same as a history nobody could read."""
