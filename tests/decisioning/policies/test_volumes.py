from __future__ import annotations

import numpy as np
import pytest
from policy_world import (
    DAY,
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

from decisioning.catalog import Catalog
from decisioning.history import Volume
from decisioning.policies.contact import ContactBook
from decisioning.policies.policy_file import PolicyFile

TODAY = int(NOW.timestamp() // DAY)
SOLD = {"bread", "cheese", "milk"}


def shown(action_id: str, times: int, days_ago: int = 0, channel: str = "web") -> Volume:
    return Volume(action_id, channel, TODAY - days_ago, times)


def everyone(**keys: object) -> PolicyFile:
    return limit(everyone=True, **keys)


def with_budget(budget: str, cost: float = 0.0) -> Catalog:
    return shop("group: bakery}", f"group: bakery, cost: {cost}, budget: {budget}}}")


def test_a_limit_for_everyone_holds_whoever_asks() -> None:
    file = everyone(per="action", at_most=200, window="ever")
    assert turned_down(judge_contacts(file, volumes=[shown("bread", 199)])) == set()
    judged = judge_contacts(file, volumes=[shown("bread", 150, 900), shown("bread", 50)])
    assert turned_down(judged) == {"bread"}
    assert np.isnan(judged.until[0])


def test_what_the_customer_alone_saw_does_not_count_for_everyone() -> None:
    file = everyone(per="action", at_most=1, window="ever")
    assert turned_down(judge_contacts(file, [met(when=NOW.timestamp())])) == set()


def test_days_of_the_company_leave_the_window_at_its_midnight() -> None:
    file = everyone(per="all", at_most=10, days=3, window="calendar")
    volumes = [shown("bread", 4, 3), shown("bread", 4, 2), shown("milk", 4, 1), shown("milk", 2)]
    judged = judge_contacts(file, volumes=volumes)
    assert turned_down(judged) == {*SOLD, "survey"}
    assert judged.until[0] == (TODAY + 1) * DAY
    assert turned_down(judge_contacts(file, volumes=volumes, now=judged.until[0])) == set()


def test_so_many_days_have_to_leave_until_there_is_room() -> None:
    file = everyone(per="all", at_most=5, days=3, window="calendar")
    volumes = [shown("bread", 2, 2), shown("bread", 3, 1), shown("bread", 4)]
    assert judge_contacts(file, volumes=volumes).until[0] == (TODAY + 2) * DAY
    none_at_all = everyone(per="all", at_most=0, days=3, window="calendar")
    assert np.isnan(judge_contacts(none_at_all, volumes=volumes).until[0])


def test_the_midnight_is_the_companys_also_when_clocks_change() -> None:
    file = everyone(per="all", at_most=1, days=1, window="calendar")
    day = int(calendar("Europe/Berlin").day(np.array([at("2024-03-31T12:00")]))[0])
    volumes = [Volume("bread", "web", day, 1)]
    judged = judge_contacts(
        file, volumes=volumes, now=at("2024-03-31T12:00"), zone="Asia/Tokyo",
        company="Europe/Berlin",
    )  # fmt: skip
    assert judged.until[0] == at("2024-03-31T22:00")


def test_only_the_channel_of_the_request_can_be_counted() -> None:
    file = everyone(per="all", channel="same", at_most=5, window="ever")
    volumes = [shown("bread", 9, channel="email")]
    assert turned_down(judge_contacts(file, volumes=volumes)) == set()
    assert turned_down(judge_contacts(file, volumes=volumes, channel="email")) != set()


def test_a_limit_for_everyone_shares_what_is_left() -> None:
    file = everyone(per="group", at_most=10, window="ever")
    (left,) = judge_contacts(file, volumes=[shown("milk", 9)]).limits
    assert (left.remaining, left.rows.tolist()) == (1, [False, True, True, False, False])


def test_transactional_actions_are_neither_limited_nor_counted() -> None:
    file = everyone(per="all", at_most=5, window="ever")
    judged = judge_contacts(file, volumes=[shown("recall", 9)])
    assert turned_down(judged) == set()
    assert not judged.capped[3]


@pytest.mark.parametrize(
    ("budget", "cost", "presented", "used_up"),
    [
        ("{presentations: 100}", 0.0, 99, False),
        ("{presentations: 100}", 0.0, 100, True),
        ("{presentations: 0}", 0.0, 0, True),
        ("{amount: 10}", 3.0, 2, False),
        ("{amount: 10}", 3.0, 3, True),
        ("{amount: 0.3}", 0.1, 2, False),
        ("{amount: 0.3}", 0.1, 3, True),
        ("{presentations: 2, amount: 100}", 1.0, 2, True),
    ],
)
def test_a_budget_is_spent_up_to_the_last_presentation(
    budget: str, cost: float, presented: int, used_up: bool
) -> None:
    catalog = with_budget(budget, cost)
    volumes = [shown("bread", presented, 400)] if presented else []
    judged = judge_contacts(PolicyFile(), volumes=volumes, catalog=catalog)
    assert turned_down(judged) == ({"bread"} if used_up else set())
    assert judged.capped.tolist() == [True, False, False, False, False]
    named = ContactBook(PolicyFile(), catalog, calendar()).policies[0]
    assert (named.id, named.reason) == ("budget", "budget_used_up")


def test_a_budget_holds_for_a_transactional_action_and_when_nobody_can_read_it() -> None:
    catalog = shop("purpose: transactional", "purpose: transactional, budget: {presentations: 1}")
    volumes = [shown("recall", 1)]
    spent = judge_contacts(PolicyFile(), volumes=volumes, catalog=catalog)
    assert turned_down(spent) == {"recall"}
    unread = judge_contacts(PolicyFile(), catalog=catalog, readable=False)
    assert turned_down(unread) == {"recall"}
    other = with_budget("{presentations: 1}")
    assert turned_down(judge_contacts(PolicyFile(), catalog=other, readable=False)) == {"bread"}


def test_the_ledger_is_asked_for_the_volumes_that_are_limited() -> None:
    def needs(file: PolicyFile, catalog: Catalog) -> tuple[tuple[str, ...], int | None]:
        asked = ContactBook(file, catalog, calendar()).needs
        return asked.volume_action_ids, asked.volume_days

    dairy = {"per": "all", "concerns": {"groups": ["dairy", "safety"]}}
    weekly = everyone(at_most=1, days=7, window="calendar", **dairy)
    assert needs(weekly, shop()) == (("cheese", "milk"), 7)
    ever = everyone(at_most=1, window="ever", **dairy)
    assert needs(ever, shop()) == (("cheese", "milk"), None)
    catalog = with_budget("{presentations: 1}")
    assert needs(weekly, catalog) == (("bread", "cheese", "milk"), None)
    both = policies(
        contact_policies=[
            {"id": str(days), "per": "all", "everyone": True, "at_most": 1, "days": days,
             "window": "calendar"}
            for days in (3, 30)
        ]
    )  # fmt: skip
    assert needs(both, shop())[1] == 30
