"""The verbs for those who run the business, as they meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import Run, command_line


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    catalog: Callable[[str], str],
) -> Run:
    (tmp_path / "actions.yaml").write_text(catalog("Again?"))
    monkeypatch.setenv("NBA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NBA_CATALOG", str(tmp_path / "actions.yaml"))
    monkeypatch.setenv("NBA_MODELS", str(tmp_path / "models"))
    return command_line(monkeypatch, capsys)


def test_the_catalog_that_is_served_is_checked_where_none_is_named(run: Run) -> None:
    code, out, _ = run("catalog", "check")
    assert code == 0
    assert "actions.yaml: 3 actions, no fault (with nothing; not there: " in out.splitlines()[-1]


def test_a_bad_catalog_ends_with_a_code_and_every_fault_with_its_place(
    run: Run, tmp_path: Path, catalog: Callable[[str], str]
) -> None:
    bad = tmp_path / "bad.yaml"
    text = catalog("Again?").replace("de: Tee", "d: Tee").replace("group: home", "group: [home]")
    bad.write_text(text)
    code, out, _ = run("catalog", "check", str(bad))
    assert code == 1
    lines = out.strip().splitlines()
    tea = text[: text.index("d: Tee")].count("\n") + 1
    assert all(line.startswith(f"{bad}:") and line.endswith("[fault]") for line in lines)
    assert any(line.startswith(f"{bad}:{tea}:") and "actions.tea.name" in line for line in lines)
    assert any("actions.soap.group" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("policies", "consent: {assumed: live}\n", ":1:20: consent.assumed: "),
        ("arbitration", "levers: {issues: {win_back: -200}}\n", ":1:29: levers.issues.win_back: "),
        ("arbitration", "exploration: {web: {kind: lucky}}\n", ":1:27: exploration.web.kind: "),
    ],
)
def test_policies_and_arbitration_are_checked_beside_it(
    run: Run, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / f"{name}.yaml").write_text(text)
    code, out, _ = run("catalog", "check")
    assert code == 1
    assert f"{name}.yaml{said}" in out


def test_a_check_changes_nothing(run: Run, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    run("catalog", "check")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_an_answer_in_the_terminal_uses_the_catalog_that_is_served(run: Run) -> None:
    code, out, _ = run("recommend", "--customer", "1", "--json", "--channel", "email")
    answer = json.loads(out)
    assert (code, answer["results"][0]["action_id"]) == (0, "do_nothing")
    assert answer["results"][0]["treatment"]["title"] == "Again?"


def test_a_simulation_without_changes_or_profiles_is_one_line(run: Run, tmp_path: Path) -> None:
    code, _, err = run("simulate", "--changes", str(tmp_path / "nowhere"))
    assert code == 1
    assert "nowhere" in err or "features" in err
    assert len(err.strip().splitlines()) == 1
