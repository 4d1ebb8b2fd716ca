"""The composition of the production profile holds together; it cannot be started here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def filled(text: str) -> str:
    """Put a value where compose would put one from the environment."""
    return re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", "Secret1", text)


def test_every_variable_of_the_service_is_a_setting(composed: dict[str, Any]) -> None:
    known = {f"NBA_{name}".upper() for name in Settings.model_fields}
    named = composed["services"]["service"]["environment"]
    assert set(named) - known == set()
    assert {"NBA_ONLINE_STORE", "NBA_FEATURE_REGISTRY", "NBA_LEDGER", "NBA_TRACKING_URI"} <= {
        *named
    }
    text = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"\bNBA_[A-Z_]+", text)) - known == {"NBA_UID"}


def test_the_settings_accept_every_value(
    composed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in composed["services"]["service"]["environment"].items():
        monkeypatch.setenv(name, filled(value))
    settings = Settings()
    assert settings.ledger_is_remote and settings.places.remote
    assert settings.tracking_place == "http://mlflow:5000"
    assert settings.workers == 2


def test_every_host_that_an_address_names_is_a_service(composed: dict[str, Any]) -> None:
    services = composed["services"]
    told = yaml.safe_dump(services)
    hosts = set(re.findall(r"(?:@|http://)([a-z]+):\d+", told))
    assert hosts == {"redis", "postgres", "mlflow"}
    assert hosts <= set(services)


def test_every_database_that_is_used_is_made(composed: dict[str, Any]) -> None:
    used = set(re.findall(r"@postgres:5432/(\w+)", yaml.safe_dump(composed)))
    first = composed["services"]["postgres"]["environment"]["POSTGRES_DB"]
    made = set(re.findall(r"CREATE DATABASE (\w+)", composed["configs"]["databases"]["content"]))
    assert used == {first} | made


def test_every_part_says_whether_it_is_well_and_is_waited_for(composed: dict[str, Any]) -> None:
    services = composed["services"]
    own = [name for name, one in services.items() if "healthcheck" not in one]
    assert own == ["service"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    for name, one in services.items():
        for other, how in one.get("depends_on", {}).items():
            assert "healthcheck" in services[other], (name, other)
            assert how == {"condition": "service_healthy"}


def test_nothing_listens_beyond_this_machine_and_no_password_has_a_default(
    composed: dict[str, Any],
) -> None:
    ports = [port for one in composed["services"].values() for port in one.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    variables = re.findall(r"\$\{(\w*PASSWORD)([^}]*)\}", (ROOT / "compose.yaml").read_text())
    assert variables and {rest for _, rest in variables} == {":?set it"}


def test_every_volume_that_is_named_is_declared(composed: dict[str, Any]) -> None:
    mounted = [v for one in composed["services"].values() for v in one.get("volumes", ())]
    named = {volume.split(":")[0] for volume in mounted if not volume.startswith(".")}
    assert named == set(composed["volumes"])


def test_the_image_holds_what_the_production_profile_needs() -> None:
    assert "serving.txt" in (ROOT / "Dockerfile").read_text()
    lock = (ROOT / "requirements" / "serving.txt").read_text()
    assert re.search(r"^redis==[567]", lock, re.MULTILINE)
    assert re.search(r"^psycopg", lock, re.MULTILINE)
