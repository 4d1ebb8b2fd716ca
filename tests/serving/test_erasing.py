"""An erasure may outlast the request that asked for it, and is told to whoever asks again."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from decisioning.ledger.open import open_ledger
from features.errors import DataError
from serving import erasing
from serving.erasing import Erased, Erasures, erase

DONE = Erased(("7", "8"), {"online": 1})


def test_what_is_quick_is_told_at_once() -> None:
    assert asyncio.run(Erasures().of("7", lambda: DONE, 30.0)) == DONE


def test_what_is_slow_goes_on_and_is_told_to_whoever_asks_again() -> None:
    may_end, runs = threading.Event(), []

    def slow() -> Erased:
        runs.append(1)
        may_end.wait(30)
        return DONE

    async def ask_twice() -> tuple[Any, Any, Any]:
        erasures = Erasures()
        first = await erasures.of("7", slow, 0.01)
        second = await erasures.of("7", slow, 0.01)
        may_end.set()
        return first, second, await erasures.of("7", slow, 30.0)

    assert asyncio.run(ask_twice()) == (None, None, DONE)
    assert len(runs) == 1


def test_one_that_failed_is_begun_anew_by_the_next_who_asks() -> None:
    left = [DataError("a table")]

    def fail_once() -> Erased:
        if left:
            raise left.pop()
        return DONE

    async def ask_twice() -> Erased | None:
        erasures = Erasures()
        with pytest.raises(DataError):
            await erasures.of("7", fail_once, 30.0)
        return await erasures.of("7", fail_once, 30.0)

    assert asyncio.run(ask_twice()) == DONE


def test_what_nobody_fetched_is_not_told_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "KEPT_S", -1.0)
    may_end = threading.Event()

    def slow() -> Erased:
        may_end.wait(30)
        return DONE

    async def come_back() -> Erased | None:
        erasures = Erasures()
        assert await erasures.of("7", slow, 0.01) is None
        may_end.set()
        while not erasures._tasks["7"][0].done():
            await asyncio.sleep(0.01)
        return await erasures.of("7", lambda: Erased(("7",)), 30.0)

    assert asyncio.run(come_back()) == Erased(("7",))


def test_one_that_fails_in_the_middle_reaches_every_id_when_it_is_repeated(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "broken.parquet").write_bytes(b"no")
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.people.merge("anonymous:a", "7", 1.0, "test").result(10)

        def ask() -> Erased:
            ids = ledger.people.people(["7"])["7"]
            return erase(ids, ["hash"], 5.0, ledger.rights, tmp_path, lambda _: 0)

        with pytest.raises(DataError):
            ask()
        assert dict(ledger.rights.erased()) == {"hash": 5.0}
        (data / "broken.parquet").unlink()
        assert ask().customer_ids == ("7", "anonymous:a")
        assert ledger.rights.everything_of(["7", "anonymous:a"]).rows == 0
