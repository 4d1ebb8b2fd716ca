"""When the newest model cannot be used the last good one answers, and every answer says so."""

from __future__ import annotations

from typing import Any

from decisioning.history import NO_HISTORY
from decisioning.request import DecisionRequest
from features.errors import ModelError
from serving.following import Followed


def refuse() -> str:
    raise ModelError("bundle: damaged")


def test_what_cannot_be_loaded_at_first_is_replaced_by_the_former() -> None:
    followed = Followed("model", lambda: 1, refuse, lambda: "former")
    assert followed.look()
    assert followed.value == "former" and followed.trouble is not None
    assert not followed.look()


def test_what_cannot_be_loaded_later_leaves_what_is_there() -> None:
    stamps, loads = iter((1, 2)), iter((lambda: "first", refuse))
    followed = Followed("model", lambda: next(stamps), lambda: next(loads)(), lambda: "former")
    assert followed.look() and not followed.look()
    assert followed.value == "first" and followed.trouble is not None


def test_where_the_former_is_no_better_there_is_nothing() -> None:
    followed = Followed("model", lambda: 1, refuse, refuse)
    assert not followed.look()
    assert followed.value is None


def test_answers_of_the_last_good_model_say_so(house: Any) -> None:
    engine = house.engine()
    former, question = house.model, DecisionRequest("007", "advisor", "advisor")
    assert engine.answer(question, NO_HISTORY).decision.degraded == ()
    house.model, house.model_stamp = None, 1
    engine.refresh()
    assert engine.model.value is former
    assert engine.answer(question, NO_HISTORY).decision.degraded == ("model_refused",)
    assert engine.degraded() == ["model_refused"]
