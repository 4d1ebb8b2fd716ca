from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from policy_world import EVERY, at, calendar, judge_contacts, policies, shop, turned_down

from decisioning.history import NO_HISTORY
from decisioning.policies.contact import ContactBook
from decisioning.policies.policy_file import PolicyFile
from decisioning.request import DecisionRequest

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def quiet(begins: str = "21:00", ends: str = "08:00", **keys: object) -> PolicyFile:
    return policies(quiet_hours=[{"id": "q", "begins": begins, "ends": ends, **keys}])


def until(
    file: PolicyFile, now: str, zone: str | None = "UTC", direction: str = "outbound"
) -> float | None:
    judged = judge_contacts(
        file, now=at(now), zone=zone, channel="email", direction=direction, readable=True
    )
    if not turned_down(judged):
        return None
    assert turned_down(judged) == {"bread", "cheese", "milk", "survey"}
    return float(judged.until[0])


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2024-05-15T20:59:59.999", None),
        ("2024-05-15T21:00", "2024-05-16T08:00"),
        ("2024-05-16T07:59:59.999", "2024-05-16T08:00"),
        ("2024-05-16T08:00", None),
    ],
)
def test_it_is_quiet_from_the_first_moment_to_the_last(now: str, ends: str | None) -> None:
    assert until(quiet(), now) == (None if ends is None else at(ends))


@pytest.mark.parametrize(
    ("zone", "now", "ends"),
    [
        # Spring forward: the night is an hour shorter, but ends at eight.
        ("Europe/Berlin", "2024-03-30T21:30+01:00", "2024-03-31T08:00+02:00"),
        ("Europe/Berlin", "2024-03-31T08:00+02:00", None),
        ("Europe/Berlin", "2024-10-26T21:30+02:00", "2024-10-27T08:00+01:00"),
        ("America/New_York", "2024-03-10T07:30-04:00", "2024-03-10T08:00-04:00"),
        ("America/New_York", "2024-11-03T07:59-05:00", "2024-11-03T08:00-05:00"),
        ("America/New_York", "2024-11-03T08:00-05:00", None),
    ],
)
def test_the_night_is_the_customers_also_when_clocks_change(
    zone: str, now: str, ends: str | None
) -> None:
    assert until(quiet(), now, zone) == (None if ends is None else at(ends))


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        # 02:30 comes twice; the customer sleeps until the later one.
        ("2024-10-27T02:20+02:00", "2024-10-27T02:30+01:00"),
        ("2024-10-27T02:40+02:00", "2024-10-27T02:30+01:00"),
        ("2024-10-27T02:20+01:00", "2024-10-27T02:30+01:00"),
        ("2024-10-27T02:30+01:00", None),
        # 02:30 does not come at all; the clock goes from 02:00 to 03:00.
        ("2024-03-31T01:59+01:00", "2024-03-31T03:00+02:00"),
        ("2024-03-31T03:00+02:00", None),
    ],
)
def test_an_end_within_the_changed_hour(now: str, ends: str | None) -> None:
    file = quiet("22:00", "02:30")
    assert until(file, now, "Europe/Berlin") == (None if ends is None else at(ends))


def test_only_outbound_unless_it_says_otherwise() -> None:
    assert until(quiet(), "2024-05-15T22:00", direction="inbound") is None
    both = quiet(directions=["inbound", "outbound"])
    assert until(both, "2024-05-15T22:00", direction="inbound") is not None
    assert until(quiet(channels=["bot"]), "2024-05-15T22:00") is None
    assert until(quiet(enabled=False), "2024-05-15T22:00") is None


def test_a_weekday_is_the_day_on_which_it_begins() -> None:
    friday_night = quiet(weekdays=["fri"])
    assert until(friday_night, "2024-05-17T22:00") == at("2024-05-18T08:00")
    assert until(friday_night, "2024-05-18T07:00") == at("2024-05-18T08:00")
    assert until(friday_night, "2024-05-17T07:00") is None
    assert until(friday_night, "2024-05-18T22:00") is None


def test_days_without_a_break_are_one_quiet_time() -> None:
    weekend = quiet("00:00", "24:00", weekdays=["sat", "sun"])
    assert until(weekend, "2024-05-18T12:00") == at("2024-05-20T00:00")
    assert until(weekend, "2024-05-19T23:59") == at("2024-05-20T00:00")
    assert until(weekend, "2024-05-17T23:59") is None
    assert until(weekend, "2024-05-20T00:00") is None


def test_a_time_of_the_day_that_does_not_pass_midnight() -> None:
    lunch = quiet("12:00", "14:00")
    assert until(lunch, "2024-05-15T13:00") == at("2024-05-15T14:00")
    assert until(lunch, "2024-05-15T14:00") is None


def test_quiet_hours_hold_without_a_history_by_the_companys_clock() -> None:
    judged = judge_contacts(
        quiet(), now=at("2024-05-15T20:00"), channel="email", direction="outbound",
        company="Europe/Berlin", readable=False,
    )  # fmt: skip
    assert judged.until[0] == at("2024-05-16T06:00")
    assert "recall" not in turned_down(judged)
    assert not judged.capped.any()


def test_a_deferred_decision_is_let_through_and_told_when_it_may_be_sent() -> None:
    book = ContactBook(quiet(), shop(), calendar())
    night = datetime.fromtimestamp(at("2024-05-15T22:00"), UTC)
    noon = datetime.fromtimestamp(at("2024-05-15T12:00"), UTC)
    asked = DecisionRequest("7", channel="email", direction="outbound", mode="deferred")
    assert not turned_down(book.judge(NO_HISTORY, asked, EVERY, night))
    assert turned_down(book.judge(NO_HISTORY, replace(asked, mode="live"), EVERY, night))
    assert book.quiet_until(asked, EVERY, night, None) == at("2024-05-16T08:00")
    assert book.quiet_until(asked, EVERY, night, "America/New_York") is None
    assert book.quiet_until(asked, EVERY, noon, None) is None
    # A recall is never held up.
    assert book.quiet_until(asked, EVERY[3:4], night, None) is None
    always = ContactBook(quiet("00:00", "24:00"), shop(), calendar())
    assert always.quiet_until(asked, EVERY, noon, None) == float("inf")
