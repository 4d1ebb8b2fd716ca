"""A backup is a whole ledger, and comes back as one on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from ledger_rows import NEEDS, NOON, decision, outcome, slot

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger, restore
from decisioning.ledger.rows import ConsentRow
from features.errors import LedgerError


def fill(ledger: Ledger) -> None:
    for number in range(30):
        name = f"d{number}"
        ledger.take_decision(decision(name, decided_at=NOON + number), (slot(),))
        ledger.store_outcomes([outcome(f"e{number}", decision_id=name, value=1.5)], NOON)
    ledger.store_outcomes([outcome("aside", decision_id="nobody")], NOON)
    consent = ConsentRow("007", "marketing", "all", "granted", NOON, NOON, "web")
    ledger.record_consents([consent])
    ledger.keep_snapshot("catalog", b"actions: []")
    ledger.anchor(NOON)


def told_by(ledger: Ledger) -> tuple[object, ...]:
    """Everything that a ledger tells."""
    decisions = list(ledger.decisions_between(0, 2 * NOON))
    outcomes = [ledger.outcomes_of(row.decision_id) for row in decisions]
    history = ledger.history("007", NOON + 90, NEEDS)
    return decisions, outcomes, history, ledger.counts(0, 2 * NOON), ledger.verify()


def test_a_backup_is_a_ledger_of_its_own(home, tmp_path: Path) -> None:
    ledger = home.open()
    fill(ledger)
    backup = tmp_path / "backups" / "monday.db"
    ledger.log_decision(decision("last"))
    ledger.backup(backup)
    assert [path.name for path in backup.parent.iterdir()] == ["monday.db"]
    assert backup.stat().st_mode & 0o777 == 0o600
    with open_ledger(backup) as copy:
        assert told_by(copy) == told_by(ledger)
        assert copy.decision("last") is not None
    with pytest.raises(LedgerError, match="monday.db"):
        ledger.backup(backup)


def test_a_backup_comes_back_on_either_database(home, sqlite_home, tmp_path: Path) -> None:
    source = sqlite_home.open()
    fill(source)
    source.backup(tmp_path / "backup.db")
    home.folder, home.place = tmp_path / "new", home.place.replace("ledger.db", "new.db")
    assert restore(tmp_path / "backup.db", home.place, spool=home.folder / "spool") > 60
    restored = home.open()
    (*told, report), (*expected, original) = told_by(restored), told_by(source)
    assert told == expected
    assert report.whole and report.rows == original.rows
    # It goes on: what is new goes into a chain of its own.
    restored.take_decision(decision("new"), (slot(),)).result(10)
    assert restored.verify().chains == original.chains + 1


def test_restoring_replaces_nothing_unless_it_is_forced(home, tmp_path: Path) -> None:
    ledger = home.open()
    fill(ledger)
    backup = tmp_path / "backup.db"
    ledger.backup(backup)
    ledger.log_decision(decision("after"))
    home.close()
    with pytest.raises(LedgerError, match="--force"):
        restore(backup, home.place, spool=home.folder / "spool")
    restore(backup, home.place, spool=home.folder / "spool", force=True)
    assert home.open().decision("after") is None
    assert home.opened[0].verify().whole


def test_nothing_is_restored_under_a_service_that_runs(home, tmp_path: Path) -> None:
    ledger = home.open()
    fill(ledger)
    backup = tmp_path / "backup.db"
    ledger.backup(backup)
    with pytest.raises(LedgerError, match="stop the service first"):
        restore(backup, home.place, spool=home.folder / "spool", force=True)


def test_a_damaged_backup_is_refused_and_the_ledger_is_as_it_was(home, tmp_path: Path) -> None:
    ledger = home.open()
    fill(ledger)
    backup = tmp_path / "backup.db"
    ledger.backup(backup)
    home.close()
    content = bytearray(backup.read_bytes())
    content[4_096:20_000] = bytes(20_000 - 4_096)
    backup.write_bytes(content)
    with pytest.raises(LedgerError, match="damaged"):
        restore(backup, home.place, spool=home.folder / "spool", force=True)
    with pytest.raises(LedgerError, match="no such backup"):
        restore(tmp_path / "none.db", home.place, spool=home.folder / "spool", force=True)
    assert len(list(home.open().decisions_between(0, 2 * NOON))) == 30
