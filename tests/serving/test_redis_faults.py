"""A real Redis that is stopped, frozen, slow or emptied costs quality for a while, never an answer.

The breaker's clock is turned by hand, so that nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from profile_world import (
    BY_PRIORS,
    CATALOG,
    FULL,
    NOW,
    POLICIES,
    REPO,
    build_features,
    materialized,
    promote_model,
    warmed,
)
from redis_world import RedisServer, SlowWire, running_redis

from decisioning.configuration import load_configuration
from decisioning.ledger.open import open_ledger
from decisioning.propensity import Model
from features.calendar import Calendar
from features.clock import FixedClock
from features.places import Places
from features.store import open_store
from serving.app import create_app
from serving.breaker import FAILURES, REST_SECONDS, Breaker
from serving.desk import Desk
from serving.engine import Engine
from serving.keys import KeyRing, create_key
from serving.metrics import Metrics
from serving.operations import Parts
from serving.profile_reader import ProfileReader
from serving.recognition import Recognition
from serving.refilling import Refilling
from serving.settings import Settings
from serving.start import identity_key
from serving.state import Sources

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

READ_MS = 50.0
PATIENCE_S = 180.0
BLIND = {"features_unavailable", "priors"}


@dataclass
class House:
    """A service in this process over a real Redis."""

    client: TestClient
    headers: dict[str, str]
    engine: Engine
    server: RedisServer
    wire: SlowWire
    home: Path
    reads: Counter[str] = field(default_factory=Counter)
    now: float = 0.0

    def ask(self, customer_id: str = "007") -> tuple[list[str], set[str]]:
        """Return the actions and what is degraded; the answer is always there."""
        question = {"customer_id": customer_id, "channel": "advisor"}
        answer = self.client.post("/v1/next-best-actions", json=question, headers=self.headers)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [one["action_id"] for one in body["results"]], set(body["degraded"])

    def put_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the service look after its store until nothing is missed; a real child fills it."""
        monkeypatch.setenv("NBA_HOME", str(self.home))
        monkeypatch.setenv("NBA_ONLINE_STORE", self.server.url)
        refilling = Refilling(self.engine, self.home)
        refilling.look()
        assert self.engine.reader.lost
        assert self.ask() == (BY_PRIORS, BLIND)
        told = "profiles are lost, and are put back", 0.0
        assert self.state == told
        until = monotonic() + PATIENCE_S
        # What is back is seen before the child has ended, and a child has to be waited for.
        while (self.engine.reader.lost or refilling._child is not None) and monotonic() < until:
            sleep(0.1)
            refilling.look()
        assert not self.engine.reader.lost and refilling._child is None

    def ask_until_full(self) -> None:
        """Ask, resting in between, until the answer is full: it has to become so by itself."""
        for _ in range(50):
            self.now += REST_SECONDS
            if self.ask() == (FULL, set()):
                return
        raise AssertionError(f"still degraded: {self.ask()}, {self.reads}")

    @property
    def state(self) -> tuple[str, float]:
        """The breaker as it is told in /readyz and in the counters."""
        detail = self.client.get("/readyz").json()["checks"]["features"]["detail"]
        text = self.client.get("/metrics", headers=self.headers).text
        (line,) = [one for one in text.splitlines() if one.startswith("nba_breaker_state{")]
        return detail, float(line.split()[-1])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return promote_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    build_features(tmp_path_factory.mktemp("tables"), home)
    return home


@pytest.fixture
def server(built: Path) -> Iterator[RedisServer]:
    with running_redis() as running:
        materialized(built, Places(online=running.url))
        yield running


