"""What all limits have in common: what they are asked and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import repeat
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from decisioning.history import Contact, Volume
from decisioning.local_time import LocalTime
from decisioning.policies.concerns import Entry
from decisioning.treatments import Words

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.bool_]

DAY = 86_400.0
EVER = 100 * 366 * DAY
"""As far back as anything can have happened."""


class Seen(NamedTuple):
    """A contact that can count.

    Attributes
    ----------
    position : of the action in the catalog; -1 for one that is there no longer.
    lapses : when it stops counting because it was only reserved; infinity otherwise.
    """

    position: int
    at: float
    lapses: float
    contact: Contact


class Counted(NamedTuple):
    """Presentations to everybody; each of shape (counts,).

    Attributes
    ----------
    position : of the action in the catalog; -1 for one that is there no longer.
    day : business days since 1970-01-01.
    """

    position: Index
    channel: npt.NDArray[np.object_]
    day: Index
    presented: Index

    @classmethod
    def of(cls, volumes: Sequence[Volume], position: Mapping[str, int]) -> Counted:
        """Return the counts of some volumes, for the positions of actions in a catalog."""
        rows = zip(*volumes, strict=True) if volumes else ((), (), (), ())
        action_ids, channels, days, presented = rows
        return cls(
            np.fromiter(map(position.get, action_ids, repeat(-1)), np.int64, len(volumes)),
            np.array(channels, dtype=object),
            np.array(days, dtype=np.int64),
            np.array(presented, dtype=np.int64),
        )


@dataclass(frozen=True)
class Occasion:
    """A decision as limits see it.

    Attributes
    ----------
    seen : by outcome that any limit counts, the contacts that can count: not of transactional
        actions, and no reservation that has lapsed.
    action : shape (rows,), positions of the candidate actions, each once.
    now : seconds since 1970, UTC.
    position : of each action in the catalog.
    zones : the customer's time zone, and the one that counts where there is none.
    """

    seen: Mapping[str, Sequence[Seen]]
    volumes: Sequence[Volume]
    channel: str
    action: Index
    now: float
    moment: datetime
    zones: tuple[str | None, str]
    position: Mapping[str, int]

    @cached_property
    def counted(self) -> Counted:
        """The volumes as arrays."""
        return Counted.of(self.volumes, self.position)

    @cached_property
    def local(self) -> LocalTime:
        """The same moment on the customer's clock."""
        return LocalTime.at(self.moment, *self.zones)


class Shared(NamedTuple):
    """What is left of a limit for some of the candidate rows together.

    Attributes
    ----------
    remaining : how many of them may still be returned, at least 1.
    rows : shape (rows,), which they are.
    """

    policy_id: str
    remaining: int
    rows: Verdicts


class Checked(NamedTuple):
    """What one limit says of candidate rows.

    Attributes
    ----------
    blocked : shape (rows,), which it turns down.
    until : shape (rows,), when it lets them through again, in seconds since 1970; NaN where nobody
        knows.
    """

    blocked: Verdicts
    until: Array
    shared: tuple[Shared, ...] = ()


class ContactCheck(Protocol):
    """Anything that can turn candidates down because of what was offered before, or of the time."""

    @property
    def id(self) -> str:
        """What answers call it."""
        ...

    @property
    def reason(self) -> str:
        """The reason code of what it turns down."""
        ...

    @property
    def words(self) -> Words:
        """What people are told about it."""
        ...

    @property
    def entry(self) -> Entry | None:
        """What is written about it; None for the product's own."""
        ...

    @property
    def applies(self) -> Verdicts:
        """Which actions it is about, shape (actions,)."""
        ...

    @property
    def needs_history(self) -> bool:
        """Whether it has to know what happened before."""
        ...

    @property
    def takes_places(self) -> bool:
        """Whether returning an action takes a place that it counts."""
        ...

    @property
    def counts(self) -> tuple[str, ...]:
        """Which outcomes of the customer's contacts it counts."""
        ...

    @property
    def contact_seconds(self) -> float:
        """How far back it has to know the customer's contacts, in seconds."""
        ...

    @property
    def blocked(self) -> Verdicts:
        """Which actions it turns down whatever happened, shape (actions,)."""
        ...

    @property
    def narrowest(self) -> float:
        """How many places there are at least for rows that share them, when nothing happened."""
        ...

    def minds(self, occasion: Occasion) -> bool:
        """Tell whether anything can count; otherwise `blocked` and `narrowest` say everything."""
        ...

    def check(self, occasion: Occasion, rows: Verdicts) -> Checked | None:
        """Return what it says of the rows that it is about; None where it does not mind."""
        ...


def transactional(catalog: Catalog) -> Verdicts:
    """Return which actions are exempt from contact policies, shape (actions,)."""
    return np.array([action.purpose == "transactional" for action in catalog.ordered], dtype=bool)
