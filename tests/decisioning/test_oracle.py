"""The oracle itself: it finds what is wrong with an answer, and nothing wrong with a good one."""

from datetime import date, time, timedelta
from random import Random

import pytest
from decision_oracle import Oracle
from generated_conditions import text_of, verdict
from generated_moments import random_case
from generated_world import Generated
from oracle_clock import day_begins, first_and_last, is_quiet, wall
from oracle_runs import shrink

SEED = 7


@pytest.fixture(scope="module")
def generated():
    return Generated.of(SEED)


@pytest.fixture(scope="module")
def cases(generated):
    return [random_case(Random(f"case {SEED} {at}"), generated.written) for at in range(300)]


def answered(generated, cases, results=1, removed=1):
    """Decisions with so many real results and removals, and their cases."""
    for case in cases:
        decision = generated.decide(case)
        real = [one for one in decision.results if one.action_id != "nothing"]
        if len(real) >= results and len(decision.removed) >= removed:
            yield case, decision


def test_random_worlds_answer_often_and_turn_down_at_every_stage():
    stages, full = set(), 0
    for seed in range(20, 40):
        world = Generated.of(seed)
        for at in range(50):
            decision = world.decide(random_case(Random(f"case {seed} {at}"), world.written))
            stages |= {one.stage for one in decision.removed}
            full += decision.results[0].action_id != "nothing"
    assert len(stages) == 10
    assert full > 300


def twice(decision):
    return decision._replace(results=(*decision.results, decision.results[0]))


def one_forgotten(decision):
    return decision._replace(removed=decision.removed[1:])


def let_through(decision):
    gone = next(one for one in decision.removed if one.stage not in ("request", "arbitration"))
    left = tuple(one for one in decision.removed if one is not gone)
    extra = decision.results[0]._replace(action_id=gone.action_id, rank=len(decision.results) + 1)
    return decision._replace(results=(*decision.results, extra), removed=left)


def upside_down(decision):
    turned = [one._replace(rank=at + 1) for at, one in enumerate(reversed(decision.results))]
    return decision._replace(results=tuple(turned))


def too_important(decision):
    first = decision.results[0]
    dearer = first._replace(priority=first.priority + 1e-9)
    return decision._replace(results=(dearer, *decision.results[1:]))


def nothing_at_all(decision):
    gone = tuple(
        decision.removed[0]._replace(action_id=one.action_id, stage="contact", reason="paused")
        for one in decision.results
    )
    empty = decision.results[0]._replace(action_id="nothing")
    return decision._replace(results=(empty,), removed=(*decision.removed, *gone))


def wrong_reason(decision):
    gone = decision.removed[0]._replace(reason="because")
    return decision._replace(removed=(gone, *decision.removed[1:]))


@pytest.mark.parametrize(
    "fault",
    [twice, one_forgotten, let_through, upside_down, too_important, nothing_at_all, wrong_reason],
)
def test_a_faulty_answer_is_found(generated, cases, fault):
    tried = 0
    for case, decision in answered(generated, cases, results=2, removed=2):
        stages = {one.stage for one in decision.removed}
        if case.request.channel in generated.written.arbitration.get("exploration", {}):
            continue
        if stages <= {"request", "arbitration"}:
            continue
        Oracle(generated, case).check(decision)
        with pytest.raises((AssertionError, KeyError)):
            Oracle(generated, case).check(fault(decision))
        tried += 1
    assert tried >= 3


def test_a_wrong_until_is_found(generated, cases):
    tried = 0
    for case in cases:
        decision = generated.decide(case)
        timed = [one for one in decision.removed if one.until is not None]
        for gone in timed[:1]:
            others = tuple(one for one in decision.removed if one is not gone)
            for until in (None, gone.until + timedelta(hours=1), gone.until - timedelta(seconds=1)):
                wrong = decision._replace(removed=(*others, gone._replace(until=until)))
                with pytest.raises(AssertionError):
                    Oracle(generated, case).check(wrong)
            tried += 1
    assert tried >= 5


def test_what_fails_is_made_smaller(generated, cases, monkeypatch):
    case = next(case for case, _ in answered(generated, cases) if case.history is not None)
    name = generated.decide(case).results[0].action_id
    decide = Generated.decide

    def forgetful(self, case, *rest):
        decision = decide(self, case, *rest)
        left = tuple(one for one in decision.results if one.action_id != name)
        return decision._replace(results=left or decision.results[:1], candidates=-1)

    monkeypatch.setattr(Generated, "decide", forgetful)
    smallest = shrink(generated, case)
    assert smallest.request.candidates is not None and len(smallest.request.candidates) == 1
    assert smallest.history.contacts == ()


def test_the_oracles_clock_knows_when_clocks_are_changed():
    berlin = "Europe/Berlin"
    gap = first_and_last(berlin, date(2024, 3, 31), time(2, 15))
    assert {wall(at, berlin) for at in gap} == {wall(gap[0], berlin)}
    assert wall(gap[0], berlin).time() == time(3)
    first, last = first_and_last(berlin, date(2024, 10, 27), time(2, 15))
    assert last - first == 3600
    lord_howe = "Australia/Lord_Howe"
    first, last = first_and_last(lord_howe, date(2024, 4, 7), time(1, 45))
    assert last - first == 1800
    assert day_begins(berlin, date(2024, 3, 31)) + 23 * 3600 == day_begins(berlin, date(2024, 4, 1))
    assert is_quiet("01:00", "02:30", [], last - 60, lord_howe)


def test_the_oracles_conditions_know_what_is_missing():
    known, less = ("known", "profile.trips_91d"), ("profile.trips_91d", "<", 2.0)
    tree = ("or", ("not", known), less)
    assert text_of(tree) == "(!(known.profile.trips_91d)) || (profile.trips_91d < 2.0)"
    assert verdict(tree, {}) is True
    assert verdict(less, {}) is None
    assert verdict(("and", less, ("not", ("known", "x"))), {}) is None
    assert verdict(("and", less, ("known", "x")), {}) is False
