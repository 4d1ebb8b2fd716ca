"""API keys."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.keys import DEMO_SCOPES, KeyRing, create_key, ensure_demo_key, load_keys
from serving.problems import ProblemError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_key_is_shown_once_and_its_file_holds_only_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = create_key(path, ["read"], NOW)
    assert key.startswith("nba_")
    assert key.split("_", 2)[2] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_known_with_its_scopes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = create_key(path, ["read"], NOW), create_key(path, ["decide:web"], NOW)
    ring = KeyRing(path)
    assert ring.identify(f"Bearer {first}").scopes == {"read"}
    assert ring.identify(f"bearer {second}").scopes == {"decide:web"}


@pytest.mark.parametrize(
    "spoil", ["{}", "Basic {}", "Bearer {}x", "Bearer x{}", "Bearer", "", None]
)
def test_anything_but_the_key_is_nobody(tmp_path: Path, spoil: str | None) -> None:
    key = create_key(tmp_path / "keys.json", ["read"], NOW)
    ring = KeyRing(tmp_path / "keys.json")
    with pytest.raises(ProblemError) as refused:
        ring.identify(spoil and spoil.format(key))
    assert refused.value.code == "no_key"


def test_the_secret_of_one_key_does_not_open_another(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = create_key(path, ["read"], NOW), create_key(path, ["admin"], NOW)
    mixed = f"nba_{second.split('_')[1]}_{first.split('_', 2)[2]}"
    assert KeyRing(path).find(f"Bearer {mixed}") is None


def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys.json", ["read"], NOW)
    caller = KeyRing(tmp_path / "keys.json").identify(f"Bearer {key}")
    with pytest.raises(ProblemError, match="needs the scope admin"):
        caller.require("read", "admin")


def test_no_keys_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keys\.json: there are no API keys"):
        load_keys(tmp_path / "keys.json")


def test_a_keys_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create_key(path, ["read"], NOW)
    path.chmod(0o620)
    with pytest.raises(ConfigError, match="others may write"):
        load_keys(path)


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"id": "a"}]}', "[]"])
def test_a_spoilt_keys_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"keys\.json"):
        load_keys(path)


def test_an_unknown_scope_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="everything"):
        create_key(tmp_path / "keys.json", ["everything"], NOW)  # type: ignore[list-item]
    assert not (tmp_path / "keys.json").exists()


def test_a_revoked_key_stops_working_and_a_bad_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.keys._LOOK_EVERY_S", 0.0)
    path = tmp_path / "keys.json"
    gone, kept = create_key(path, ["read"], NOW), create_key(path, ["read"], NOW)
    ring = KeyRing(path)
    assert ring.find(f"Bearer {gone}") is not None
    content = json.loads(path.read_text())
    content["keys"] = content["keys"][1:]
    path.write_text(json.dumps(content))
    assert ring.find(f"Bearer {gone}") is None
    assert ring.find(f"Bearer {kept}") is not None
    path.write_text("broken")
    assert ring.find(f"Bearer {kept}") is not None
    assert ring.trouble is not None


def test_a_key_that_was_let_in_is_not_hashed_again_and_anything_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(tmp_path / "keys.json", ["read"], NOW)
    ring = KeyRing(tmp_path / "keys.json")
    first = ring.find(f"Bearer {key}")
    hashed: list[str] = []
    monkeypatch.setattr("serving.keys._digest", lambda secret: hashed.append(secret) or "")
    assert ring.find(f"Bearer {key}") is first
    assert hashed == []
    for _ in range(2):
        assert ring.find(f"Bearer {key}x") is None
    assert len(hashed) == 2


def test_one_key_in_many_spellings_fills_no_memory(tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys.json", ["read"], NOW)
    ring = KeyRing(tmp_path / "keys.json")
    for spaces in range(1, 200):
        assert ring.find(f"Bearer{' ' * spaces}{key}") is not None
    assert len(ring._known) <= 64


def test_the_demo_key_is_private_works_and_is_kept(tmp_path: Path) -> None:
    shown = ensure_demo_key(tmp_path)
    key = shown.read_text().strip()
    assert stat.S_IMODE(shown.stat().st_mode) == 0o600
    assert KeyRing(tmp_path / "keys.json").identify(f"Bearer {key}").scopes == set(DEMO_SCOPES)
    assert ensure_demo_key(tmp_path).read_text().strip() == key
    assert len(load_keys(tmp_path / "keys.json")) == 1


def test_a_demo_key_that_is_not_in_force_is_replaced(tmp_path: Path) -> None:
    former = ensure_demo_key(tmp_path).read_text()
    (tmp_path / "keys.json").unlink()
    assert ensure_demo_key(tmp_path).read_text() != former
