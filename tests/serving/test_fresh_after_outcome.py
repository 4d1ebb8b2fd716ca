"""From a stored outcome to the profile that the next decision reads, with the real parts."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ledger_rows import ACTIONS, decision, outcome
from live_world import LiveHome, live_home

from decisioning.history import NO_HISTORY
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger
from decisioning.request import DecisionRequest
from features.calendar import Calendar
from features.live_events import live_events, with_events
from features.parity import differences
from serving.app import create_app
from serving.parity import compare
from serving.refreshing import Refreshing
from serving.settings import Settings
from serving.start import open_refresher

with warnings.catch_warnings():
    # It warns that it will use another HTTP client one day.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


class Listener:
    """Notes which customers and which events the routes tell of."""

    def __init__(self) -> None:
        self.customers: list[str] = []
        self.events: list[str] = []

    def touched(self, customer_ids: Any) -> None:
        self.customers += customer_ids

    def happened(self, event_ids: Any) -> None:
        self.events += event_ids

    def degraded(self) -> list[str]:
        return ["refresh_failed"]


def refreshing_of(home: LiveHome, ledger: Ledger) -> Refreshing:
    settings = Settings(home=home.path)
    refresher = open_refresher(settings, home.clock, Calendar(), ledger)
    return Refreshing(refresher, ledger.events.newest, ledger.events.customers, 0.02)


def report(home: LiveHome, ledger: Ledger, event_id: str, kind: str) -> None:
    at = home.clock.now().timestamp() - 1.0
    decided = decision("d1", decided_at=at - 5, customer_id="007", actions=ACTIONS)
    ledger.log_decision(decided).result(10)
    told = outcome(event_id, kind, occurred_at=at)
    assert ledger.store_outcomes([told], at).result(10) == ["stored"]


def wait_for(home: LiveHome, feature: str, value: float) -> None:
    at = home.store.layout.scalars.index(feature)
    give_up = time.monotonic() + 60
    while home.store.online("007").vectors[0, at] != value:
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_an_outcome_is_in_the_profile_soon_after_it_was_stored(tmp_path: Path) -> None:
    home = live_home(tmp_path)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        refreshing = refreshing_of(home, ledger)
        refreshing.start()
        report(home, ledger, "e1", "presented")
        report(home, ledger, "e2", "refused")
        refreshing.happened(["e1", "e2"])
        wait_for(home, "refused_all", 2.0)
        refreshing.close()
        assert home.store.online("007").profile_at[0] == home.clock.now().timestamp()


def test_a_process_that_died_before_the_refresh_is_made_up_for(tmp_path: Path) -> None:
    home = live_home(tmp_path)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        report(home, ledger, "e1", "presented")
        report(home, ledger, "e2", "refused")
        refreshing = refreshing_of(home, ledger)
        refreshing.start()
        wait_for(home, "refused_all", 2.0)
        refreshing.close()


def test_the_parity_report_finds_what_is_not_refreshed_yet_and_nothing_else(
    tmp_path: Path,
) -> None:
    home = live_home(tmp_path)
    settings = Settings(home=home.path)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        same = compare(settings, Calendar(), ledger.events, 10, seed=1)
        assert (same.customers, same.missing, same.differences) == (4, 0, ())
        refresher = open_refresher(settings, home.clock, Calendar(), ledger)
        report(home, ledger, "e1", "presented")
        refresher.now(["007"])
        assert compare(settings, Calendar(), ledger.events, 10, seed=1).differences == ()
        report(home, ledger, "e2", "accepted")
        stale = compare(settings, Calendar(), ledger.events, 1, seed=1)
        assert {one.customer_id for one in stale.differences} == {"007"}
        assert "accepted_all" in {one.feature for one in stale.differences}
        assert "accepted_all" in "\n".join(map(str, stale.differences))
        refresher.close()


def test_the_ledger_and_a_build_agree_about_every_event(tmp_path: Path) -> None:
    home = live_home(tmp_path)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        report(home, ledger, "e1", "presented")
        open_refresher(Settings(home=home.path), home.clock, Calendar(), ledger).now(["007"])
        home.events = list(ledger.events.between())
    online = home.online(["007"])
    assert [row.type for row in home.events] == ["presented"]
    assert differences(online, home.offline(online)) == []
    touches = with_events(home.tables(), live_events(home.events)).touchpoints.to_pyarrow()
    assert touches["touchpoint_id"].to_pylist().count("e1") == 1


def test_the_route_of_outcomes_tells_of_what_was_stored_and_of_nothing_else(
    house: Any, advisor: dict[str, str]
) -> None:
    listener = Listener()
    parts = replace(house.parts(), refreshing=listener)
    with TestClient(create_app(parts)) as client:
        question = {"customer_id": "1", "channel": "web", "durable": True}
        decided = client.post("/v1/next-best-actions", json=question, headers=advisor).json()
        told = {
            "event_id": "e1",
            "decision_id": decided["decision_id"],
            "action_id": decided["results"][0]["action_id"],
            "outcome": "presented",
        }
        items = [told, told, told | {"event_id": "e2", "action_id": "?"}]
        early = told | {"event_id": "e3", "decision_id": "not-yet"}
        client.post("/v1/outcomes", json=[*items, early], headers=advisor)
        # Whose the early one is nobody knows before its decision is there.
        assert (listener.customers, listener.events) == (["1"], ["e3"])
        assert "refresh_failed" in client.get("/readyz").json()["degraded"]


def test_a_profile_of_a_machine_whose_clock_is_ahead_is_used(house: Any) -> None:
    engine = house.engine()
    house.store.profile_at = engine.clock.now() + timedelta(seconds=0.25)
    answer = engine.answer(DecisionRequest("1"), NO_HISTORY)
    assert answer.decision.degraded == ()
    assert answer.decision.decided_at > house.store.profile_at
    house.store.profile_at = engine.clock.now() + timedelta(seconds=60)
    answer = engine.answer(DecisionRequest("1"), NO_HISTORY)
    assert "profile_from_the_future" in answer.decision.degraded
