"""MLflow and Feast's registry on a real PostgreSQL: train, promote and serve, by settings alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from foreign_data import NOW, write_without_touchpoints
from postgres_world import Server, running_postgres
from served_world import PATIENCE_S, Service, rows

import nba
from decisioning.champion import read_champion
from features.clock import pin_clock


@dataclass
class Trained:
    """A service that ran while a model was trained and promoted beside it."""

    service: Service
    tracking: str
    registry: str
    version: str
    before: list[str]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def trained(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("trained")
    tracking, registry, ledger = (postgres.new_database() for _ in range(3))
    configs, models = folder / "configs", folder / "models"
    service = Service(
        folder / "home",
        ledger,
        more={
            "NBA_CONFIG_DIR": str(configs),
            "NBA_CATALOG": str(configs / "mine" / "actions.yaml"),
            "NBA_PROBLEM": "mine/adoption",
            "NBA_MODELS": str(models),
            "NBA_TRACKING_URI": as_sqlalchemy(tracking),
            "NBA_FEATURE_REGISTRY": as_sqlalchemy(registry),
            "NBA_WORKERS": "1",
        },
    )
    source = write_without_touchpoints(folder / "source", 60)
    with pytest.MonkeyPatch.context() as patch:
        settings = {"NBA_HOME": str(service.home), "NBA_LEDGER": ledger, "NBA_LEDGER_FREE_MB": "1"}
        for name, value in (settings | service.more).items():
            patch.setenv(name, value)
        run(patch, "ingest", "--from", str(source))
        pin_clock(service.home / "clock.json", NOW)
        run(patch, "init", "--name", "mine")
        problem = configs / "mine" / "adoption.yaml"
        problem.write_text(problem.read_text().replace("samples: 300", "samples: 20"))
        run(patch, "features", "build")
        run(patch, "features", "materialize")
        service.start()
        try:
            before = ask(service)["degraded"]
            run(patch, "train", "--trials", "1")
            run(patch, "promote")
            champion = read_champion(models, "adoption")
            assert champion is not None
            yield Trained(service, tracking, registry, champion.version, before)
        finally:
            service.stop()


def as_sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def run(patch: pytest.MonkeyPatch, *words: str) -> None:
    """Run a verb as the command line does; one that ends badly fails the test."""
    patch.setattr(sys, "argv", ["nba", *words])
    try:
        nba.main()
    except SystemExit as stop:
        assert not stop.code, words


def ask(service: Service) -> dict[str, Any]:
    with service.client() as client:
        question = {"customer_id": "00007", "channel": "advisor", "explain": "all"}
        answer = client.post("/v1/next-best-actions", json=question)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_runs_and_versions_are_in_the_database_and_in_no_file(trained: Trained) -> None:
    (run_id,) = (row[0] for row in rows(
        trained.tracking, "SELECT run_uuid FROM runs WHERE name NOT LIKE 'trial%'"
    ))  # fmt: skip
    assert rows(trained.tracking, "SELECT status FROM runs WHERE run_uuid = '" + run_id + "'") == [
        ("FINISHED",)
    ]
    aliases = rows(trained.tracking, "SELECT alias, version FROM registered_model_aliases")
    assert sorted(aliases) == [("challenger", 1), ("champion", 1)]
    tagged = rows(trained.tracking, "SELECT key, value FROM model_version_tags")
    assert {("bundle_version", trained.version), ("validation_status", "promoted")} <= set(tagged)
    assert not list(trained.service.home.rglob("mlflow.db"))


def test_definitions_are_in_the_database_and_in_no_file(trained: Trained) -> None:
    views = rows(trained.registry, "SELECT feature_view_name FROM feature_views")
    assert {"customer_profile", "profile_vector"} <= {row[0] for row in views}
    assert not list(trained.service.home.rglob("registry.db"))


def test_the_service_takes_up_the_model_that_was_promoted(trained: Trained) -> None:
    assert "no_model" in trained.before
    give_up = time.monotonic() + PATIENCE_S
    while (answer := ask(trained.service))["degraded"] and time.monotonic() < give_up:
        time.sleep(0.2)
    assert answer["degraded"] == []
    assert answer["results"][0]["label_model"] == "adoption"
    assert trained.version in str(answer["versions"])