@pytest.fixture
def house(
    built: Path, server: RedisServer, model: Model, tmp_path: Path, monkeypatch: Any
) -> Iterator[House]:
    monkeypatch.setenv("NBA_HOME", str(tmp_path))
    # Recovery is told by answers, not by how soon popularity is read again.
    monkeypatch.setattr("serving.engine._OPEN_AGAIN_S", 0.0)
    (tmp_path / "actions.yaml").write_text(CATALOG)
    (tmp_path / "policies.yaml").write_text(POLICIES)
    with SlowWire(server.port).open() as wire, open_ledger(tmp_path / "ledger.db") as ledger:
        places = Places(online=server.url_at(wire.port), read_ms=READ_MS)
        sources = Sources(
            configuration_stamp=lambda: None,
            load_configuration=lambda: load_configuration(tmp_path / "actions.yaml"),
            model_name="adoption",
            model_stamp=lambda: None,
            load_model=lambda: model,
            layout_file=built / "features" / "layout.json",
            open_store=lambda: warmed(open_store(built, REPO, places)),
        )
        reads: Counter[str] = Counter()
        metrics = Metrics()
        metrics.breaker("features", "closed")
        made: list[House] = []
        breaker = Breaker(
            lambda: made[0].now if made else 0.0, lambda s: metrics.breaker("features", s)
        )
        reader = ProfileReader(READ_MS / 1_000, breaker, lambda result: reads.update([result]))
        engine = Engine(sources, FixedClock(NOW), Calendar("UTC"), reader)
        key = create_key(tmp_path / "keys.json", ("decide:advisor", "read"), NOW)
        settings = Settings(home=tmp_path)
        desk = Desk(engine, ledger, seconds=30.0)
        recognition = Recognition(desk, identity_key(settings), tmp_path / "identity.yaml")
        keys = KeyRing(settings.keys_path)
        parts = Parts(settings, engine, desk, keys, metrics, recognition)
        with TestClient(create_app(parts), raise_server_exceptions=False) as client:
            headers = {"Authorization": f"Bearer {key}"}
            made.append(House(client, headers, engine, server, wire, built, reads))
            made[0].ask_until_full()
            reads.clear()
            yield made[0]


def test_a_full_answer_names_nothing_missing(house: House) -> None:
    house.ask_until_full()
    assert house.state == ("readable", 0.0)


def test_a_redis_that_is_gone_is_asked_three_times_and_then_left_alone(house: House) -> None:
    house.server.stop()
    for _ in range(8):
        assert house.ask() == (BY_PRIORS, BLIND)
    assert house.reads["not_asked"] == 8 - FAILURES
    assert house.reads["failed"] + house.reads["late"] == FAILURES
    detail, told = house.state
    assert "breaker open" in detail and told == 2.0
    assert "features_unavailable" in house.client.get("/readyz").json()["degraded"]


def test_after_a_rest_one_request_tries_and_the_others_do_not(house: House) -> None:
    house.server.stop()
    for _ in range(FAILURES):
        house.ask()
    house.reads.clear()
    house.now += REST_SECONDS
    for _ in range(5):
        assert house.ask() == (BY_PRIORS, BLIND)
    assert house.reads["not_asked"] == 4
    assert house.reads.total() == 5


def test_a_redis_that_comes_back_empty_is_filled_again_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.server.stop()
    for _ in range(FAILURES):
        house.ask()
    house.server.start()
    for _ in range(50):
        house.now += REST_SECONDS
        if (found := house.ask()) != (BY_PRIORS, BLIND):
            break
    assert found == (BY_PRIORS, {"unknown_customer", "priors"})
    house.put_back(monkeypatch)
    house.ask_until_full()
    house.engine.refresh()
    assert house.engine.degraded() == []
    assert house.state == ("readable", 0.0)


def test_a_frozen_redis_is_given_up_and_back_at_full_quality_when_it_thaws(house: House) -> None:
    house.server.freeze()
    try:
        for _ in range(8):
            assert house.ask() == (BY_PRIORS, BLIND)
        assert house.reads["not_asked"] == 8 - FAILURES
        assert house.reads["failed"] + house.reads["late"] == FAILURES
    finally:
        house.server.thaw()
    house.ask_until_full()
    assert house.state == ("readable", 0.0)


def test_a_slow_redis_is_given_up_until_it_is_fast_again(house: House) -> None:
    house.wire.delay = 30.0
    for _ in range(6):
        assert house.ask() == (BY_PRIORS, BLIND)
    assert house.reads["not_asked"] == 6 - FAILURES
    house.wire.delay = 0.0
    house.ask_until_full()


def test_an_emptied_redis_is_noticed_and_filled_again_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.server.flush()
    found = house.ask()
    while "features_unavailable" in found[1]:
        house.now += REST_SECONDS
        found = house.ask()
    assert found == (BY_PRIORS, {"unknown_customer", "priors"})
    assert house.engine.reader.breaker.state == "closed"
    house.put_back(monkeypatch)
    house.ask_until_full()


def test_who_has_no_profile_in_a_store_that_lost_others_is_not_called_unknown(house: House) -> None:
    house.engine.reader.lost = True
    assert house.ask() == (FULL, set())
    assert house.ask("nobody")[1] == BLIND
    house.engine.reader.lost = False
    assert house.ask("nobody")[1] == {"unknown_customer", "priors"}


def test_a_catalog_that_changes_during_an_outage_keeps_the_popularity(house: House) -> None:
    before = house.engine.state.popularity
    house.server.stop()
    configuration = house.engine.configuration.value
    assert configuration is not None
    built_again = house.engine._build(configuration)
    assert not np.isnan(before).all()
    np.testing.assert_array_equal(built_again.popularity, before)
