"""The verbs that look after the ledger, as an operator meets them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_world import Run, command_line

from decisioning.history import HistoryNeeds

DAY = ("--day", "2018-01-01")
STRICT = "consent: {}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a verb on the home of the house; returns the exit code and what was printed."""
    monkeypatch.setenv("NBA_HOME", str(tmp_path))
    monkeypatch.setenv("NBA_CATALOG", str(tmp_path / "actions.yaml"))
    monkeypatch.setenv("NBA_MODELS", str(tmp_path / "models"))
    return command_line(monkeypatch, capsys)


@pytest.fixture
def decided(house: Any, advisor: dict[str, str]) -> Callable[..., list[dict[str, Any]]]:
    """Take decisions that are committed, then close the service; without a model by default."""

    def decided(*customers: str, model: bool = False, policies: str = "") -> list[dict[str, Any]]:
        if not model:
            house.model = None
        if policies:
            (house.folder / "policies.yaml").write_text(policies)
        question = {"channel": "advisor", "durable": True, "explain": "all"}
        with house.client() as client:
            answers = [
                client.post(
                    "/v1/next-best-actions", json=question | {"customer_id": one}, headers=advisor
                ).json()
                for one in customers
            ]
        close(house)
        return answers

    return decided


def close(house: Any) -> None:
    house.ledger.close()
    house.ledger = None


