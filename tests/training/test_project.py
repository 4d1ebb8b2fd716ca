"""What a build computes profiles from: the tables, and what the ledger knows since."""

from __future__ import annotations

from pathlib import Path

from ledger_rows import NOON, decision, outcome
from small_world import LINES, TOUCHES, write_world

from decisioning.ledger.open import open_ledger
from features.calendar import Calendar
from features.canonical.tables import known_customers, open_tables
from features.clock import WallClock
from training.project import Project


def project_of(home: Path, with_ledger: bool) -> Project:
    return Project(
        home=home,
        feature_repo=home,
        models=home,
        tracking_uri="",
        calendar=Calendar(),
        clock=WallClock(),
        ledger=home / "ledger.db" if with_ledger else None,
    )


def test_the_events_of_the_ledger_stand_beside_those_of_the_tables(tmp_path: Path) -> None:
    write_world(tmp_path / "data", LINES, TOUCHES)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.log_decision(decision(customer_id="newcomer"))
        ledger.store_outcomes([outcome("e1"), outcome("e2", "accepted")], NOON + 99).result(30)
    sources = open_tables(tmp_path / "data")
    tables = project_of(tmp_path, with_ledger=True).with_ledger(sources)
    found = tables.touchpoints.to_pyarrow()
    assert len(found) == len(TOUCHES) + 2
    assert {"e1", "e2"} <= set(found["touchpoint_id"].to_pylist())
    assert "newcomer" in known_customers(tables).to_pyarrow()["customer_id"].to_pylist()


def test_the_events_of_one_person_are_counted_under_one_id(tmp_path: Path) -> None:
    write_world(tmp_path / "data", LINES, TOUCHES)
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.log_decision(decision(customer_id="cookie"))
        ledger.store_outcomes([outcome("e1")], NOON + 99).result(30)
    project, sources = project_of(tmp_path, with_ledger=True), open_tables(tmp_path / "data")
    tables = project.with_ledger(sources, {"007": ("007", "b", "cookie")})
    touches, lines = tables.touchpoints.to_pyarrow(), tables.transactions.to_pyarrow()
    owner = {row["touchpoint_id"]: row["customer_id"] for row in touches.to_pylist()}
    assert owner["e1"] == "007"
    assert set(lines["customer_id"].to_pylist()) == {"007", "c"}


def test_without_a_ledger_the_tables_are_all_there_is(tmp_path: Path) -> None:
    write_world(tmp_path / "data", LINES, TOUCHES)
    project = project_of(tmp_path, with_ledger=False)
    tables = project.with_ledger(open_tables(tmp_path / "data"))
    assert len(tables.touchpoints.to_pyarrow()) == len(TOUCHES)
