"""The verbs about who is who, as an operator meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_world import Run, command_line

HASHED = "e4c0f16457bfa73416ff35d46f8a455fce6c30b1c76714dd35c31d4ba12bed81"
"""SHA-256 of loyalty_card:1."""


@pytest.fixture
def run(
    house: Any,
    catalog: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a verb on the home of the house; returns the exit code and what was printed."""
    (house.folder / "actions.yaml").write_text(catalog("Again?"))
    monkeypatch.setenv("NBA_CATALOG", str(house.folder / "actions.yaml"))
    return command_line(monkeypatch, capsys, "identity")


def test_a_chain_of_merges_is_explained_with_times_rules_and_sources(run: Run) -> None:
    assert run("link", "--customer", "77", "--namespace", "cookie", "--id", "ck")[0] == 0
    assert run("merge", "77", "1")[1] == "merged: 1, 77, " + _visitor(run) + "\n"
    code, told, _ = run("explain", "cookie=ck", "1")
    lines = told.splitlines()
    assert code == 0
    assert "are one person, kept under 1" in lines[0]
    assert "was merged into 77 at 20" in lines[1] and "by link:cookie (operator)" in lines[1]
    assert "77 was merged into 1 at 20" in lines[2] and "by explicit (operator)" in lines[2]
    assert "cookie " in lines[3] and "was linked to 77" in lines[3]
    assert "ck" not in told.replace("cookie", "")


def _visitor(run: Run) -> str:
    first = run("explain", "cookie=ck", "cookie=ck")[1].split()[0]
    assert first.startswith("anonymous:")
    return first


def test_two_persons_are_told_apart_with_status_one(run: Run) -> None:
    run("merge", "77", "1")
    assert run("merge", "1", "77")[1].startswith("unchanged, they are one person already")
    assert run("unmerge", "77", "1")[1].startswith("unmerged: ")
    assert run("unmerge", "77", "1")[1].startswith("unchanged, no merge joins them")
    code, told, _ = run("explain", "77", "1")
    assert (code, told) == (1, "77 and 1 are two persons\n")


def test_ids_of_the_data_are_loaded_once_and_recognise_what_is_sent(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    table = pa.table(
        {"customer_id": ["1"], "namespace": ["loyalty_card"], "id_hash": [HASHED],
         "valid_from": pa.array([None], pa.timestamp("us"))}
    )  # fmt: skip
    pq.write_table(table, tmp_path / "data" / "identities.parquet")
    rules = "namespaces: [{id: loyalty_card, strength: strong, in_data: namespace_sha256}]\n"
    (tmp_path / "identity.yaml").write_text(rules)
    assert run("load")[1] == "1 identities are in the ledger, 1 of them new\n"
    assert run("load")[1] == "1 identities are in the ledger, 0 of them new\n"
    linked = run("link", "--customer", "1", "--namespace", "loyalty_card", "--id", "1")
    assert linked[1].startswith("unchanged: loyalty_card ")


def test_loading_without_data_says_what_to_do(run: Run) -> None:
    code, _, err = run("load")
    assert code == 1
    assert "ingest" in err


def test_an_empty_id_and_faulty_rules_are_told(run: Run, tmp_path: Path) -> None:
    code, _, err = run("link", "--customer", "1", "--namespace", "phone", "--id", "call me")
    assert code == 1 and "must not be empty" in err
    (tmp_path / "identity.yaml").write_text("namespaces:\n  - {id: cookie, strenght: weak}\n")
    code, _, err = run("load")
    assert code == 1 and "identity.yaml:2:" in err and "strenght" in err


def test_a_short_secret_is_told_without_its_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBA_IDENTITY_KEY", "tooshort")
    code, _, err = run("link", "--customer", "1", "--namespace", "cookie", "--id", "a")
    assert code == 1 and "NBA_IDENTITY_KEY" in err and "tooshort" not in err
