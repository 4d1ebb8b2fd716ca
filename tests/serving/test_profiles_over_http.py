"""The same loop on both profiles: files alone, and Redis with PostgreSQL, chosen by settings."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import redis
from postgres_world import running_postgres
from profile_world import CATALOG, FULL, POLICIES, build_features, promote_model
from redis_world import running_redis
from served_world import ROOT, Service, rows

PATIENCE_S = 180.0
QUESTION = {"customer_id": "007", "channel": "advisor", "explain": "all", "durable": True}


@pytest.fixture(scope="module", params=["default", "production"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    home = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        ledger, more = str(home / "ledger.db"), {"NBA_WORKERS": "1"}
        if request.param == "production":
            server = stack.enter_context(running_redis(password="s3cret,1"))
            postgres = stack.enter_context(running_postgres())
            ledger, registry = postgres.new_database(), postgres.new_database()
            more |= {
                "NBA_ONLINE_STORE": server.url,
                "NBA_FEATURE_REGISTRY": registry.replace("postgresql", "postgresql+psycopg", 1),
            }
        build_features(home / "data", home, register=False)
        promote_model(home / "models")
        (home / "actions.yaml").write_text(CATALOG)
        (home / "policies.yaml").write_text(POLICIES)
        service = Service(home, ledger, more=more)
        materialize(service)
        service.start()
        stack.callback(service.stop)
        yield service


def materialize(service: Service) -> None:
    """Put the definitions and the profiles where the settings say, as an operator would."""
    inherited = {key: text for key, text in os.environ.items() if not key.startswith("NBA_")}
    done = subprocess.run(
        [sys.executable, "nba.py", "features", "materialize"],
        cwd=ROOT,
        env=inherited | {"NBA_HOME": str(service.home), **service.more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "4 customers online" in done.stdout


def ask(service: Service, **more: Any) -> dict[str, Any]:
    with service.client() as client:
        answer = client.post("/v1/next-best-actions", json=QUESTION | more)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_full_answer_comes_from_the_profile_and_the_model(served: Service) -> None:
    answer = ask(served)
    assert answer["degraded"] == []
    assert [one["action_id"] for one in answer["results"]] == FULL
    assert answer["results"][0]["label_model"] == "adoption"
    assert answer["logged"] == "durable"
    assert answer["feature_age_s"] >= 3_600


def test_an_unknown_customer_is_answered_by_priors(served: Service) -> None:
    answer = ask(served, customer_id="nobody")
    assert answer["degraded"] == ["unknown_customer", "priors"]
    assert {one["action_id"]: one["label_model"] for one in answer["results"]} == {
        "bread": "prior",
        "tea": "prior",
        "call": "fixed",
    }


def test_decision_and_outcome_are_kept_and_outlive_a_restart(served: Service) -> None:
    answer = ask(served, decision_request_id="once")
    event = {
        "event_id": "e-1",
        "decision_id": answer["decision_id"],
        "action_id": "tea",
        "outcome": "accepted",
    }
    with served.client() as client:
        assert client.post("/v1/outcomes", json=event).json()["items"][0]["status"] == "stored"
    served.stop()
    served.start()
    assert ask(served, decision_request_id="once") == answer
    assert ask(served)["degraded"] == []
    with served.client() as client:
        assert client.post("/v1/outcomes", json=event).json()["items"][0]["status"] == "duplicate"
        again = client.get(f"/v1/decisions/{answer['decision_id']}/explanation").json()
    assert again["reproduced"] is True
    stored = rows(served.ledger, "SELECT event_id, type FROM events")
    assert stored == [("e-1", "accepted")]


def test_the_service_says_that_nothing_is_missing(served: Service) -> None:
    ask(served)
    with served.client() as client:
        ready, counters = client.get("/readyz").json(), client.get("/metrics").text
    assert ready["degraded"] == []
    assert ready["checks"]["features"] == {"ok": True, "detail": "readable"}
    assert 'nba_breaker_state{part="features"} 0.0' in counters
    assert 'nba_feature_reads_total{result="read"}' in counters


def test_profiles_that_are_lost_are_back_by_themselves(served: Service) -> None:
    if "NBA_ONLINE_STORE" in served.more:
        with redis.Redis.from_url(served.more["NBA_ONLINE_STORE"]) as client:
            client.flushall()
    else:
        with closing(sqlite3.connect(served.home / "feast" / "online.db", timeout=30)) as online:
            tables = online.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in tables.fetchall():
                online.execute(f'DELETE FROM "{name}"')
            online.commit()
    lacking: set[str] = set()
    until = monotonic() + PATIENCE_S
    # Whom something happened to comes back by a refresh; nothing has happened to this one.
    while (answer := ask(served, customer_id="b"))["degraded"] and monotonic() < until:
        lacking.update(answer["degraded"])
        # Nobody is full again without what happened since the build.
        touched = ask(served)
        assert touched["degraded"] or touched["feature_age_s"] < 3_600
        sleep(0.1)
    assert answer["degraded"] == []
    # Until it is noticed nobody can know that the customer should be there.
    assert lacking <= {"features_unavailable", "unknown_customer", "priors"}
    assert "features_unavailable" in lacking
    with served.client() as client:
        while (ready := client.get("/readyz").json())["degraded"] and monotonic() < until:
            sleep(0.1)
    assert ready["degraded"] == []
    # The child may have to finish what is there already.
    while "profiles_put_back" not in (log := (served.home / "log").read_text()):
        assert monotonic() < until
        sleep(0.1)
    assert log.count("profiles_lost") == log.count("profiles_put_back") == 1


def test_the_online_file_is_there_only_in_the_default_profile(served: Service) -> None:
    files = {path.name for path in (served.home / "feast").glob("*.db")}
    assert ("online.db" in files) is ("NBA_ONLINE_STORE" not in served.more)


def test_no_password_is_written_down(served: Service) -> None:
    for path in (served.home / "log", *Path(served.home).glob("*.json*")):
        assert b"s3cret" not in path.read_bytes()
