from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from decisioning.arbitration import ArbitrationBook, Switches, evidence_of
from decisioning.catalog import Catalog
from decisioning.fault import Faults
from decisioning.request import ContextEntry

Book = Callable[[str], ArbitrationBook]

CANCELLATION = ContextEntry("intent", "reason", "cancellation")
BAD = ContextEntry("journey", "experience", "bad")
WEIGHTS = """
context_weights:
  - {type: intent, key: reason, value: cancellation, issue: win_back, weight: 100}
  - {type: journey, key: experience, value: bad, issue: service, weight: 900}
  - {type: journey, key: experience, value: bad, issue: win_back, weight: -50}
  - {type: journey, key: experience, value: bad, group: breakfast, weight: -60}
  - {type: journey, key: experience, value: good, action: tea, weight: 20}
"""


def by_action(book: ArbitrationBook, values: np.ndarray) -> dict[str, float]:
    return dict(zip(book.catalog.action_ids, values.tolist(), strict=True))


def test_levers_of_issue_group_and_action_are_added(book: Book) -> None:
    levers = book(
        "levers: {issues: {win_back: 20}, groups: {breakfast: 30}, actions: {coffee: 5, soap: -90}}"
    )
    assert by_action(levers, levers.lever) == pytest.approx(
        {"coffee": 1.55, "tea": 1.5, "soap": 0.3, "call_back": 1.0, "safety_recall": 1.0}
    )


def test_a_book_refuses_a_file_of_another_catalog(book: Book) -> None:
    with pytest.raises(Faults, match="unknown issue"):
        book("levers: {issues: {upsell: 1}}")


def test_everything_is_neutral_without_a_word_in_the_file(book: Book) -> None:
    empty, everybody = book(""), np.arange(5)
    assert empty.switches == Switches()
    assert set(empty.lever) == {1.0} and set(empty.context_weights([CANCELLATION])) == {1.0}
    assert not empty.minimum_propensity.any() and not empty.minimum_priority.any()
    assert empty.reach(np.zeros(5), everybody, None, "outbound").all()
    assert empty.exploration_for("web").kind == "none"
    assert empty.diversity.per_group is None and empty.diversity.per_issue is None
    assert empty.smoothed(np.full(5, 0.3), np.zeros(5), everybody).tolist() == [0.3] * 5


def test_switches_come_from_the_file(book: Book) -> None:
    assert book("factors: {value: false}").switches == Switches(value=False)


def test_a_cancellation_doubles_what_wins_back(book: Book) -> None:
    weighted = book(WEIGHTS)
    weights = by_action(weighted, weighted.context_weights([CANCELLATION]))
    assert weights["coffee"] == weights["soap"] == 2.0
    assert weights["call_back"] == weights["safety_recall"] == 1.0


def test_weights_of_all_facts_are_added_and_a_fact_counts_once(book: Book) -> None:
    weighted = book(WEIGHTS)
    weights = by_action(weighted, weighted.context_weights([CANCELLATION, BAD, BAD]))
    assert weights["soap"] == pytest.approx(1.5)
    assert weights["coffee"] == pytest.approx(0.9)
    assert weights["call_back"] == pytest.approx(10.0)


def test_a_context_weight_never_falls_below_its_floor(book: Book) -> None:
    weighted = book(WEIGHTS)
    assert by_action(weighted, weighted.context_weights([BAD]))["tea"] == 0.01


@pytest.mark.parametrize("field", ["type", "key", "value"])
def test_a_fact_must_match_in_type_key_and_value(book: Book, field: str) -> None:
    other = ContextEntry(**{**vars(BAD), field: "else"})
    assert set(book(WEIGHTS).context_weights([other])) == {1.0}


def test_no_decision_can_change_the_arrays_of_the_next(book: Book) -> None:
    one = book("")
    for array in (one.lever, one.context_weights([]), one.minimum_priority):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2.0


def test_the_threshold_of_the_group_counts_before_that_of_the_issue(book: Book) -> None:
    least = book(
        "thresholds: {propensity: 0.1, "
        "priority: {everywhere: 1, issues: {win_back: 2}, groups: {care: 0.5}}}"
    )
    assert set(least.minimum_propensity) == {0.1}
    assert by_action(least, least.minimum_priority) == {
        "coffee": 2.0, "tea": 2.0, "soap": 0.5, "call_back": 1.0, "safety_recall": 1.0,
    }  # fmt: skip


def test_smoothing_is_the_published_formula(book: Book) -> None:
    smoothing = book("smoothing: {start_propensity: 0.30, start_evidence: 50}")
    evidence = np.array([0.0, 49.0, 1e9])
    believed = smoothing.smoothed(np.full(3, 0.1), evidence, np.array([1, 1, 1]))
    assert believed == pytest.approx([50 / 51 * 0.3, 0.5 * 0.3 + 0.49 * 0.1, 0.1])


def test_groups_and_actions_may_start_elsewhere(book: Book) -> None:
    smoothing = book(
        "smoothing: {start_propensity: 0.3, start_evidence: 99, "
        "groups: {breakfast: 0.2}, actions: {tea: 0.1}}"
    )
    believed = smoothing.smoothed(np.zeros(5), np.zeros(5), np.arange(5))
    assert by_action(smoothing, believed) == pytest.approx(
        {"coffee": 0.198, "tea": 0.099, "soap": 0.297, "call_back": 0.297, "safety_recall": 0.297}
    )


def test_evidence_of_an_unseen_action_is_nothing(shop: Catalog) -> None:
    evidence = evidence_of({"tea": 7, "gone": 3}, shop)
    assert dict(zip(shop.action_ids, evidence, strict=True))["tea"] == 7.0
    assert evidence.sum() == 7.0


def reached(
    book: ArbitrationBook, name: str, evidence: float, customers: int = 20_000
) -> np.ndarray:
    action = np.array([book.catalog.position[name]])
    seen = np.array([evidence])
    return np.array([book.reach(seen, action, str(one), "outbound")[0] for one in range(customers)])


@pytest.mark.parametrize(("evidence", "share"), [(0, 0.02), (50, 0.265), (100, 0.51)])
def test_a_young_action_reaches_its_share_of_the_customers(
    book: Book, evidence: float, share: float
) -> None:
    found = int(reached(book("ramp: {}"), "coffee", evidence).sum())
    assert stats.binomtest(found, 20_000, share).pvalue > 1e-4


def test_whom_an_action_has_reached_it_reaches_again_when_it_is_older(book: Book) -> None:
    ramp = book("ramp: {}")
    young, older = (reached(ramp, "coffee", evidence, 2_000) for evidence in (20, 60))
    assert (young <= older).all() and young.sum() < older.sum()


def test_two_young_actions_reach_different_customers(book: Book) -> None:
    ramp = book("ramp: {}")
    both = reached(ramp, "coffee", 100) & reached(ramp, "tea", 100)
    assert stats.binomtest(int(both.sum()), 20_000, 0.51**2).pvalue > 1e-4


def test_a_ramp_holds_back_only_young_marketing_that_a_model_scores(book: Book) -> None:
    ramp = book("ramp: {floor: 0}")
    held = ~ramp.reach(np.zeros(5), np.arange(5), None, "outbound")
    assert {name for name, is_held in by_action(ramp, held).items() if is_held} == {"coffee", "tea"}
    assert ramp.reach(np.full(5, 200.0), np.arange(5), None, "outbound").all()
    assert ramp.reach(np.zeros(5), np.arange(5), "1", "inbound").all()
