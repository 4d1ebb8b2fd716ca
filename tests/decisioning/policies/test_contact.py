from __future__ import annotations

import numpy as np
import pytest
from policy_world import (
    DAY,
    EVERY,
    HOUR,
    IDS,
    NOW,
    at,
    calendar,
    judge_contacts,
    limit,
    met,
    policies,
    shop,
    turned_down,
)

from decisioning.policies.contact import ContactBook
from decisioning.policies.limits import EVER
from decisioning.policies.policy_file import PolicyFile

NOON = NOW.timestamp()
SOLD = {"bread", "cheese", "milk"}


def test_without_policies_nothing_is_capped_and_nothing_is_needed() -> None:
    judged = judge_contacts(PolicyFile(), [met(when=NOON)])
    assert (judged.failed.tolist(), judged.capped.any(), judged.limits) == ([-1] * 5, False, ())
    needs = ContactBook(PolicyFile(), shop(), calendar()).needs
    assert (needs.contact_seconds, needs.volume_action_ids, needs.volume_days) == (0.0, (), 0)


def test_up_to_the_last_place_a_limit_lets_through_and_then_no_more() -> None:
    file = limit(at_most=3, days=7)
    contacts = [met(when=NOON - hours * HOUR) for hours in (3, 2, 1)]
    assert turned_down(judge_contacts(file, contacts[:2])) == set()
    judged = judge_contacts(file, contacts)
    assert turned_down(judged) == {*SOLD, "survey"}
    assert judged.until[0] == contacts[0].at + 7 * DAY


def test_a_rolling_window_frees_a_place_at_the_exact_moment() -> None:
    file = limit(at_most=1, days=7)
    contact = met(when=NOON - 7 * DAY)
    assert turned_down(judge_contacts(file, [contact], NOON)) == set()
    judged = judge_contacts(file, [contact], NOON - 0.001)
    assert turned_down(judged) == {*SOLD, "survey"}
    assert judged.until[0] == NOON


def test_until_is_when_the_last_one_too_many_leaves() -> None:
    contacts = [met(when=NOON - hours * HOUR) for hours in (5, 4, 3, 2)]
    assert judge_contacts(limit(at_most=2, days=1), contacts).until[0] == contacts[2].at + DAY


def test_a_limit_of_none_lets_nobody_through_and_never_ends() -> None:
    judged = judge_contacts(limit(at_most=0, days=1))
    assert turned_down(judged) == {*SOLD, "survey"}
    assert np.isnan(judged.until).all()


def test_ever_does_not_end() -> None:
    judged = judge_contacts(limit(at_most=1, window="ever"), [met(when=5.0)])
    assert turned_down(judged) == {*SOLD, "survey"}
    assert np.isnan(judged.until).all()


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        ("action", {"cheese"}),
        ("group", {"cheese", "milk"}),
        ("issue", SOLD),
        ("all", {*SOLD, "survey"}),
        ("channel", {*SOLD, "survey"}),
    ],
)
def test_what_is_counted_together(per: str, expected: set[str]) -> None:
    file = limit(per=per, at_most=1, days=7)
    assert turned_down(judge_contacts(file, [met("cheese", NOON - HOUR)])) == expected


def test_per_channel_only_the_channel_of_the_request_counts() -> None:
    contact = met(when=NOON - HOUR, channel="email")
    for file in (
        limit(per="channel", at_most=1, days=7),
        limit(per="all", channel="same", at_most=1, days=7),
    ):
        assert turned_down(judge_contacts(file, [contact], channel="web")) == set()
        assert turned_down(judge_contacts(file, [contact], channel="email")) != set()
    anywhere = limit(per="all", at_most=1, days=7)
    assert turned_down(judge_contacts(anywhere, [contact], channel="web")) != set()


def test_only_the_outcomes_that_are_named_count() -> None:
    file = limit(counts=["clicked", "viewed"], at_most=2, days=7)
    seen = [met(when=NOON - HOUR, outcome=one) for one in ("presented", "clicked", "refused")]
    assert turned_down(judge_contacts(file, seen)) == set()
    assert turned_down(judge_contacts(file, [*seen, met(when=NOON, outcome="viewed")])) != set()


