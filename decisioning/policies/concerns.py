"""Which actions a policy is about, and on which requests it counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from decisioning.action import Action, ActionId, Purpose
from decisioning.border import Border, Code
from decisioning.catalog import Catalog
from decisioning.fault import Told
from decisioning.request import Channel, DecisionRequest, Direction
from decisioning.treatments import Words
from features.spelling import did_you_mean

Verdicts = npt.NDArray[np.bool_]


class Concerns(Border):
    """Which actions a policy is about: those that fit everything that is given here."""

    issues: tuple[Code, ...] = ()
    """Actions of these issues."""
    groups: tuple[Code, ...] = ()
    """Actions of these groups."""
    actions: tuple[ActionId, ...] = ()
    """These actions."""
    purposes: tuple[Purpose, ...] = ()
    """Actions for these purposes."""

    def include(self, action_id: str, issue: str, group: str, purpose: str | None) -> bool:
        """Tell whether an action is concerned; a purpose that nobody knows any more is.

        >>> Concerns(groups=("dairy",)).include("eggs", "win_back", "dairy", "marketing")
        True
        """
        return (
            (not self.issues or issue in self.issues)
            and (not self.groups or group in self.groups)
            and (not self.actions or action_id in self.actions)
            and (not self.purposes or purpose is None or purpose in self.purposes)
        )

    def includes(self, action: Action) -> bool:
        """Tell whether an action of the catalog is concerned."""
        return self.include(action.id, action.issue, action.group, action.purpose)

    def mask(self, catalog: Catalog) -> Verdicts:
        """Return which actions are concerned, shape (actions,)."""
        return np.array([self.includes(action) for action in catalog.ordered], dtype=bool)


EVERYTHING = Concerns()
"""All actions."""


class Entry(Border):
    """What every entry of policies.yaml says: its name, its words, the requests it counts on."""

    id: Code
    """What answers, logs and reports call it."""
    words: Words
    """What people are told about it."""
    channels: tuple[Channel, ...] = ()
    """Channels on which it counts; all when left out."""
    directions: tuple[Direction, ...] = ()
    """inbound: the customer came to us; outbound: we turn to the customer; both when left out."""
    enabled: bool = True
    """Set to false to stop it at once."""

    @model_validator(mode="after")
    def _each_once(self) -> Entry:
        for key, given in (("channels", self.channels), ("directions", self.directions)):
            if len(set(given)) < len(given):
                raise ValueError(f"{key} names one twice (value {list(given)!r})")
        return self

    def counts_for(self, channel: str, direction: str) -> bool:
        """Tell whether it counts on a channel in a direction."""
        return (not self.channels or channel in self.channels) and (
            not self.directions or direction in self.directions
        )

    def counts_on(self, request: DecisionRequest) -> bool:
        """Tell whether it counts for a request."""
        return self.counts_for(request.channel, request.direction)


def concern_faults(concerns: Concerns, catalog: Catalog) -> Iterator[Told]:
    """Find names that the catalog does not know, and a choice that leaves no action."""
    known = {
        "issues": {action.issue for action in catalog.actions},
        "groups": {action.group for action in catalog.actions},
        "actions": set(catalog.action_ids),
    }
    faults = [
        Told((key, at), f"unknown {key[:-1]} {name!r}{did_you_mean(name, names)}", unknown=name)
        for key, names in known.items()
        for at, name in enumerate(getattr(concerns, key))
        if name not in names
    ]
    yield from faults
    if not faults and concerns != EVERYTHING and not concerns.mask(catalog).any():
        yield Told((), "no action of the catalog is of all that is named here")