def tamper(folder: Path, statement: str) -> None:
    """Change the database behind the ledger's back."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def test_an_untouched_log_is_whole(run: Run, decided) -> None:
    decided("1", "007", "nobody")
    code, out, _ = run("log", "verify")
    assert code == 0
    assert "3 decisions in 1 chains, 0 of them erased, 0 faults" in out


def test_a_row_that_was_changed_is_named(run: Run, decided, tmp_path: Path) -> None:
    changed = decided("1", "007", "nobody")[1]["decision_id"]
    tamper(tmp_path, f"UPDATE decisions SET customer_id = '8' WHERE decision_id = '{changed}'")
    code, out, _ = run("log", "verify")
    assert code == 1
    (named,) = [line for line in out.splitlines() if changed in line]
    assert "edited" in named
    assert "3 decisions in 1 chains, 0 of them erased, 1 faults" in out


def test_a_row_that_was_taken_out_is_missed(run: Run, decided, tmp_path: Path) -> None:
    gone = decided("1", "007", "nobody")[1]["decision_id"]
    tamper(tmp_path, f"DELETE FROM decisions WHERE decision_id = '{gone}'")
    code, out, _ = run("log", "verify")
    assert code == 1
    assert "missing" in out


def test_an_anchor_knows_when_the_end_of_a_chain_was_cut_off(
    run: Run, decided, tmp_path: Path
) -> None:
    last = decided("1", "007")[-1]["decision_id"]
    code, out, _ = run("log", "anchor")
    assert (code, out.strip()) == (0, "1 ends of chains noted")
    assert (tmp_path / "anchors.jsonl").read_text().count("\n") >= 1
    tamper(tmp_path, f"DELETE FROM decisions WHERE decision_id = '{last}'")
    code, out, _ = run("log", "verify")
    assert code == 1
    assert "truncated" in out


def test_a_purge_erases_what_is_old_and_leaves_the_chain_whole(run: Run, decided) -> None:
    decided("1", "007")
    code, out, _ = run("log", "purge", "--days", "1")
    assert code == 0
    assert re.search(r"before \d{4}-\d\d-\d\d \d\d:\d\d UTC: 2 decisions, 0 outcomes", out)
    code, out, _ = run("log", "verify")
    assert code == 0
    assert "2 decisions in 1 chains, 2 of them erased, 0 faults" in out
    assert (
        "0 of 0 decisions replay to the same ranking (100.0%); 2 erased" in run("replay", *DAY)[1]
    )


def test_a_purge_follows_the_clock_of_the_data(run: Run, decided, tmp_path: Path) -> None:
    decided("1")
    pinned = {"starts_at": "2018-01-02T06:00:00+00:00", "pinned_at": datetime.now(UTC).isoformat()}
    (tmp_path / "clock.json").write_text(json.dumps(pinned))
    assert ": 0 decisions" in run("log", "purge")[1]
    assert ": 0 decisions" in run("log", "purge", "--days", "2")[1]
    assert ": 1 decisions" in run("log", "purge", "--days", "1")[1]


def counted(out: str) -> dict[str, str]:
    """Return the counts that are printed below the line that names the day."""
    return dict(line.split() for line in out.splitlines()[1:])


def test_counts_are_those_of_the_day(run: Run, decided) -> None:
    decided("1", "007")
    code, out, _ = run("ledger", "counts", *DAY)
    assert out.startswith("business day that begins at 20")
    counts = counted(out)
    assert (code, counts["decisions"], counts["shown"], counts["quarantined"]) == (0, "2", "0", "0")
    _, out, _ = run("ledger", "counts", "--day", "2018-01-02")
    assert counted(out)["decisions"] == "0"
    _, out, _ = run("ledger", "counts")
    assert counted(out)["decisions"] == "0"


@pytest.mark.parametrize("verb", [("ledger", "counts"), ("replay",)])
@pytest.mark.parametrize("day", ["2018-13-01", "yesterday", "2018-02-30", "20 18", ""])
def test_a_day_that_is_none_is_named(run: Run, verb: tuple[str, ...], day: str) -> None:
    code, _, err = run(*verb, "--day", day)
    assert code == 1
    assert err == f"ConfigError: --day {day!r} is not a date such as 2018-01-01\n"


def test_a_copy_can_be_put_back(run: Run, decided, tmp_path: Path) -> None:
    decided("1", "007")
    copy = tmp_path / "copy.db"
    assert run("ledger", "backup", str(copy))[:2] == (0, f"wrote {copy}\n")
    (tmp_path / "ledger.db").unlink()
    code, out, _ = run("ledger", "restore", str(copy))
    assert code == 0 and out.startswith("restored ")
    assert "2 decisions in 1 chains" in run("log", "verify")[1]
    assert "2 of 2 decisions replay" in run("replay", *DAY)[1]


def test_a_copy_replaces_nothing_unless_it_is_forced(run: Run, decided, tmp_path: Path) -> None:
    decided("1")
    copy = tmp_path / "copy.db"
    run("ledger", "backup", str(copy))
    code, _, err = run("ledger", "backup", str(copy))
    assert code == 1 and "copy.db" in err
    decided("007")
    code, _, err = run("ledger", "restore", str(copy))
    assert code == 1 and "LedgerError" in err
    assert "2 decisions" in run("log", "verify")[1]
    assert run("ledger", "restore", str(copy), "--force")[0] == 0
    assert "1 decisions" in run("log", "verify")[1]


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE experiments (name TEXT)")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: None,
        lambda path: path.touch(),
        lambda path: path.write_bytes(b"not a database"),
        another_database,
    ],
    ids=["nothing", "empty", "text", "another_database"],
)
def test_what_is_no_copy_is_named_and_nothing_is_lost(
    run: Run, decided, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    decided("1")
    path = tmp_path / "other.db"
    make(path)
    code, _, err = run("ledger", "restore", str(path), "--force")
    assert code == 1
    assert "other.db" in err and len(err.splitlines()) == 1
    assert "1 decisions in 1 chains, 0 of them erased, 0 faults" in run("log", "verify")[1]


def test_a_recorded_objection_stops_the_next_decision(run: Run, decided, house: Any) -> None:
    (before,) = decided("1", model=True, policies="consent: {assumed: demo}\n")
    assert before["results"][0]["action_id"] == "tea"
    code, out, _ = run("consent", "record", "--customer", "1", "--status", "objected")
    assert (code, out) == (0, "recorded: 1 objected marketing on all\n")
    # The clock of this machine is years ahead of that of the house.
    house.clock = type(house.clock)(datetime.now(UTC))
    house.store.profile_at = datetime.now(UTC)
    (after,) = decided("1", model=True)
    assert [one["action_id"] for one in after["results"]] == ["do_nothing"]
    assert {one["reason"] for one in after["removed"]} == {"objected"}


def test_a_recorded_consent_allows_where_it_is_needed(run: Run, decided, house: Any) -> None:
    house.clock = type(house.clock)(datetime.now(UTC))
    house.store.profile_at = datetime.now(UTC)
    (before,) = decided("1", model=True, policies=STRICT)
    assert {one["reason"] for one in before["removed"]} == {"no_consent"}
    run("consent", "record", "--customer", "1", "--status", "granted", "--channel", "advisor")
    house.clock = type(house.clock)(datetime.now(UTC))
    first, other = decided("1", "007", model=True)
    assert first["results"][0]["action_id"] == "tea"
    assert other["results"][0]["action_id"] == "do_nothing"


@pytest.mark.parametrize(
    "words",
    [
        ("--status", "agreed"),
        ("--status", "granted", "--channel", "pigeon"),
        ("--status", "granted", "--purpose", "transactional"),
    ],
)
def test_a_consent_that_cannot_be_meant_is_refused(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run("consent", "record", "--customer", "1", *words)
    assert code == 1
    assert err.startswith("ConfigError: ") and repr(words[-1]) in err


def test_consents_of_the_tables_are_taken_over_once(run: Run, house: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    told = {
        "customer_id": ["1"], "purpose": ["marketing"], "channel": ["all"], "status": ["objected"],
        "valid_from": pa.array([datetime(2017, 1, 1)], pa.timestamp("us")),
    }  # fmt: skip
    pq.write_table(pa.table(told), tmp_path / "data" / "consents.parquet")
    for _ in range(2):
        assert run("consent", "load")[:2] == (0, "1 consents are in the ledger\n")
    history = house.open_ledger().history("1", 4e9, HistoryNeeds())
    assert [one.status for one in history.consents] == ["objected"]


def test_loading_consents_without_data_says_what_to_do(run: Run) -> None:
    code, _, err = run("consent", "load")
    assert code == 1
    assert "ingest" in err


def test_a_ledger_that_is_no_database_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else entirely" * 100)
    for verb in (("log", "verify"), ("ledger", "counts"), ("replay",), ("log", "purge")):
        code, _, err = run(*verb)
        assert code == 1
        assert "ledger.db" in err and "LedgerError" in err
    assert (tmp_path / "ledger.db").read_bytes().startswith(b"something else")