def test_a_policy_counts_and_limits_only_what_it_concerns() -> None:
    file = limit(concerns={"groups": ["dairy"]}, at_most=1, days=7)
    assert turned_down(judge_contacts(file, [met("bread", NOON - HOUR)])) == set()
    assert turned_down(judge_contacts(file, [met("milk", NOON - HOUR)])) == {"cheese", "milk"}


def test_a_contact_about_an_action_that_is_gone_still_counts() -> None:
    gone = met("bread", NOON - HOUR)._replace(action_id="old_bread")
    assert turned_down(judge_contacts(limit(per="issue", at_most=1, days=7), [gone])) == SOLD
    marketing = limit(concerns={"purposes": ["marketing"]}, at_most=1, days=7)
    assert turned_down(judge_contacts(marketing, [gone])) == SOLD
    dairy = limit(concerns={"groups": ["dairy"]}, at_most=1, days=7)
    assert turned_down(judge_contacts(dairy, [gone])) == set()


def test_transactional_actions_are_neither_limited_nor_counted() -> None:
    judged = judge_contacts(limit(at_most=1, days=7), [met("recall", NOON - HOUR)])
    assert turned_down(judged) == set()
    judged = judge_contacts(limit(at_most=0, days=7))
    assert "recall" not in turned_down(judged)
    assert dict(zip(IDS, judged.capped, strict=True))["recall"] == np.False_


def test_a_policy_counts_only_on_its_channels_and_directions() -> None:
    file = limit(at_most=0, days=7, channels=["email"], directions=["outbound"])
    assert turned_down(judge_contacts(file, channel="email", direction="outbound")) != set()
    inbound = judge_contacts(file, channel="email")
    assert (turned_down(inbound), inbound.capped.any()) == (set(), False)
    assert turned_down(judge_contacts(file, direction="outbound")) == set()


def test_a_disabled_policy_neither_limits_nor_needs_anything() -> None:
    file = limit(at_most=0, days=7, enabled=False)
    assert turned_down(judge_contacts(file)) == set()
    assert ContactBook(file, shop(), calendar()).needs.contact_seconds == 0.0


def test_a_reserved_place_counts_until_the_reservation_lapses() -> None:
    file = limit(at_most=1, days=7)
    reserved = met(when=NOON - HOUR, reserved_until=NOON + 60)
    judged = judge_contacts(file, [reserved], NOON)
    assert turned_down(judged) != set()
    assert judged.until[0] == NOON + 60
    assert turned_down(judge_contacts(file, [reserved], NOON + 60)) == set()


def test_only_what_counts_presentations_needs_a_place_to_be_reserved() -> None:
    counting = judge_contacts(limit(concerns={"groups": ["dairy"]}, at_most=5, days=7))
    assert counting.capped.tolist() == [False, True, True, False, False]
    refusals = judge_contacts(limit(counts=["refused"], at_most=5, days=7))
    assert not refusals.capped.any()


def test_what_is_left_of_a_shared_limit_is_told_where_it_is_not_enough() -> None:
    contacts = [met("bread", NOON - HOUR)]
    (left,) = judge_contacts(limit(at_most=3, days=7), contacts).limits
    assert (left.policy_id, left.remaining) == ("p", 2)
    assert left.rows.tolist() == [True, True, True, False, True]
    assert judge_contacts(limit(at_most=5, days=7), contacts).limits == ()
    (dairy,) = judge_contacts(limit(per="group", at_most=1, days=7), contacts).limits
    assert dairy.remaining == 1
    assert dairy.rows.tolist() == [False, True, True, False, False]
    assert judge_contacts(limit(per="action", at_most=1, days=7)).limits == ()
    assert judge_contacts(limit(counts=["refused"], at_most=1, days=7)).limits == ()


def test_rows_that_another_policy_turns_down_want_no_place() -> None:
    file = policies(
        contact_policies=[
            {"id": "shared", "per": "all", "at_most": 2, "days": 7},
            {"id": "none", "per": "all", "at_most": 0, "days": 7, "concerns": {"issues": ["sell"]}},
        ]
    )
    judged = judge_contacts(file)
    assert turned_down(judged) == SOLD
    assert judged.limits == ()


