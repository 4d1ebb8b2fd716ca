from __future__ import annotations

import numpy as np
import pytest
from policy_world import DAY, HOUR, NOW, judge_contacts, limit, met, turned_down

from decisioning.history import Contact

NOON = NOW.timestamp()
PAUSE = limit(per="action", counts=["refused"], at_least=2, days=30, pause_days=60)


def refused(days_ago: float, action_id: str = "bread") -> Contact:
    return met(action_id, NOON - days_ago * DAY, "refused")


def test_a_refused_action_is_paused_from_the_second_refusal_on() -> None:
    assert turned_down(judge_contacts(PAUSE, [refused(5)])) == set()
    judged = judge_contacts(PAUSE, [refused(5), refused(1)])
    assert turned_down(judged) == {"bread"}
    assert judged.until[0] == NOON + 59 * DAY


def test_the_pause_goes_on_when_the_refusals_have_left_the_window() -> None:
    assert turned_down(judge_contacts(PAUSE, [refused(80), refused(59)])) == {"bread"}


def test_the_pause_is_over_at_the_exact_moment() -> None:
    contacts = [refused(61), refused(60)]
    assert turned_down(judge_contacts(PAUSE, contacts, NOON)) == set()
    assert turned_down(judge_contacts(PAUSE, contacts, NOON - 0.001)) == {"bread"}


@pytest.mark.parametrize(("apart", "paused"), [(30 * DAY, False), (30 * DAY - 0.001, True)])
def test_refusals_count_together_only_within_the_window(apart: float, paused: bool) -> None:
    contacts = [refused(1)._replace(at=NOON - DAY - apart), refused(1)]
    assert (turned_down(judge_contacts(PAUSE, contacts)) == {"bread"}) is paused


def test_a_later_refusal_within_the_window_begins_the_pause_anew() -> None:
    judged = judge_contacts(PAUSE, [refused(40), refused(35), refused(10)])
    assert judged.until[0] == NOON + 50 * DAY


def test_a_later_refusal_alone_does_not_prolong_the_pause() -> None:
    judged = judge_contacts(PAUSE, [refused(55), refused(50), refused(1)])
    assert judged.until[0] == NOON + 10 * DAY


def test_refusals_of_other_actions_do_not_count_but_those_of_a_group_do() -> None:
    contacts = [refused(3, "milk"), refused(2, "cheese")]
    assert turned_down(judge_contacts(PAUSE, contacts)) == set()
    group = limit(per="group", counts=["refused"], at_least=2, days=30, pause_days=60)
    assert turned_down(judge_contacts(group, contacts)) == {"milk", "cheese"}


def test_a_pause_after_presentations_leaves_the_places_until_it_begins() -> None:
    file = limit(at_least=2, days=7, pause_days=3)
    (left,) = judge_contacts(file, [met(when=NOON - HOUR)]).limits
    assert left.remaining == 1
    judged = judge_contacts(file, [met(when=NOON - HOUR), met(when=NOON)])
    assert (judged.until[0], judged.limits) == (NOON + 3 * DAY, ())


def test_after_a_pause_that_is_shorter_than_its_window_there_is_one_place() -> None:
    file = limit(at_least=2, days=30, pause_days=3)
    contacts = [met(when=NOON - days * DAY) for days in (6, 5)]
    (left,) = judge_contacts(file, contacts).limits
    assert left.remaining == 1


def test_a_pause_by_reserved_places_may_end_when_they_lapse() -> None:
    file = limit(at_least=2, days=7, pause_days=3)
    shown, reserved = met(when=NOON - DAY), met(when=NOON, reserved_until=NOON + 60)
    judged = judge_contacts(file, [shown, reserved])
    assert judged.until[0] == NOON + 60
    assert np.isnan(judge_contacts(file, [shown, reserved], NOON + 60).until[0])
