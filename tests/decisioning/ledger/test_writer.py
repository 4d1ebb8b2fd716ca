"""The writer under pressure: it refuses at once, goes on by itself and forgets nothing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from ledger_rows import NOON, decision, outcome

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.locking import FileLock
from features.errors import LedgerBusy, LedgerError, LedgerFull


@pytest.fixture
def held(sqlite_home):
    """Hold the lock that every writer of that ledger needs, until it is closed."""
    stack = ExitStack()

    def hold() -> ExitStack:
        stack.enter_context(FileLock(Path(sqlite_home.place + ".lock"), 1.0).held())
        return stack

    yield hold
    stack.close()


def test_when_too_much_waits_more_is_refused_at_once(sqlite_home, held) -> None:
    ledger = sqlite_home.open(queue_limit=20)
    ledger.flush(10)
    lock = held()
    # One may be in the writer's hands; the rest waits.
    first = ledger.take_decision(decision("first"))
    waiting = []
    with pytest.raises(LedgerBusy, match="waiting"):
        for number in range(100):
            waiting.append(ledger.take_decision(decision(f"d{number}")))
    with pytest.raises(LedgerBusy):
        ledger.log_decision(decision("logged"))
    assert 19 <= len(waiting) <= 20 and ledger.health().waiting >= 20
    lock.close()
    assert all(future.result(20).stored for future in [first, *waiting])
    assert ledger.decision("logged") is None


def test_a_lock_that_is_not_let_go_fails_writes_and_not_reads(sqlite_home, held) -> None:
    ledger = sqlite_home.open()
    ledger.take_decision(decision()).result(10)
    lock = held()
    write = ledger.take_decision(decision("d2"))
    assert ledger.decision("d1") is not None
    with pytest.raises(LedgerBusy, match="lock"):
        write.result(20)
    logged = ledger.log_decision(decision("d3"))
    lock.close()
    assert logged.result(20).new
    assert ledger.take_decision(decision("d2")).result(20).stored
    assert ledger.health().trouble is None


def test_what_cannot_be_written_at_the_end_is_there_at_the_next_start(sqlite_home, held) -> None:
    ledger = sqlite_home.open()
    lock = held()
    logged = ledger.log_decision(decision("logged"))
    sqlite_home.close()
    with pytest.raises(LedgerError, match="closed"):
        logged.result(0)
    lock.close()
    assert sqlite_home.open().decision("logged") is not None


def test_a_caller_that_gave_up_disturbs_nobody(ledger: Ledger) -> None:
    futures = [ledger.log_decision(decision(f"d{number}")) for number in range(50)]
    for future in futures:
        future.cancel()
    assert ledger.log_decision(decision("last")).result(10).new
    assert ledger.decision("d7") is not None


def test_below_the_watermark_nothing_is_written_and_everything_is_read(home) -> None:
    home.open().log_decision(decision())
    home.close()
    ledger = home.open(min_free_bytes=2**60, warn_free_bytes=2**61)
    assert ledger.health().low_on_disk
    for write in (
        lambda: ledger.log_decision(decision("d2")),
        lambda: ledger.take_decision(decision("d2")),
        lambda: ledger.store_outcomes([outcome("e1")], NOON),
        lambda: ledger.keep_snapshot("catalog", b""),
    ):
        with pytest.raises(LedgerFull, match="bytes free"):
            write()
    assert ledger.decision("d1") is not None


def test_a_closed_ledger_has_written_everything_and_takes_nothing_more(home) -> None:
    ledger = home.open()
    futures = [ledger.log_decision(decision(f"d{number}")) for number in range(300)]
    ledger.close()
    home.opened.clear()
    assert all(future.done() for future in futures)
    with pytest.raises(LedgerError, match="closed"):
        ledger.log_decision(decision("late"))
    assert len(list(home.open().decisions_between(0, 2 * NOON))) == 300