def test_the_first_policy_that_turns_down_is_named() -> None:
    file = policies(
        contact_policies=[
            {"id": "wide", "per": "all", "at_most": 5, "days": 7},
            {"id": "none", "per": "all", "at_most": 0, "days": 7},
            {"id": "later", "per": "all", "at_most": 0, "days": 9},
        ],
        quiet_hours=[{"id": "day", "begins": "00:00", "ends": "24:00", "directions": ["inbound"]}],
    )
    book = ContactBook(file, shop(), calendar())
    assert [one.id for one in book.policies] == ["wide", "none", "later", "day", "ledger"]
    assert judge_contacts(file).failed.tolist() == [1, 1, 1, -1, 1]


@pytest.mark.parametrize(
    ("zone", "day_before", "now", "until"),
    [
        ("UTC", "2024-05-13T23:59:59", "2024-05-15T12:00", None),
        ("UTC", "2024-05-14T00:00:00", "2024-05-15T12:00", "2024-05-16T00:00"),
        # In spring the day has 23 hours, in autumn 25.
        ("Europe/Berlin", "2024-03-30T00:30+01:00", "2024-03-31T23:59+02:00", "2024-03-31T22:00"),
        ("Europe/Berlin", "2024-03-30T00:30+01:00", "2024-04-01T00:00+02:00", None),
        ("Europe/Berlin", "2024-10-26T00:30+02:00", "2024-10-27T23:59+01:00", "2024-10-27T23:00"),
        ("Europe/Berlin", "2024-10-26T00:30+02:00", "2024-10-28T00:00+01:00", None),
        (
            "America/New_York", "2024-03-09T12:00-05:00", "2024-03-10T23:59-04:00",
            "2024-03-11T04:00",
        ),
        (
            "America/New_York", "2024-11-02T12:00-04:00", "2024-11-03T23:59-05:00",
            "2024-11-04T05:00",
        ),
    ],
)  # fmt: skip
def test_a_calendar_window_is_days_of_the_customers_clock(
    zone: str, day_before: str, now: str, until: str | None
) -> None:
    file = limit(at_most=1, days=2, window="calendar")
    judged = judge_contacts(file, [met(when=at(day_before))], at(now), zone=zone)
    if until is None:
        assert turned_down(judged) == set()
    else:
        assert judged.until[0] == at(until)
        later = judge_contacts(file, [met(when=at(day_before))], at(until), zone=zone)
        assert turned_down(later) == set()


def test_without_a_clock_of_the_customer_the_companys_counts() -> None:
    file = limit(at_most=1, days=1, window="calendar")
    contact, now = met(when=at("2024-05-14T21:30")), at("2024-05-14T22:30")
    assert turned_down(judge_contacts(file, [contact], now, company="UTC")) != set()
    assert turned_down(judge_contacts(file, [contact], now, company="Europe/Berlin")) == set()
    assert turned_down(judge_contacts(file, [contact], now, zone="Europe/Berlin")) == set()


def test_a_history_that_nobody_could_read_closes_what_needs_it() -> None:
    file = limit(concerns={"groups": ["dairy", "safety"]}, at_most=9, days=7)
    judged = judge_contacts(file, readable=False)
    assert turned_down(judged) == {"cheese", "milk"}
    named = ContactBook(file, shop(), calendar()).policies[judged.failed[1]]
    assert (named.id, named.reason) == ("ledger", "ledger_unavailable")
    assert not judged.capped.any()
    assert turned_down(judge_contacts(PolicyFile(), readable=False)) == set()
    other_channel = limit(at_most=9, days=7, channels=["email"])
    assert turned_down(judge_contacts(other_channel, readable=False)) == set()


def test_the_ledger_is_asked_as_far_back_as_any_policy_looks() -> None:
    def seconds(**keys: object) -> float:
        return ContactBook(limit(**keys), shop(), calendar()).needs.contact_seconds

    assert seconds(at_most=1, days=7) == 7 * DAY
    assert seconds(at_most=1, days=7, window="calendar") == 8 * DAY
    assert seconds(at_least=1, days=7, pause_days=3) == 10 * DAY
    assert seconds(at_most=1, window="ever") == EVER


def test_rows_may_be_any_of_the_actions() -> None:
    action = np.array([2, 4])
    judged = judge_contacts(
        limit(per="group", at_most=1, days=7), [met("cheese", NOON)], action=action
    )
    assert turned_down(judged, action) == {"milk"}
    assert judge_contacts(limit(at_most=0, days=7), action=EVERY[:0]).failed.tolist() == []
