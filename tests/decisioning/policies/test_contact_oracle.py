"""Contact policies against a slow, plain counting of the same rules, on random histories."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from policy_world import DAY, GROUPS, HOUR, IDS, ISSUES, calendar, limit, met, shop

from decisioning.history import Contact, History
from decisioning.policies.contact import ContactBook
from decisioning.request import DecisionRequest

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
MOMENTS = ("2024-03-31T05:00", "2024-03-10T09:00", "2024-10-27T12:00", "2024-11-03T07:00",
           "2024-05-15T12:00")  # fmt: skip
OUTCOMES = ("presented", "presented", "presented", "refused", "clicked")
CHANNELS = ("web", "email")

Rule = dict[str, object]


def random_rule(rng: np.random.Generator) -> Rule:
    rule: Rule = {
        "per": str(rng.choice(["action", "group", "issue", "channel", "all"])),
        "counts": [["presented"], ["refused"], ["presented", "clicked"]][rng.integers(3)],
        "concerns": [{}, {"groups": ["dairy"]}, {"issues": ["sell"], "purposes": ["marketing"]}][
            rng.integers(3)
        ],
    }
    if rule["per"] != "channel":
        rule["channel"] = str(rng.choice(["any", "same"]))
    if rng.random() < 0.35:
        rule |= {"at_least": int(rng.integers(1, 4)), "days": int(rng.integers(1, 5)),
                 "pause_days": int(rng.integers(1, 5))}  # fmt: skip
        return rule
    rule |= {"at_most": int(rng.integers(0, 4)),
             "window": str(rng.choice(["rolling", "calendar", "ever"]))}  # fmt: skip
    if rule["window"] != "ever":
        rule["days"] = int(rng.integers(1, 5))
    return rule


def random_contacts(rng: np.random.Generator, now: float) -> list[Contact]:
    """On a grid of hours, most of them whole days apart, so that many stand on a boundary."""
    apart = rng.choice([HOUR, DAY, DAY])
    moments = sorted(now - apart * rng.integers(0, 9 * DAY / apart, size=rng.integers(0, 9)))
    return [
        met(
            action_id=str(rng.choice(IDS)),
            when=float(moment),
            outcome=str(rng.choice(OUTCOMES)),
            channel=str(rng.choice(CHANNELS)),
            reserved_until=random_lapse(rng, now),
        )
        for moment in moments
    ]


def random_lapse(rng: np.random.Generator, now: float) -> float | None:
    if rng.random() < 0.7:
        return None
    return float(now + HOUR * rng.choice([-1, 0, 0, 1, 5, 24, 30]))


class Plain:
    """The rules once more, as one would check them by hand."""

    def __init__(self, rule: Rule, channel: str, zone: str) -> None:
        self.rule, self.channel, self.zone = rule, channel, ZoneInfo(zone)

    def concerns(self, action_id: str) -> bool:
        wanted = self.rule["concerns"]
        assert isinstance(wanted, dict)
        if action_id == "recall":
            return False
        if "groups" in wanted:
            return GROUPS[action_id] in wanted["groups"]
        return "issues" not in wanted or ISSUES[action_id] in wanted["issues"]

    def together(self, one: str, other: str) -> bool:
        names = {"group": GROUPS, "issue": ISSUES}.get(str(self.rule["per"]))
        if names:
            return names[one] == names[other]
        return self.rule["per"] in ("all", "channel") or one == other

    def counted(self, contacts: list[Contact], action_id: str, now: float) -> list[float]:
        same = self.rule["per"] == "channel" or self.rule.get("channel") == "same"
        return [
            contact.at
            for contact in contacts
            if contact.outcome in self.rule["counts"]  # type: ignore[operator]
            and (not same or contact.channel == self.channel)
            and (contact.reserved_until is None or now < contact.reserved_until)
            and self.concerns(contact.action_id)
            and self.together(contact.action_id, action_id)
        ]

    def days_between(self, earlier: float, later: float) -> int:
        dates = [datetime.fromtimestamp(one, self.zone).date() for one in (earlier, later)]
        return (dates[1] - dates[0]).days

    def allowed(self, contacts: list[Contact], action_id: str, now: float) -> bool:
        moments = self.counted(contacts, action_id, now)
        days = self.rule.get("days")
        if "pause_days" in self.rule:
            return not any(
                now - last < self.rule["pause_days"] * DAY
                and sum(0 <= last - one < days * DAY for one in moments) >= self.rule["at_least"]
                for last in moments
            )
        inside = {
            "rolling": lambda one: now - one < days * DAY,
            "calendar": lambda one: self.days_between(one, now) < days,
            "ever": lambda one: True,
        }[str(self.rule["window"])]
        return sum(inside(one) for one in moments) < int(str(self.rule["at_most"]))

    def until(self, contacts: list[Contact], action_id: str, now: float) -> float:
        """The first of all moments at which anything can change that lets the action through."""
        today = datetime.fromtimestamp(now, self.zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        moments = {(today + timedelta(days=days)).timestamp() for days in range(1, 12)}
        moments |= {one.at + days * DAY for one in contacts for days in range(1, 12)}
        moments |= {one.reserved_until for one in contacts if one.reserved_until is not None}
        later = (one for one in sorted(moments) if one > now)
        return next((one for one in later if self.allowed(contacts, action_id, one)), math.nan)

    def places(self, contacts: list[Contact], action_id: str, now: float) -> int:
        """How often the action can be presented now, one after the other."""
        shown = [*contacts]
        while len(shown) < len(contacts) + 9 and self.allowed(shown, action_id, now):
            shown.append(met(action_id, now, channel=self.channel))
        return len(shown) - len(contacts)


@pytest.mark.parametrize("seed", range(12))
def test_contact_policies_count_as_one_would_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        rule, zone = random_rule(rng), str(rng.choice(ZONES))
        now = datetime.fromisoformat(str(rng.choice(MOMENTS))).replace(tzinfo=UTC).timestamp()
        contacts, channel = random_contacts(rng, now), str(rng.choice(CHANNELS))
        action = np.sort(rng.choice(5, size=rng.integers(1, 6), replace=False))
        plain = Plain(rule, channel, zone)
        judged = ContactBook(limit(**rule), shop(), calendar()).judge(
            History(tuple(contacts), time_zone=zone),
            DecisionRequest("7", channel=channel),  # type: ignore[arg-type]
            action,
            datetime.fromtimestamp(now, UTC),
        )
        assert not judged.nobody or (judged.failed < 0).all()
        free = []
        for row, name in enumerate(IDS[position] for position in action):
            allowed = not plain.concerns(name) or plain.allowed(contacts, name, now)
            assert (judged.failed[row] < 0) == allowed, (rule, contacts, name)
            if not allowed:
                until = plain.until(contacts, name, now)
                assert judged.until[row] == until or math.isnan(until), (rule, contacts, name)
                assert math.isnan(judged.until[row]) == math.isnan(until), (rule, contacts, name)
            elif plain.concerns(name):
                free.append((row, name))
        takes_places = "presented" in rule["counts"]  # type: ignore[operator]
        for row, name in free:
            assert judged.capped[row] == takes_places
            sharing = [other for other, of in free if plain.together(of, name)]
            places = plain.places(contacts, name, now) if takes_places else 9
            told = [one for one in judged.limits if one.rows[row]]
            assert bool(told) == (places < len(sharing)), (rule, contacts, name)
            if told:
                assert told[0].remaining == places
                assert np.flatnonzero(told[0].rows).tolist() == sharing
