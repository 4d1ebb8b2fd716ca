"""How often and when the company turns to a customer: what people write about it."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from decisioning.action import Outcome
from decisioning.border import Code
from decisioning.policies.concerns import EVERYTHING, Concerns, Entry
from decisioning.request import Channel, Direction

Counted = Literal["presented"] | Outcome
Days = Annotated[int, Field(ge=1, le=3660)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_text(given: Any) -> Any:
    # YAML reads 21:00 without quotes as the number of its minutes.
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= 1440:
        return f"{given // 60:02}:{given % 60:02}"
    return given


ClockTime = Annotated[
    str, BeforeValidator(_clock_text), Field(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")
]
"""A time of the day, such as 08:30."""


class ContactPolicy(Entry):
    """One limit: at most so many within so many days, or a pause after so many.

    Transactional actions are exempt and not counted. A place that a decision has reserved counts as
    presented until the reservation lapses.
    """

    reason: Code | None = None
    """The reason code; left out, contacted_too_recently, paused or volume_used_up."""
    per: Literal["action", "group", "issue", "channel", "all"]
    """What is counted together."""
    everyone: bool = False
    """true: counts presentations to all customers together instead of those to one."""
    counts: Annotated[tuple[Counted, ...], Field(min_length=1)] = ("presented",)
    """Which outcomes are counted, each of them once."""
    channel: Literal["any", "same"] = "any"
    """same: counts only what happened on the channel of the request."""
    at_most: Annotated[int, Field(ge=0)] | None = None
    """How many there may be within the window."""
    days: Days | None = None
    """How long the window is."""
    window: Literal["rolling", "calendar", "ever"] = "rolling"
    """rolling: that many times 24 hours before now; calendar: that many days with today, by the
    customer's clock (with `everyone`, the company's); ever: everything counts."""
    at_least: Annotated[int, Field(ge=1)] | None = None
    """For a pause: how many within the window begin it."""
    pause_days: Days | None = None
    """For a pause: how many times 24 hours it lasts from the last that was counted."""
    concerns: Concerns = EVERYTHING
    """Which actions are counted and limited; all when left out."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> ContactPolicy:
        told = _wrong_form(self) or _wrong_window(self) or _wrong_count(self)
        if told:
            raise ValueError(told)
        return self

    @property
    def code(self) -> str:
        """The reason code of what it turns down."""
        kind = "paused" if self.pause_days is not None else "contacted_too_recently"
        return self.reason or ("volume_used_up" if self.everyone else kind)

    @property
    def counts_presentations(self) -> bool:
        """Whether returning an action takes one of its places."""
        return "presented" in self.counts


class QuietHours(Entry):
    """A time of the day, by the customer's clock, at which nothing is sent.

    Where clocks are put back the time lasts until the later of both moments. Transactional actions
    are exempt.
    """

    begins: ClockTime
    """When it begins, such as 21:00."""
    ends: ClockTime
    """When it ends, such as 08:00 (of the next day where that is not later); 24:00 is midnight."""
    directions: tuple[Direction, ...] = ("outbound",)
    """inbound: the customer came to us; outbound: we turn to the customer."""
    channels: tuple[Channel, ...] = ()
    """Channels on which it counts; all when left out."""
    weekdays: tuple[Weekday, ...] = ()
    """Days on which it begins; every day when left out."""

    @model_validator(mode="after")
    def _is_a_time(self) -> QuietHours:
        if self.begins == self.ends or self.begins == "24:00":
            raise ValueError(
                f"begins at {self.begins} and ends at {self.ends}; "
                "for the whole day write 00:00 and 24:00"
            )
        return self

    @property
    def starts_at(self) -> time:
        """When it begins."""
        return time.fromisoformat(self.begins)

    @property
    def stops_at(self) -> tuple[int, time]:
        """When it ends: how many days after it began, and at what time."""
        if self.ends == "24:00":
            return 1, time()
        return int(self.ends <= self.begins), time.fromisoformat(self.ends)


def _wrong_form(policy: ContactPolicy) -> str | None:
    pause = [key for key in ("at_least", "pause_days") if getattr(policy, key) is not None]
    if policy.at_most is not None and pause:
        return f"is either a limit (at_most) or a pause, and has {pause[0]} as well"
    if policy.at_most is None and len(pause) < 2:
        return "needs at_most, or at_least and pause_days"
    return None


def _wrong_window(policy: ContactPolicy) -> str | None:
    if policy.window == "ever" and policy.days is not None:
        return f"has no days where the window is ever (value {policy.days})"
    if policy.window != "ever" and policy.days is None:
        return "needs days, or `window: ever`"
    if policy.pause_days is not None and policy.window != "rolling":
        return f"a pause counts in a rolling window (value {policy.window!r})"
    return None


def _wrong_count(policy: ContactPolicy) -> str | None:
    if len(set(policy.counts)) < len(policy.counts):
        return f"counts names one twice (value {list(policy.counts)!r})"
    if policy.per == "channel" and policy.channel == "any" and "channel" in policy.model_fields_set:
        return "per channel counts what happened on the same channel (value 'any')"
    if not policy.everyone:
        return None
    if policy.counts != ("presented",) or policy.pause_days is not None:
        return "with everyone only presentations are counted, and nothing is paused"
    if policy.per == "channel":
        return "with everyone, count per action, group, issue or all; `channel: same` for a channel"
    if policy.window == "rolling":
        return "with everyone whole days are counted: `window: calendar` or `window: ever`"
    return None
