from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_world import EVERY, NOW, calendar, policies, shop

from decisioning.expressions import values
from decisioning.history import History
from decisioning.policies.policy_book import PolicyBook
from decisioning.policies.policy_group import Judged
from decisioning.request import DecisionRequest
from features.errors import PolicyError

COLUMNS = {
    "trips_91d": np.full(5, 4.0),
    "complaints_91d": np.full(5, 0.0),
    "days_since_complaint": np.full(5, np.nan),
    "category_trips_all": np.array([1.0, 2.0, np.nan, 4.0, 5.0]),
}


def entry(when: str, **keys: object) -> dict[str, object]:
    return {"id": f"p{abs(hash(when)) % 10_000}", "tier": "eligibility", "reason": "no",
            "when": when, **keys}  # fmt: skip


def judge(
    *entries: dict[str, object],
    channel: str = "web",
    direction: str = "inbound",
    alive: np.ndarray | None = None,
    action: np.ndarray = EVERY,
    now: datetime = NOW,
    zone: str | None = None,
) -> Judged:
    numbered = [one | {"id": f"p{place}"} for place, one in enumerate(entries)]
    book = PolicyBook(policies(policies=numbered), shop(), calendar())
    request = DecisionRequest("7", channel=channel, direction=direction)  # type: ignore[arg-type]
    alive = np.ones(len(action), dtype=bool) if alive is None else alive
    columns = {name: column[: len(action)] for name, column in COLUMNS.items()}
    judged = book.judge(request, columns, action, alive, now, History(time_zone=zone))
    nobody = Judged(np.full(len(action), -1), np.zeros(len(action), dtype=np.int64))
    return nobody if judged is None else judged


def test_without_policies_nobody_is_turned_down() -> None:
    assert judge().failed.tolist() == [-1] * 5
    assert judge(action=np.arange(0)).failed.tolist() == []


def test_a_policy_of_the_customer_turns_down_what_it_concerns() -> None:
    judged = judge(entry("profile.trips_91d > 4.0", concerns={"groups": ["dairy"]}))
    assert judged.failed.tolist() == [-1, 0, 0, -1, -1]
    assert judged.code.tolist() == [0] * 5


def test_a_policy_of_the_action_is_asked_for_each() -> None:
    judged = judge(entry("action.category_trips_all > 1.0", scope="action"))
    assert judged.failed.tolist() == [0, -1, 0, -1, -1]
    assert judged.code.tolist() == [0, 0, 1, 0, 0]


def test_a_policy_about_nothing_but_the_action_is_asked_when_it_is_read() -> None:
    judged = judge(
        entry("action.group != 'dairy'", scope="action"),
        entry("action.size > 1.0", scope="action", concerns={"issues": ["sell"]}),
    )
    assert judged.failed.tolist() == [1, 0, 0, -1, -1]
    assert judged.code.tolist() == [1, 0, 0, 0, 0]


def test_a_missing_value_and_a_failing_expression_turn_down_with_their_own_codes() -> None:
    judged = judge(
        entry("journey.days_since_complaint > 3.0", concerns={"actions": ["bread"]}),
        entry("1 / (request.hour - 12) == 1", concerns={"actions": ["milk"]}),
    )
    assert judged.failed.tolist() == [0, -1, 1, -1, -1]
    assert judged.code.tolist() == [1, 0, 2, 0, 0]


def test_one_failing_policy_does_not_hide_what_the_others_say() -> None:
    judged = judge(
        entry("profile.trips_91d > 3.0"),
        entry("journey.days_since_complaint > 3.0", concerns={"actions": ["bread"]}),
        entry("profile.trips_91d > 5.0", concerns={"actions": ["milk"]}),
    )
    assert judged.failed.tolist() == [1, -1, 2, -1, -1]


def test_the_first_policy_in_the_order_of_the_tiers_is_named() -> None:
    never = "profile.trips_91d > 9.0"
    each = entry("action.category_trips_all > 9.0", scope="action")
    entries = (entry(never, tier="suitability"), each | {"tier": "applicability"}, entry(never))
    book = PolicyBook(
        policies(policies=[one | {"id": f"p{at}"} for at, one in enumerate(entries)]),
        shop(),
        calendar(),
    )
    assert [one.tier for one in book.policies] == ["eligibility", "applicability", "suitability"]
    assert judge(*entries).failed.tolist() == [0] * 5
    assert judge(*entries[:2]).failed.tolist() == [0] * 5
    assert judge(entries[0]).failed.tolist() == [0] * 5


