from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from decisioning.simulation import load_changes
from decisioning.simulation.changes import edits_between
from features.errors import ConfigError


def current(bench: Any) -> Path:
    bench.configuration()
    return bench.folder / "configuration" / "actions.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    changes = tmp_path / "changes"
    changes.mkdir()
    return changes


def test_a_folder_that_is_not_there_is_refused(bench: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: no such folder"):
        load_changes(tmp_path / "nowhere", current(bench))


def test_a_folder_with_none_of_the_files_is_refused(bench: Any, folder: Path) -> None:
    (folder / "policy.yaml").write_text("policies: []\n")
    with pytest.raises(ConfigError, match=r"none of actions\.yaml, policies\.yaml"):
        load_changes(folder, current(bench))


def test_a_file_that_is_missing_is_the_current_one(bench: Any, folder: Path) -> None:
    (folder / "arbitration.yaml").write_text("levers: {groups: {dairy: 20}}\n")
    changes = load_changes(folder, current(bench))
    assert changes.files == ("arbitration.yaml",)
    assert changes.configuration.policies.consent.assumed == "demo"
    assert changes.configuration.arbitration.levers.groups == {"dairy": 20}


def test_a_fault_in_a_changed_file_is_told_with_its_line_and_column(
    bench: Any, folder: Path
) -> None:
    (folder / "arbitration.yaml").write_text("levers:\n  groups: {dariy: 20}\n")
    with pytest.raises(ConfigError, match=r"changes/arbitration\.yaml:2:\d+: levers\.groups"):
        load_changes(folder, current(bench))


def test_a_current_file_that_does_not_fit_the_changed_catalog_is_told(
    bench: Any, folder: Path
) -> None:
    bench.configuration(arbitration="levers: {groups: {dairy: 20}}\n")
    now = bench.folder / "configuration" / "actions.yaml"
    text = now.read_text()
    (folder / "actions.yaml").write_text(text.replace("group: dairy", "group: fresh"))
    with pytest.raises(ConfigError, match=r"configuration/arbitration\.yaml:1:\d+: .*dairy"):
        load_changes(folder, now)


def test_every_edit_is_found_by_its_place(bench: Any) -> None:
    before = bench.configuration(name="before")
    after = bench.configuration(
        ("    group: dairy\n", "    group: dairy\n    enabled: false\n"),
        arbitration="levers: {groups: {breakfast: 40}}\n",
        name="after",
    )
    edits = edits_between(before, after)
    assert [(one.file, one.place, one.before, one.after) for one in edits] == [
        ("actions.yaml", "actions.eggs.enabled", "true", "false"),
        ("arbitration.yaml", "levers.groups.breakfast", None, "40.0"),
    ]


def test_an_action_that_is_gone_is_one_edit(bench: Any) -> None:
    before = bench.configuration(name="before")
    text = re.search(r"  - id: eggs\n(    .*\n)*", bench.catalog)
    assert text
    after = bench.configuration((text.group(), ""), name="after")
    (edit,) = edits_between(before, after)
    assert (edit.place, edit.after) == ("actions.eggs", None)
    assert edit.before is not None and len(edit.before) <= 80


def test_the_same_files_have_no_edits(bench: Any) -> None:
    assert edits_between(bench.configuration(), bench.configuration(name="copy")) == ()
