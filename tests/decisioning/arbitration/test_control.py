from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from scipy import stats

from decisioning.arbitration import ArbitrationBook, ControlGroup
from decisioning.arbitration.control import Scope

Book = Callable[[str], ArbitrationBook]

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)
CUSTOMERS = [str(customer) for customer in range(20_000)]


def a_group(group_id: str, share: float, **more: object) -> ControlGroup:
    return ControlGroup.model_validate({"id": group_id, "scope": "global", "share": share} | more)


def members(group: ControlGroup) -> set[str]:
    return {customer for customer in CUSTOMERS if group.has(customer)}


def withheld(book: ArbitrationBook, customer: str | None) -> set[str]:
    control = book.control(customer, NOW)
    names = np.array(book.catalog.action_ids)
    return set(names[control.withheld].tolist())


@pytest.mark.parametrize("share", [0.5, 2.0, 10.0, 50.0])
def test_a_control_group_has_its_share_of_the_customers(share: float) -> None:
    found = len(members(a_group("spring", share)))
    assert stats.binomtest(found, len(CUSTOMERS), share / 100).pvalue > 1e-4


def test_a_share_of_nothing_holds_nobody() -> None:
    assert members(a_group("spring", 0)) == set()


def test_a_larger_share_keeps_everybody_who_was_in() -> None:
    assert members(a_group("spring", 2)) < members(a_group("spring", 5))


def test_another_id_deals_the_customers_anew() -> None:
    both = members(a_group("spring", 10)) & members(a_group("autumn", 10))
    assert stats.binomtest(len(both), len(CUSTOMERS), 0.01).pvalue > 1e-4


def test_the_same_salt_holds_the_same_customers() -> None:
    one, two = a_group("spring", 10, salt="2018"), a_group("autumn", 10, salt="2018")
    assert members(one) == members(two) != members(a_group("spring", 10))


def test_somebody_whom_nobody_recognises_is_in_no_control_group(book: Book) -> None:
    half = book("control_groups: [{id: a, scope: global, share: 50}]")
    assert withheld(half, None) == set()
    assert half.control(None, NOW).group is None


def test_a_group_begins_at_its_start_and_is_over_at_its_end() -> None:
    group = a_group("spring", 10, starts="2018-01-01", ends="2018-02-01T01:00:00+01:00")
    start, end, moment = (
        datetime(2018, 1, 1, tzinfo=UTC), datetime(2018, 2, 1, tzinfo=UTC), timedelta.resolution
    )  # fmt: skip
    assert group.is_active(start) and not group.is_active(start - moment)
    assert group.is_active(end - moment) and not group.is_active(end)
    assert group.is_active(start.astimezone(timezone(timedelta(hours=9))))


def test_a_group_without_dates_always_holds() -> None:
    assert a_group("spring", 10).is_active(NOW)


def test_only_marketing_that_is_not_mandatory_is_withheld(book: Book) -> None:
    half = book("control_groups: [{id: a, scope: global, share: 50}]")
    member = next(iter(sorted(members(half.file.control_groups[0]))))
    assert withheld(half, member) == {"coffee", "tea", "soap"}


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ("{issue: win_back}", {"coffee", "tea", "soap"}),
        ("{group: breakfast}", {"coffee", "tea"}),
        ("{action: tea}", {"tea"}),
    ],
)
def test_a_group_goes_without_its_scope_alone(book: Book, scope: str, gone: set[str]) -> None:
    half = book(f"control_groups: [{{id: a, scope: {scope}, share: 50}}]")
    group = half.file.control_groups[0]
    for customer in CUSTOMERS[:50]:
        inside = group.has(customer)
        assert withheld(half, customer) == (gone if inside else set())
        assert half.control(customer, NOW).group == ("a" if inside else None)


def test_of_several_groups_all_withhold_and_the_first_is_named(book: Book) -> None:
    two = book(
        "control_groups:\n"
        "  - {id: later, scope: global, share: 50, salt: s, starts: 2019-01-01}\n"
        "  - {id: tea, scope: {action: tea}, share: 50, salt: s}\n"
        "  - {id: coffee, scope: {action: coffee}, share: 50, salt: s}\n"
    )
    member = next(iter(sorted(members(two.file.control_groups[1]))))
    assert withheld(two, member) == {"tea", "coffee"}
    assert two.control(member, NOW).group == "tea"
    assert [group.id for group in two.control_groups_of(member, NOW)] == ["tea", "coffee"]


def test_the_verdicts_are_those_of_the_rows_asked_for(book: Book) -> None:
    half = book("control_groups: [{id: a, scope: {action: tea}, share: 50}]")
    member = next(iter(sorted(members(half.file.control_groups[0]))))
    rows = np.array([half.catalog.position[name] for name in ("tea", "coffee", "tea")])
    assert half.control(member, NOW, rows).withheld.tolist() == [True, False, True]


def test_a_scope_may_be_written_as_the_word_global() -> None:
    assert Scope.model_validate("global") == Scope(everywhere=True)