def test_a_policy_counts_only_on_its_channels_and_directions() -> None:
    never = entry("false", channels=["email"], directions=["outbound"])
    assert judge(never, channel="email", direction="outbound").failed.tolist() == [0] * 5
    assert judge(never, channel="email").failed.tolist() == [-1] * 5
    assert judge(never, direction="outbound").failed.tolist() == [-1] * 5


def test_a_disabled_policy_is_not_asked() -> None:
    assert judge(entry("false", enabled=False)).failed.tolist() == [-1] * 5


def test_rows_that_are_gone_are_not_asked_about() -> None:
    alive = np.array([True, False, True, False, False])
    judged = judge(entry("profile.trips_91d > 4.0"), entry("false"), alive=alive)
    assert judged.failed.tolist() == [0, -1, 0, -1, -1]


def test_rows_may_be_any_of_the_actions() -> None:
    judged = judge(entry("action.id == 'milk'", scope="action"), action=np.array([2, 4]))
    assert judged.failed.tolist() == [-1, 0]


@pytest.mark.parametrize(("zone", "failed"), [(None, -1), ("Asia/Tokyo", 0)])
def test_the_hour_is_the_customers(zone: str | None, failed: int) -> None:
    late = datetime(2024, 5, 15, 12, tzinfo=UTC)
    assert judge(entry("request.hour < 20"), now=late, zone=zone).failed[0] == failed


def test_a_policy_that_does_not_fit_the_catalog_is_refused_with_its_place() -> None:
    file = policies(policies=[entry("action.colour == 'red'", scope="action") | {"id": "red"}])
    with pytest.raises(PolicyError, match=r"^policies.red.when: "):
        PolicyBook(file, shop(), calendar())


CONDITIONS = (
    "profile.trips_91d > 3.0",
    "profile.trips_91d > 5.0",
    "journey.days_since_complaint > 3.0",
    "!known.journey.days_since_complaint || journey.days_since_complaint > 3.0",
    "request.channel == 'web'",
    "action.group == 'dairy'",
    "action.category_trips_all > 3.0",
    "action.id == 'bread' || profile.trips_91d > 5.0",
    "action.size > 1.0",
    "1 / (request.hour - 12) == 1",
    "action.size + profile.trips_91d > 5.0",
    "known.action.size ? action.category_trips_all > 1.0 : request.hour in [11, 12]",
    "request.channel.startsWith('w') && action.category_trips_all > 3.0",
)


@cache
def alone_says(policy: str) -> Judged:
    return judge(json.loads(policy))


@pytest.mark.parametrize("when", CONDITIONS)
def test_all_rows_at_once_is_said_what_is_said_of_each(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        entry(when, scope="action", concerns=concerns)
        for concerns in ({"groups": ["dairy"]}, {"issues": ["sell", "care"]}, {})
    ]
    alive = np.array([True, True, True, True, False])
    at_once = judge(*entries, alive=alive)
    monkeypatch.setattr(values, "proven", lambda condition, vocabulary: False)
    each = judge(*entries, alive=alive)
    assert at_once.failed.tolist() == each.failed.tolist()
    assert at_once.code.tolist() == each.code.tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CONDITIONS),
            st.sampled_from(["eligibility", "applicability", "suitability"]),
            st.sampled_from([{}, {"groups": ["dairy"]}, {"issues": ["sell"]}]),
            st.sampled_from([[], ["web"], ["email"]]),
        ),
        max_size=6,
    ),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_together_policies_say_what_each_of_them_says_alone(
    given_policies: list[tuple[str, str, dict[str, list[str]], list[str]]], given_alive: list[bool]
) -> None:
    entries = [
        entry(when, scope="action", tier=tier, concerns=concerns, channels=channels)
        for when, tier, concerns, channels in given_policies
    ]
    ordered = sorted(
        entries,
        key=lambda one: ["eligibility", "applicability", "suitability"].index(str(one["tier"])),
    )
    alone = [alone_says(json.dumps(one)) for one in ordered]
    judged = judge(*entries, alive=np.array(given_alive))
    for row in range(5):
        failing = [at for at, one in enumerate(alone) if one.failed[row] >= 0]
        expected = failing[0] if failing and given_alive[row] else -1
        assert judged.failed[row] == expected
        if expected >= 0:
            assert judged.code[row] == alone[expected].code[row]
