"""Every candidate is left or gone exactly once, and the funnel counts add up."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from decisioning.decision import STAGES, Decision, Removed, Versions
from decisioning.funnel import Funnel
from decisioning.gone import Gone, Grounds

IDS = ("coffee", "eggs", "pasta", "tea")


@pytest.fixture
def funnel() -> Funnel:
    return Funnel(Gone(IDS), np.array([0, 2, 3]), [])


def test_everything_is_left_at_first(funnel: Funnel) -> None:
    assert funnel.rows.tolist() == [0, 1, 2]
    assert [funnel.name(row) for row in funnel.rows] == ["coffee", "pasta", "tea"]
    assert funnel.removed == []


def test_rows_of_a_mask_go_for_one_reason(funnel: Funnel) -> None:
    funnel.turn_down(np.array([True, False, True]), "catalog", "enabled", "disabled")
    assert funnel.rows.tolist() == [1]
    assert funnel.removed == [
        Removed("coffee", "catalog", "", "enabled", "disabled"),
        Removed("tea", "catalog", "", "enabled", "disabled"),
    ]


def test_what_is_gone_does_not_go_again(funnel: Funnel) -> None:
    funnel.turn_down(np.array([True, False, False]), "request", "excluded", "excluded")
    funnel.turn_down(np.ones(3, dtype=bool), "catalog", "enabled", "disabled")
    told = [(one.action_id, one.reason) for one in funnel.removed]
    assert told == [("coffee", "excluded"), ("pasta", "disabled"), ("tea", "disabled")]


def test_a_row_that_fails_by_several_grounds_is_told_the_first(funnel: Funnel) -> None:
    first = Grounds("eligibility", "eligibility", "lapsed", "not_eligible")
    second = Grounds("eligibility", "eligibility", "open_case", "no_case")
    funnel.turn_down_one(1, "contact", "cap", "paused")
    failed = np.array([[False, True, True], [True, True, True]])
    entries = [Gone(IDS).of(*one) for one in (first, second)]
    funnel.turn_down_first(failed, entries)
    told = [(one.action_id, one.policy_id) for one in funnel.removed]
    assert told == [("pasta", "cap"), ("tea", "lapsed"), ("coffee", "open_case")]
    assert not len(funnel.rows)
    funnel.turn_down_first(failed, entries)
    assert len(funnel.removed) == 3


def test_the_end_of_a_reason_is_told_in_utc_where_it_is_known(funnel: Funnel) -> None:
    funnel.turn_down_one(0, "contact", "cap", "paused", until=86_400.0)
    funnel.turn_down_one(1, "eligibility", "rule", "no", tier="eligibility")
    assert [one.until for one in funnel.removed] == [datetime(1970, 1, 2, tzinfo=UTC), None]
    assert [one.tier for one in funnel.removed] == ["", "eligibility"]


def test_whatever_order_rows_are_turned_down_in_each_is_gone_once_or_left() -> None:
    random = np.random.default_rng(11)
    for _ in range(200):
        size = int(random.integers(0, 12))
        names = tuple(f"a{number}" for number in range(size))
        funnel = Funnel(Gone(names), np.arange(size), [])
        for stage in STAGES:
            funnel.turn_down(random.random(size) < 0.2, stage, "p", "r")
        told = [one.action_id for one in funnel.removed]
        assert len(told) == len(set(told))
        assert sorted([*told, *(funnel.name(row) for row in funnel.rows)]) == sorted(names)


def test_the_counts_of_a_decision_go_down_stage_by_stage() -> None:
    removed = (
        Removed("a", "request", "", "excluded", "excluded"),
        Removed("b", "contact", "", "cap", "paused"),
        Removed("c", "contact", "", "cap", "paused"),
        Removed("d", "arbitration", "", "max_results", "outranked"),
    )
    decision = Decision(
        "d", datetime(2018, 1, 1, tzinfo=UTC), (), removed, Versions("", "", "", ""), candidates=6
    )
    counts = {one.stage: (one.entered, one.removed) for one in decision.funnel}
    assert tuple(counts) == STAGES
    assert counts["request"] == (6, 1)
    assert counts["catalog"] == counts["suitability"] == (5, 0)
    assert counts["contact"] == (5, 2)
    assert counts["scoring"] == (3, 0)
    assert counts["arbitration"] == (3, 1)


def test_rows_go_each_for_its_own_grounds_the_first_grounds_first(funnel: Funnel) -> None:
    first, second = Grounds("eligibility", "", "a", "x"), Grounds("eligibility", "", "b", "y")
    funnel.turn_down(np.array([False, True, False]), "catalog", "enabled", "disabled")
    funnel.turn_down_each(np.array([1, 0, 0]), (first, second))
    told = [(one.action_id, one.policy_id) for one in funnel.removed]
    assert told == [("pasta", "enabled"), ("tea", "a"), ("coffee", "b")]
    assert not funnel.alive.any()
