"""Random decisions in a world: who asks for what, when, and what has happened before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from generated_parts import (
    CATEGORIES,
    CHANNELS,
    DIRECTIONS,
    OUTCOMES,
    ZONES,
    Content,
    Written,
    some,
)

from decisioning.history import NO_HISTORY, Consent, Contact, History, Volume
from decisioning.request import ContextEntry, DecisionRequest

DAY = 86_400


@dataclass(frozen=True)
class Case:
    """One decision: everything that is not the world.

    Attributes
    ----------
    profile : what is known of the customer, by feature; without an entry, missing. Empty for
        somebody unknown.
    bought : by category, trips and spend of all time.
    age_hours : how old the profile is.
    popular : by action, what all customers spend at one purchase; without an entry, missing.
    """

    request: DecisionRequest
    now: datetime
    history: History | None
    profile: dict[str, float]
    bought: dict[str, tuple[float, float]]
    age_hours: float
    popular: dict[str, float]


def random_case(dice: Random, written: Written) -> Case:
    now = _now(dice, written)
    known = dice.random() < 0.93
    measures = ("trips_91d", "spend_91d", "complaints_91d")
    return Case(
        request=_request(dice, written),
        now=now,
        history=None if dice.random() < 0.05 else _history(dice, written, now),
        profile={
            name: float(dice.randrange(6)) for name in measures if known and dice.random() < 0.8
        }
        | ({"trips_all": 9.0} if known else {}),
        bought={
            one: (float(dice.randrange(6)), dice.randrange(-2, 20) / 2.0)
            for one in CATEGORIES
            if known and dice.random() < 0.7
        },
        age_hours=dice.choice((6.0, 6.0, 6.0, 6.0, 6.0, 48.0, 48.5)),
        popular={
            one["id"]: dice.randrange(-1, 6) / 2.0 for one in written.actions if dice.random() < 0.8
        },
    )


def _now(dice: Random, written: Written) -> datetime:
    """Return a moment near those of the world, often on an edge of something."""
    middle, kind = dice.choice(written.moments), dice.random()
    if kind < 0.08:
        return middle
    if kind < 0.2 and (edges := _edges(written)):
        return dice.choice(edges) - timedelta(milliseconds=dice.choice((0, 0, 1)))
    if kind < 0.4:
        return middle + timedelta(minutes=15 * dice.randint(-12, 12))
    if kind < 0.55:
        return middle + timedelta(minutes=15 * dice.randint(-160, 160))
    return middle + timedelta(seconds=dice.randint(-40 * 3600, 40 * 3600))


def _edges(written: Written) -> list[datetime]:
    """Return when something of a world begins or ends to be in force."""
    entries = [*written.actions, *written.arbitration["control_groups"]]
    names = ("valid_from", "valid_to", "starts", "ends")
    return [datetime.fromisoformat(one[name]) for one in entries for name in names if name in one]


def _request(dice: Random, written: Written) -> DecisionRequest:
    names = [one["id"] for one in written.actions]
    channel = dice.choice(CHANNELS)
    places: tuple[str, ...] = ()
    if dice.random() < 0.35:
        fitting = [p["id"] for p in written.catalog["placements"] if p["channel"] == channel]
        places = tuple(some(dice, fitting, 2)) if fitting else ()
        if dice.random() < 0.1:
            places += places[:1]
    candidates = None
    if dice.random() < 0.25:
        candidates = (*some(dice, names, len(names)), *some(dice, ("gone", "nothing", names[0])))
    pages = ("tea", "milk", "coffee")
    facts = [
        ContextEntry("page", "category", dice.choice(pages)),
        ContextEntry("page", "kind", "news"),
    ]
    return DecisionRequest(
        customer_id=None if dice.random() < 0.04 else f"customer {dice.randrange(40)}",
        channel=channel,
        context="web" if channel == "app" else channel,
        direction=dice.choice(DIRECTIONS),
        placements=places,
        contexts=tuple(some(dice, facts, 2)) if dice.random() < 0.6 else (),
        candidates=candidates,
        excluded=tuple(some(dice, (*names, "gone"), 3)) if dice.random() < 0.15 else (),
        max_results=dice.choice((1, 2, 3, 3, 5, 10, 100)),
        explain="top" if dice.random() < 0.05 else "none",
        language=dice.choice(("en", "de")),
    )


def _history(dice: Random, written: Written, now: datetime) -> History:
    if dice.random() < 0.08:
        return NO_HISTORY
    zone = dice.choice((None, None, None, *ZONES, "Nowhere/Atlantis"))
    shown = ZoneInfo(written.zone if zone in (None, "Nowhere/Atlantis") else zone)
    contacts = [_contact(dice, written, now, shown) for _ in range(dice.choice((0, 2, 5, 9, 14)))]
    return History(
        contacts=tuple(sorted(contacts, key=lambda one: one.at)),
        consents=tuple(sorted(_consents(dice, now), key=lambda one: one.valid_from)),
        volumes=_volumes(dice, written, now),
        time_zone=zone,
    )


def _contact(dice: Random, written: Written, now: datetime, shown: ZoneInfo) -> Contact:
    action: Content = dice.choice(written.actions)
    at = _before(dice, now, shown)
    outcome = "presented" if dice.random() < 0.5 else dice.choice(OUTCOMES)
    reserved = None
    if outcome == "presented" and dice.random() < 0.3:
        # Some have lapsed, some lapse now, some later.
        reserved = dice.choice(
            (now.timestamp(), at + 1800, now.timestamp() + dice.randrange(5_000))
        )
    return Contact(
        action_id=action["id"] if dice.random() < 0.93 else "retired",
        group=action["group"],
        issue=action["issue"],
        channel=dice.choice(CHANNELS),
        outcome=outcome,
        at=at,
        decision_id=f"d{dice.randrange(1_000_000)}",
        reserved_until=reserved,
    )


def _before(dice: Random, now: datetime, shown: ZoneInfo) -> float:
    """Return a moment before now, often on the edge of a window."""
    days = dice.choice((0, 1, 1, 2, 2, 3, 7, 14, 30))
    kind = dice.random()
    if kind < 0.3:
        at = now.timestamp() - days * DAY + dice.choice((-1, 0, 1))
    elif kind < 0.6:
        midnight = (now.astimezone(shown) - timedelta(days=days)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        at = midnight.timestamp() + dice.choice((-1, 0, 1))
    else:
        at = now.timestamp() - dice.randrange((days + 1) * DAY)
    return float(min(int(at), int(now.timestamp())))


def _consents(dice: Random, now: datetime) -> list[Consent]:
    consents = []
    if dice.random() < 0.75:
        consents.append(Consent("marketing", "all", "granted", now.timestamp() - 90 * DAY))
    for _ in range(dice.choice((0, 0, 0, 1, 2, 4))):
        status = dice.choices(("granted", "withdrawn", "objected"), (6, 2, 1))[0]
        hours = dice.choice((-1, 0, 1, 2, 30, 300))
        consents.append(
            Consent(
                purpose=dice.choice(("marketing", "marketing", "service")),
                channel=dice.choice(("all", *CHANNELS)),
                status=status,
                valid_from=now.timestamp() - 3600 * hours,
            )
        )
    return consents


def _volumes(dice: Random, written: Written, now: datetime) -> tuple[Volume, ...]:
    today = (
        now.astimezone(ZoneInfo(written.zone)).date() - datetime(1970, 1, 1, tzinfo=UTC).date()
    ).days
    counted = {}
    for action in written.actions:
        for _ in range(dice.choice((0, 0, 0, 1, 2))):
            key = (action["id"], dice.choice(CHANNELS), today - dice.choice((0, 0, 1, 2, 6, 7, 40)))
            counted[key] = dice.randint(1, 5)
    return tuple(Volume(*key, presented=count) for key, count in sorted(counted.items()))
