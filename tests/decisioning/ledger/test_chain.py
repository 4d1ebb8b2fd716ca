"""Whoever changes, removes or cuts off decisions is found out, on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
import pytest
from ledger_rows import NOON, decision

from features.errors import LedgerError


def tamper(home, statement: str) -> None:
    """Change the database behind the ledger's back."""
    home.close()
    if home.is_postgres:
        with psycopg.connect(home.place) as connection:
            connection.execute(statement.encode())
    else:
        with closing(sqlite3.connect(home.place)) as connection, connection:
            connection.execute(statement)


@pytest.fixture
def written(home):
    """A ledger with two chains of ten decisions."""
    for chain in range(2):
        ledger = home.open()
        for number in range(10):
            ledger.log_decision(decision(f"{chain}-{number}", decided_at=NOON + number))
            ledger.flush(10)
        home.close()
    return home


def faults_of(home) -> list[tuple[str, str | None]]:
    return [(fault.kind, fault.decision_id) for fault in home.open().verify().faults]


def test_an_untouched_ledger_is_whole_and_progress_is_told(written) -> None:
    told: list[tuple[int, int]] = []
    report = written.open().verify(lambda done, total: told.append((done, total)))
    assert (report.whole, report.rows, report.chains, report.erased) == (True, 20, 2, 0)
    assert told[-1] == (20, 20)


@pytest.mark.parametrize(
    "change",
    ["customer_id = '008'", "decided_at = decided_at + 1", "actions = '[]'", "request_id = 'r'"],
)
def test_an_edited_row_is_found(written, change: str) -> None:
    tamper(written, f"UPDATE decisions SET {change} WHERE decision_id = '0-4'")
    (fault,) = written.open().verify().faults
    assert (fault.kind, fault.decision_id, fault.seq) == ("edited", "0-4", 5)


def test_a_row_that_only_pretends_to_be_erased_is_found(written) -> None:
    tamper(written, "UPDATE decisions SET salt = NULL WHERE decision_id = '0-4'")
    assert faults_of(written) == [("edited", "0-4")]


def test_a_replaced_digest_is_found(written) -> None:
    other = "(SELECT digest FROM decisions WHERE decision_id = '1-1')"
    tamper(written, f"UPDATE decisions SET digest = {other} WHERE decision_id = '0-4'")
    assert ("unlinked", "0-4") in faults_of(written)


def test_missing_rows_are_found(written) -> None:
    tamper(written, "DELETE FROM decisions WHERE decision_id IN ('1-0', '0-4', '0-5')")
    report = written.open().verify()
    found = {(fault.kind, fault.seq) for fault in report.faults}
    assert found == {("missing", 1), ("missing", 5)}


def test_a_missing_end_is_found_by_the_anchors(written) -> None:
    assert written.open().anchor(NOON) == 2
    assert written.opened[0].anchor(NOON + 86_400) == 0
    tamper(written, "DELETE FROM decisions WHERE decision_id IN ('0-8', '0-9')")
    (fault,) = written.open().verify().faults
    assert (fault.kind, fault.seq) == ("truncated", 10)


def test_a_chain_that_was_removed_with_its_anchors_is_found_by_the_file(written) -> None:
    written.open().anchor(NOON)
    tamper(written, "DELETE FROM decisions WHERE decision_id LIKE '1-%'")
    tamper(written, "DELETE FROM anchors")
    assert (written.folder / "anchors.jsonl").stat().st_mode & 0o777 == 0o600
    assert [kind for kind, _ in faults_of(written)] == ["truncated"]


def test_a_file_of_anchors_that_cannot_be_read_is_an_error_with_its_line(written) -> None:
    ledger = written.open()
    ledger.anchor(NOON)
    with (written.folder / "anchors.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(LedgerError, match="anchors.jsonl, line 3"):
        ledger.verify()
