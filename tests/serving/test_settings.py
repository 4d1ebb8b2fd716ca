"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.settings import ROOT, Settings, load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"NBA_{name.upper()}", raising=False)


def test_the_defaults_listen_on_this_machine_only_and_share_nothing() -> None:
    settings = load_settings()
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 3000)
    assert settings.on_loopback
    assert not settings.demo_key
    assert not settings.open_metrics


def test_paths_follow_from_home_config_and_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBA_HOME", "/data/nba")
    monkeypatch.setenv("NBA_PROBLEM", "my_shop/response")
    settings = load_settings()
    assert settings.keys_path == Path("/data/nba/keys.json")
    assert settings.clock_file == Path("/data/nba/clock.json")
    assert settings.catalog_file == ROOT / "configs" / "my_shop" / "actions.yaml"
    assert settings.model_name == "response"


def test_a_name_that_is_given_wins_over_one_that_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBA_CATALOG", "/data/own.yaml")
    monkeypatch.setenv("NBA_MODEL", "champion-2")
    assert load_settings().catalog_file == Path("/data/own.yaml")
    assert load_settings().model_name == "champion-2"


def test_hosts_are_given_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBA_ALLOWED_HOSTS", "Nba.example, localhost")
    assert load_settings().allowed_hosts == ("nba.example", "localhost")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NBA_HTTP_PORT", "0"),
        ("NBA_HTTP_HOST", "foo"),
        ("NBA_HTTP_PORT", "http"),
        ("NBA_WORKERS", "0"),
        ("NBA_PROBLEM", "../secrets"),
        ("NBA_MODEL", "../../model"),
        ("NBA_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_variable_and_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name}={value!r}"):
        load_settings()


def test_an_empty_variable_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBA_HTTP_PORT", "")
    assert load_settings().http_port == 3000


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
