"""Where an action can be shown: the places of each channel, and how many actions each takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field

from decisioning.border import Border, Code
from decisioning.fault import KeyPath, Told
from decisioning.request import Channel
from decisioning.treatments import FALLBACK, Template
from features.spelling import did_you_mean

TIME_TO_LIVE_MINUTES = 30.0
"""How long a place is kept for an answer that names no placement."""


class Placement(Border):
    """One place where actions are shown."""

    id: Code
    """What requests call it."""
    channel: Channel
    """The channel that it is on."""
    slots: Annotated[int, Field(ge=1, le=100)] = 1
    """How many actions it takes at once."""
    time_to_live_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = TIME_TO_LIVE_MINUTES
    """After how long an answer that was never reported as presented gives its place back."""
    description: str = ""
    """Where it is, for people."""

    @property
    def time_to_live_s(self) -> float:
        """The time to live in seconds."""
        return 60.0 * self.time_to_live_minutes

    def takes(self, channel: Channel) -> bool:
        """Tell whether what is written for a channel can be said here.

        >>> Placement(id="app_home", channel="app").takes("web")
        True
        """
        return channel in (self.channel, FALLBACK.get(self.channel))


def wrong_placements(
    path: KeyPath, treatments: Mapping[Channel, Template], known: Mapping[str, Placement]
) -> Iterator[Told]:
    """Find the placements that treatments name and that are not there or on another channel.

    Parameters
    ----------
    path : where the treatments are written.
    """
    for channel, template in treatments.items():
        for at, name in enumerate(template.placements):
            place = (*path, channel, "placements", at)
            if name not in known:
                said = f"unknown placement {name!r}{did_you_mean(name, known) or _those(known)}"
                yield Told(place, said, unknown=name)
            elif not known[name].takes(channel):
                own = known[name].channel
                yield Told(place, f"the placement {name!r} is on the channel {own!r}")


def ids_twice(placements: Iterable[Placement]) -> Iterator[Told]:
    """Find the placements that are there twice."""
    seen: set[str] = set()
    for at, placement in enumerate(placements):
        if placement.id in seen:
            path = ("placements", at, "id")
            yield Told(path, f"the placement {placement.id!r} is there twice")
        seen.add(placement.id)


def _those(known: Mapping[str, Placement]) -> str:
    return f" (known: {', '.join(sorted(known)) or 'none'})"
