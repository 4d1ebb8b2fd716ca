"""Decisions on their way into the database: in the spool until they are there, and no longer."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

import pytest
from ledger_rows import decision

from decisioning.ledger import jobs, writer
from decisioning.ledger.framing import frame, frames
from decisioning.ledger.spool import SEGMENT_BYTES, Spool, orphans
from features.errors import LedgerError


def spooled(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "spool").glob("*.log"))


def test_every_frame_but_a_torn_one_is_read(tmp_path: Path) -> None:
    rows = [
        decision("a"),
        decision("ü", customer_id=None, request_id="r", answer=b""),
        decision("c", vectors=b"", actions=()),
    ]
    content = b"".join(map(frame, rows))
    read = [(row.decision_id, row.payload, row.answer, row.actions) for row in frames(content)]
    assert read == [(row.decision_id, row.payload, row.answer, row.actions) for row in rows]
    for length in range(len(content)):
        assert len(list(frames(content[:length]))) < 3
    flipped = bytearray(content)
    flipped[len(frame(rows[0])) + 30] ^= 1
    assert [row.decision_id for row in frames(bytes(flipped))] == ["a"]


def test_the_spool_is_empty_soon_after_a_decision_was_logged(home) -> None:
    ledger = home.open()
    ledger.log_decision(decision())
    assert spooled(home.folder) > 0
    until = monotonic() + 10
    while ledger.decision("d1") is None:
        assert monotonic() < until
        sleep(0.01)
    ledger.flush(10)
    assert spooled(home.folder) == 0
    home.close()
    assert list((home.folder / "spool").iterdir()) == []


def test_the_spool_of_a_dead_process_is_drained_and_its_torn_end_ignored(home) -> None:
    folder = home.folder / "spool"
    folder.mkdir()
    # d2 is in the database already: its process died between commit and clearing the spool.
    content = b"".join(frame(decision(f"d{number}")) for number in range(3))
    (folder / "dead.1.log").write_bytes(content + frame(decision("torn"))[:-1])
    ledger = home.open()
    ledger.take_decision(decision("d9")).result(10)
    home.close()
    (folder / "dead.2.log").write_bytes(content)
    ledger = home.open()
    names = [row.decision_id for row in ledger.decisions_between(0, 1e12)]
    assert names == ["d0", "d1", "d2", "d9"]
    assert list(folder.glob("dead*")) == []
    assert ledger.verify().whole


def test_a_spool_file_that_can_never_be_stored_is_kept_aside(home) -> None:
    folder = home.folder / "spool"
    folder.mkdir()
    content = frame(decision("bad", channel=None)) + frame(decision("good"))
    (folder / "dead.1.log").write_bytes(content)
    assert home.open().decision("good") is not None
    assert [path.name for path in folder.glob("dead*")] == ["dead.1.rejected"]


def test_a_decision_that_the_database_refuses_stays_in_the_spool(home, monkeypatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.01)
    ledger = home.open()
    bad, good = ledger.log_decision(decision("bad", channel=None)), ledger.log_decision(decision())
    with pytest.raises(LedgerError, match="cannot be stored"):
        bad.result(10)
    assert good.result(10).new
    assert ledger.health().kept_back == 1 and ledger.health().trouble is None
    home.close()
    (kept,) = (home.folder / "spool").iterdir()
    assert "bad" in [row.decision_id for row in frames(kept.read_bytes())]
    home.open()
    assert [path.suffix for path in (home.folder / "spool").glob("*.rejected")] == [".rejected"]


def test_a_decision_that_is_refused_once_is_tried_again(home, monkeypatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.01)
    left = [RuntimeError("a race"), RuntimeError("the same, when it is alone")]
    log = jobs._log

    def fail_first(work, asked):
        if left:
            raise left.pop()
        return log(work, asked)

    kinds = tuple((kind, fail_first if do is log else do) for kind, do in jobs._HANDLERS)
    monkeypatch.setattr(jobs, "_HANDLERS", kinds)
    ledger = home.open()
    assert ledger.log_decision(decision()).result(10).new
    assert ledger.health().kept_back == 0
    assert spooled(home.folder) == 0


def test_the_spool_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    alive = Spool(tmp_path, "alive")
    alive.append(decision())
    assert list(orphans(tmp_path)) == []
    alive.close()
    (orphan,) = orphans(tmp_path)
    assert [row.decision_id for row in orphan.records()] == ["d1"]
    assert list(orphans(tmp_path)) == []
    orphan.leave()


def test_a_long_spool_goes_on_in_another_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "busy")
    big = decision(payload=bytes(SEGMENT_BYTES // 2 + 1))
    segments = [spool.append(big) for _ in range(6)]
    assert len({segment.path for segment in segments}) == 3
    for segment in segments:
        spool.done(segment)
    assert [path.stat().st_size for path in tmp_path.glob("*.log")] == [0]
    spool.close()
    assert list(tmp_path.iterdir()) == []
