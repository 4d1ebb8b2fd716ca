"""The circuit breaker opens, rests, tries once and closes again; checked against a plain model."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.breaker import FAILURES, REST_SECONDS, SHARE, WINDOW, Breaker


@dataclass
class Hands:
    """A breaker with a clock that is turned by hand."""

    now: float = 100.0
    turns: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = Breaker(lambda: self.now, self.turns.append)

    def try_with(self, ok: bool) -> bool:
        """Ask and tell; return whether it was let through."""
        ticket = self.breaker.ask()
        if ticket is None:
            return False
        self.breaker.tell(ticket, ok)
        return True

    def opened(self) -> Hands:
        for _ in range(FAILURES):
            assert self.try_with(False)
        assert self.breaker.state == "open"
        return self


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.mark.parametrize("answers", list(product((True, False), repeat=5)))
def test_three_failures_in_a_row_open_it_and_nothing_less(
    hands: Hands, answers: tuple[bool, ...]
) -> None:
    in_a_row = 0
    for ok in answers:
        assert hands.try_with(ok)
        in_a_row = 0 if ok else in_a_row + 1
        if in_a_row == FAILURES:
            assert hands.breaker.state == "open"
            return
        assert hands.breaker.state == "closed"


def test_half_of_the_last_twenty_open_it(hands: Hands) -> None:
    for number in range(WINDOW - 1):
        assert hands.try_with(number % 2 == 0)
        assert hands.breaker.state == "closed"
    hands.try_with(False)
    assert hands.breaker.state == "open"


def test_fewer_than_half_of_the_last_twenty_do_not(hands: Hands) -> None:
    for number in range(10 * WINDOW):
        assert hands.try_with(number % 3 != 0)
    assert hands.breaker.state == "closed"


def test_while_it_rests_nothing_is_let_through(hands: Hands) -> None:
    hands.opened()
    for _ in range(5):
        assert not hands.try_with(True)
    hands.now += REST_SECONDS - 1e-6
    assert not hands.try_with(True)
    assert hands.breaker.state == "open"


def test_after_the_rest_exactly_one_is_let_through(hands: Hands) -> None:
    hands.opened().now += REST_SECONDS
    ticket = hands.breaker.ask()
    assert ticket is not None and hands.breaker.state == "half_open"
    assert [hands.breaker.ask() for _ in range(5)] == [None] * 5


def test_a_trial_that_succeeds_closes_it_with_nothing_held_against_it(hands: Hands) -> None:
    hands.opened().now += REST_SECONDS
    assert hands.try_with(True)
    assert hands.breaker.state == "closed"
    for _ in range(FAILURES - 1):
        hands.try_with(False)
    assert hands.breaker.state == "closed"
    assert hands.turns == ["open", "half_open", "closed"]


def test_a_trial_that_fails_makes_it_rest_as_long_again(hands: Hands) -> None:
    hands.opened().now += REST_SECONDS
    assert hands.try_with(False)
    assert hands.breaker.state == "open"
    hands.now += REST_SECONDS - 1e-6
    assert not hands.try_with(True)
    hands.now += 1e-6
    assert hands.try_with(True)
    assert hands.breaker.state == "closed"


def test_a_trial_that_never_comes_back_does_not_block_the_next(hands: Hands) -> None:
    hands.opened().now += REST_SECONDS
    lost = hands.breaker.ask()
    hands.now += REST_SECONDS
    assert hands.try_with(True)
    assert lost is not None
    hands.breaker.tell(lost, False)
    assert hands.breaker.state == "closed"


def test_a_trial_that_was_given_up_for_another_reason_is_made_again_at_once(hands: Hands) -> None:
    hands.opened().now += REST_SECONDS
    ticket = hands.breaker.ask()
    assert ticket is not None
    hands.breaker.forget(ticket)
    assert hands.breaker.state == "open"
    assert hands.try_with(True)
    assert hands.breaker.state == "closed"


def test_what_was_asked_before_it_opened_has_no_say_any_more(hands: Hands) -> None:
    early = [hands.breaker.ask() for _ in range(FAILURES + 2)]
    for ticket in early[:FAILURES]:
        assert ticket is not None
        hands.breaker.tell(ticket, False)
    for ticket in early[FAILURES:]:
        assert ticket is not None
        hands.breaker.tell(ticket, True)
    assert hands.breaker.state == "open"


def test_forgetting_while_it_is_closed_changes_nothing(hands: Hands) -> None:
    for _ in range(10):
        ticket = hands.breaker.ask()
        assert ticket is not None
        hands.breaker.forget(ticket)
    assert hands.breaker.state == "closed"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from((0.0, 0.5, 4.0, 10.0))), max_size=120))
def test_it_does_what_a_plain_model_of_it_does(steps: list[tuple[bool, float]]) -> None:
    hands = Hands()
    open_until: float | None = None
    told: list[bool] = []
    for ok, seconds in steps:
        hands.now += seconds
        resting = open_until is not None and hands.now < open_until
        assert hands.try_with(ok) is not resting
        if resting:
            continue
        if open_until is not None:
            open_until, told = (None, []) if ok else (hands.now + REST_SECONDS, [])
        else:
            told.append(ok)
            last = told[-WINDOW:]
            broken = told[-FAILURES:] == [False] * FAILURES
            if broken or (len(last) == WINDOW and last.count(False) >= SHARE * WINDOW):
                open_until, told = hands.now + REST_SECONDS, []
        assert (hands.breaker.state == "open") is (open_until is not None)
