"""Events that lead to decisions: each once, in time, with a reason where nothing comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from trigger_world import BASKET, Shop

from decisioning.ledger.leader import Leader
from decisioning.triggers import load_triggers
from features.errors import FeatureError, LedgerError, TriggerError
from serving.breaker import Breaker
from serving.outbox import Outbox
from serving.routes_health import degraded
from serving.triggering import delivery_id


@pytest.fixture
def shop(house: Any) -> Shop:
    return Shop(house)


def test_it_fires_once_per_event_and_not_before_its_time(shop: Shop) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.event("other", "page_view", "2", 0)
    for minutes in (1, 30, 59.9):
        assert shop.round(minutes)["delivered"] == 0
    assert shop.lines() == []
    assert shop.round(60)["delivered"] == 1
    for minutes in (61, 62, 500):
        assert shop.round(minutes)["delivered"] == 0
    (line,) = shop.lines()
    assert line["delivery_id"] == delivery_id("basket_left", "b1")
    assert (line["trigger_id"], line["event"]["event_id"]) == ("basket_left", "b1")
    decision = line["decision"]
    assert (decision["customer_id"], decision["logged"]) == ("1", "durable")
    assert decision["results"][0]["action_id"] == "tea"
    assert shop.parts.desk.ledger.decision(decision["decision_id"]).customer_id == "1"


def test_a_purchase_makes_it_pointless_only_after_the_event(shop: Shop) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.event("bought", "transaction", "1", 30)
    shop.event("b2", "basket", "2", 0)
    shop.event("before", "transaction", "2", -5)
    shop.event("somebody", "transaction", "3", 30)
    done = shop.round(60)
    assert (done["unless"], done["delivered"]) == (1, 1)
    assert [line["event"]["event_id"] for line in shop.lines()] == ["b2"]


def test_a_purchase_counts_only_within_its_time(shop: Shop) -> None:
    shop.write(BASKET.replace("[transaction]}", "[transaction], within_minutes: 10}"))
    shop.event("b1", "basket", "1", 0)
    shop.event("late", "transaction", "1", 30)
    assert shop.round(60)["delivered"] == 1


def test_a_customer_is_left_alone_for_a_while(shop: Shop) -> None:
    for number, minutes in enumerate((0, 5, 60 * 47, 60 * 49)):
        shop.event(f"b{number}", "basket", "1", minutes)
    for minutes in range(0, 60 * 51, 30):
        shop.round(minutes)
    # The first is decided after an hour, so nothing more is before two days and an hour.
    assert [line["event"]["event_id"] for line in shop.lines()] == ["b0", "b3"]


def test_the_cooldown_is_that_of_one_customer(shop: Shop) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.event("b2", "basket", "2", 0)
    assert shop.round(60)["delivered"] == 2


def test_an_event_of_an_absorbed_id_leads_to_one_decision_for_the_person(shop: Shop) -> None:
    shop.event("b1", "basket", "8", 0)
    shop.event("b2", "basket", "7", 1)
    shop.parts.desk.ledger.people.merge("8", "7", 0.0, "test").result(30)
    done = shop.round(61)
    assert (done["delivered"], done["cooldown"]) == (1, 1)
    (line,) = shop.lines()
    assert (line["event"]["event_id"], line["decision"]["customer_id"]) == ("b1", "7")
    # Told under the other id, it is still the same person who is left alone.
    shop.event("b3", "basket", "8", 70)
    assert shop.round(140)["cooldown"] == 1


def test_a_cooldown_from_before_a_merge_is_that_of_the_person(shop: Shop) -> None:
    shop.event("b1", "basket", "8", 0)
    assert shop.round(60)["delivered"] == 1
    shop.parts.desk.ledger.people.merge("8", "7", 0.0, "test").result(30)
    shop.event("b2", "basket", "7", 61)
    assert shop.round(121)["cooldown"] == 1


def test_what_makes_it_pointless_may_come_under_any_id_of_the_person(shop: Shop) -> None:
    shop.event("b1", "basket", "8", 0)
    shop.event("bought", "transaction", "7", 30)
    shop.parts.desk.ledger.people.merge("8", "7", 0.0, "test").result(30)
    assert shop.round(60)["unless"] == 1


def test_an_event_that_is_gone_late_or_of_nobody_leads_to_nothing(shop: Shop) -> None:
    shop.event("nobody", "basket", None, 0)
    shop.event("undone", "basket", "1", 0)
    shop.event("mistake", "undo", "1", 1, refers_to="undone")
    done = shop.round(60)
    assert (done["no_customer"], done["event_gone"], done["delivered"]) == (1, 1, 0)
    shop.event("old", "basket", "2", 61)
    shop.round(62)
    assert shop.round(61 + 60 + 24 * 60 + 1)["too_late"] == 1
    assert shop.lines() == []


def test_a_condition_sees_event_and_profile_and_a_missing_value_is_no_yes(shop: Shop) -> None:
    shop.write(BASKET.replace(
        "{types: [basket]}",
        "{types: [basket], when: 'event.amount > 20.0 && !known.profile.trips_91d'}",
    ))  # fmt: skip
    shop.event("dear", "basket", "1", 0, amount=30.0)
    shop.event("cheap", "basket", "2", 0, amount=3.0)
    shop.event("unknown", "basket", "3", 0)
    done = shop.round(60)
    assert (done["delivered"], done["when"]) == (1, 2)
    assert shop.lines()[0]["event"]["event_id"] == "dear"


def test_it_keeps_the_limits_of_everything_else(shop: Shop) -> None:
    shop.policies(
        "contact_policies:\n  - {id: w, at_most: 1, days: 7, per: all, "
        "words: {en: Limit, de: Grenze}}\n"
    )
    shop.write(BASKET.replace("cooldown_days: 2", "cooldown_days: 0"))
    shop.event("b1", "basket", "1", 0)
    shop.event("b2", "basket", "1", 1)
    done = shop.round(61)
    assert done["delivered"] == 1 and done["nothing:contacted_too_recently"] == 1


def test_it_waits_until_quiet_hours_are_over(shop: Shop) -> None:
    # It is 06:00 where the clock begins.
    shop.policies("quiet_hours:\n  - {id: q, begins: '21:00', ends: '08:00', "
                  "words: {en: Quiet, de: Ruhe}}\n")  # fmt: skip
    shop.event("b1", "basket", "1", 0)
    assert shop.round(60)["delivered"] == 0
    assert shop.round(119)["delivered"] == 0
    assert shop.round(120)["delivered"] == 1


def test_what_died_after_its_decision_delivers_the_same_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.round(1)
    deliveries = shop.parts.desk.ledger.deliveries
    with monkeypatch.context() as patch:
        patch.setattr(type(deliveries), "change", _dies)
        with pytest.raises(KeyError):
            shop.round(60)
    (first,) = shop.house.ledger.decisions_between(0, 4e9)
    # The trigger is edited meanwhile: what was decided stays decided.
    shop.write(BASKET.replace("channel: email", "channel: email\n    language: de"))
    shop.round(70)
    (line,) = shop.lines()
    assert line["decision"]["decision_id"] == first.decision_id
    assert line["decision"]["results"][0]["treatment"]["language"] == "en"
    assert len(list(shop.house.ledger.decisions_between(0, 4e9))) == 1


def _dies(*_: Any, **__: Any) -> None:
    raise KeyError("as if the process had died here")


def test_what_cannot_be_delivered_is_tried_again_and_less_often(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    shop.event("b1", "basket", "1", 0)
    tries = [minutes for minutes in range(60, 75) if shop.round(minutes)["decided"]]
    assert tries[0] == 60 and 3 <= len(tries) <= 6
    (tmp_path / "outbox").unlink()
    assert shop.round(200)["delivered"] == 1
    assert len(shop.lines()) == 1


def test_a_half_line_of_a_crash_is_cut_off(tmp_path: Path, shop: Shop) -> None:
    now, outbox = shop.start, Outbox(tmp_path / "box")
    outbox.append(b'{"a": 1}', now)
    (file,) = (tmp_path / "box").iterdir()
    with file.open("ab") as handle:
        handle.write(b'{"half')
    outbox.append(b'{"b": 2}', now)
    assert file.read_bytes() == b'{"a": 1}\n{"b": 2}\n'
    assert file.stat().st_mode & 0o077 == 0


def test_one_leads_and_the_next_one_follows(tmp_path: Path) -> None:
    first, second = Leader(str(tmp_path / "x.db")), Leader(str(tmp_path / "x.db"))
    assert first.leads() and first.leads()
    assert not second.leads()
    first.close()
    assert second.leads()
    second.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "types: [baskett]",
            ":4:18: triggers.basket_left.on.types.0: unknown event type 'baskett'",
        ),
        (
            "types: [basket], when: profile.nothing > 1.0",
            "undeclared reference to 'profile.nothing'",
        ),
        ("types: [basket], when: event.amount", "true or false"),
        ("types: [basket], when: action.cost > 1.0", "asks about an action"),
        ("types: []", "is empty"),
    ],
)
def test_a_fault_has_its_place(shop: Shop, wrong: str, said: str) -> None:
    path = shop.house.folder / "triggers.yaml"
    shop.write(BASKET.replace("types: [basket]", wrong))
    with pytest.raises(TriggerError) as told:
        load_triggers(path, shop.parts.engine.state.world.catalog)
    assert said in str(told.value) and str(path) in str(told.value)


def test_a_file_with_a_fault_leaves_the_former_triggers_in_force(shop: Shop) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.round(1)
    shop.write("triggers: [nonsense]\n")
    assert shop.round(60)["delivered"] == 1
    assert shop.triggering.file.trouble is not None
    parts = replace(shop.parts, triggering=shop.triggering)
    assert degraded(parts) == ["triggers_refused"]
    shop.write(BASKET)
    shop.round(61)
    assert degraded(parts) == []


@pytest.mark.parametrize("trouble", ["history", "take_decision"])
def test_what_falls_due_while_the_ledger_is_in_trouble_is_decided_afterwards(
    shop: Shop, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.policies("contact_policies:\n  - {id: w, at_most: 1, days: 7, per: all, "
                  "words: {en: Limit, de: Grenze}}\n")  # fmt: skip
    # What records refer to is stored with the first decision, or else none could be spooled.
    shop.event("b0", "basket", "2", -60)
    assert shop.round(1)["delivered"] == 1
    shop.event("b1", "basket", "1", 0)
    with monkeypatch.context() as patch:
        # A moment's trouble: what is looked up and noted otherwise works.
        patch.setattr(shop.parts.desk.ledger, trouble, _in_trouble)
        with pytest.raises(LedgerError):
            shop.round(60)
    shop.house.ledger.flush()
    assert shop.round(61)["delivered"] == 1
    line = shop.lines()[1]
    assert (line["event"]["event_id"], line["decision"]["customer_id"]) == ("b1", "1")
    assert line["decision"]["results"][0]["action_id"] == "tea"
    assert (line["decision"]["logged"], line["decision"]["degraded"]) == ("durable", [])


def test_what_falls_due_while_profiles_cannot_be_read_is_decided_with_them_afterwards(
    shop: Shop,
) -> None:
    shop.event("b1", "basket", "1", 0)
    shop.house.store.failure = FeatureError("Redis is gone")
    with pytest.raises(FeatureError, match="no decision is better"):
        shop.round(60)
    shop.house.store.failure = None
    shop.parts.engine.reader.breaker = Breaker(monotonic)
    assert shop.round(61)["delivered"] == 1
    assert shop.lines()[0]["decision"]["degraded"] == []


def _in_trouble(*_: Any) -> None:
    raise LedgerError("as if somebody else held it")
