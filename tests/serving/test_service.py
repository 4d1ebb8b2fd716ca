"""The service as its user starts it: `bentoml serve`, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from serving.settings import ROOT

_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Served:
    """A running service, and a key for it."""

    client: httpx.Client
    home: Path
    process: subprocess.Popen[bytes]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(home: Path, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NBA_")}
    environment |= {
        "NBA_HOME": str(home),
        "NBA_HTTP_PORT": str(port),
        "NBA_MODELS": str(home / "models"),
        "BENTOML_HOME": str(home / "bento"),
        **settings,
    }
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:NextBestAction"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    return process, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, catalog: Callable[[str], str]
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    (home / "actions.yaml").write_text(catalog("Again?"))
    process, address = _start(home, NBA_DEMO_KEY="true", NBA_CATALOG=str(home / "actions.yaml"))
    try:
        with httpx.Client(base_url=address, trust_env=False) as client:
            _wait_until_ready(client, process, home)
            yield Served(client, home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], home: Path) -> None:
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"not ready:\n{(home / 'log').read_text()}")


def _headers(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {(served.home / 'demo-key').read_text().strip()}"}


def _ask(served: Served, path: str = "/v1/next-best-actions", **question: object) -> httpx.Response:
    return served.client.post(path, json=question, headers=_headers(served))


def test_it_answers_before_there_are_features_and_a_model(served: Served) -> None:
    response = _ask(served, customer_id="1", channel="advisor")
    assert response.status_code == 200
    assert response.json()["results"][0]["action_id"] == "do_nothing"
    assert set(response.json()["degraded"]) == {"no_model", "features_unavailable"}


def test_readiness_and_liveness_are_ours(served: Served) -> None:
    ready = served.client.get("/readyz").json()
    assert ready["status"] == "ready"
    assert set(ready["degraded"]) == {"no_model", "features_unavailable"}
    assert served.client.get("/healthz").json() == {"status": "alive"}


def test_bento_clients_get_the_same_answers_and_errors(served: Served) -> None:
    ours, theirs = (
        _ask(served, path, customer_id="1", decision_request_id="one").json()["results"]
        for path in ("/v1/next-best-actions", "/recommend")
    )
    assert ours == theirs
    wrong = _ask(served, "/recommend", customer_id=1)
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert served.client.post("/recommend", json={}).status_code == 401
    assert served.client.get("/schema.json").json()["routes"][0]["route"] == "/recommend"


@pytest.mark.parametrize("path", ["/docs.json", "/livez", "/static_content/", "/assets/x"])
def test_pages_of_bentoml_are_not_served(served: Served, path: str) -> None:
    response = served.client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_counters_are_those_of_all_workers(served: Served) -> None:
    _ask(served, customer_id="1")
    text = served.client.get("/metrics", headers=_headers(served)).text
    assert 'nba_requests_total{method="POST",route="/v1/next-best-actions",status="200"}' in text


def test_a_new_catalog_goes_live_without_a_restart(
    served: Served, catalog: Callable[[str], str]
) -> None:
    (served.home / "actions.yaml").write_text(catalog("Brand new"))
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        title = _ask(served).json()["results"][0]["treatment"]["title"]
        if title == "Brand new":
            return
        time.sleep(0.2)
    pytest.fail("the new catalog was not taken up")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "there are no API keys"),
        ({"NBA_DEMO_KEY": "true", "NBA_HTTP_HOST": "0.0.0.0"}, "for this machine alone"),
    ],
)
def test_it_refuses_to_start_open_to_everybody(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    process, _ = _start(tmp_path, **settings)
    assert process.wait(timeout=_PATIENCE_S) != 0
    log = (tmp_path / "log").read_text()
    assert message in log
    assert "Traceback" not in log
