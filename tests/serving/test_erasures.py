"""An erasure may outlast the request that asked for it, and is told to whoever asks again."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import DataError
from serving import erasures as erasures_module
from serving.erasing import Erased
from serving.erasures import Erasures

DONE = Erased(("7", "8"), {"online": 1}, ("reports/of-7.html",))
PATIENCE_S = 30.0


def nobody() -> bool:
    return False


def somebody() -> bool:
    return True


def ended(folder: Path) -> bool:
    return any(folder.glob("*.json"))


class Slow:
    """An erasure that ends when it is told to."""

    def __init__(self) -> None:
        self.may_end, self.runs = threading.Event(), 0

    def __call__(self) -> Erased:
        self.runs += 1
        assert self.may_end.wait(PATIENCE_S)
        return DONE


async def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def test_what_is_quick_is_told_at_once(tmp_path: Path) -> None:
    async def ask() -> Erased | None:
        return await Erasures(tmp_path).of("hash", lambda: DONE, nobody, PATIENCE_S)

    assert asyncio.run(ask()) == DONE


def test_what_is_slow_goes_on_and_is_told_to_whoever_asks_again(tmp_path: Path) -> None:
    slow = Slow()

    async def ask() -> Erased | None:
        erasures = Erasures(tmp_path)
        assert await erasures.of("hash", slow, nobody, 0.01) is None
        assert await erasures.of("hash", slow, nobody, 0.01) is None
        slow.may_end.set()
        return await erasures.of("hash", slow, nobody, PATIENCE_S)

    assert asyncio.run(ask()) == DONE
    assert slow.runs == 1


def test_what_ended_meanwhile_is_told_by_another_process_and_told_again(tmp_path: Path) -> None:
    slow, again = Slow(), Erased(("7",), {})

    async def ask() -> list[Erased | None]:
        one, other = Erasures(tmp_path), Erasures(tmp_path)
        assert await one.of("hash", slow, nobody, 0.01) is None
        waiting = asyncio.create_task(other.of("hash", lambda: again, nobody, PATIENCE_S))
        await asyncio.sleep(0.05)
        slow.may_end.set()
        told = await waiting
        return [told, await one.of("hash", lambda: again, nobody, PATIENCE_S)]

    told, later = asyncio.run(ask())
    assert told is not None and (told.rows, told.left) == (DONE.rows, DONE.left)
    assert later == DONE


def test_who_came_back_is_erased_again_and_both_are_told_together(tmp_path: Path) -> None:
    slow = Slow()

    async def ask() -> Erased | None:
        erasures = Erasures(tmp_path)
        assert await erasures.of("hash", slow, nobody, 0.01) is None
        slow.may_end.set()
        await until(lambda: not erasures._running)
        fresh = Erased(("7",), {"online": 1, "ledger.events": 2})
        return await erasures.of("hash", lambda: fresh, somebody, PATIENCE_S)

    assert asyncio.run(ask()) == Erased(("7", "8"), {"online": 2, "ledger.events": 2})


def test_one_that_failed_is_begun_anew_by_the_next_who_asks(tmp_path: Path) -> None:
    left = [DataError("a table")]

    def fail_once() -> Erased:
        if left:
            raise left.pop()
        return DONE

    async def ask() -> Erased | None:
        erasures = Erasures(tmp_path)
        with pytest.raises(DataError):
            await erasures.of("hash", fail_once, nobody, PATIENCE_S)
        return await erasures.of("hash", fail_once, nobody, PATIENCE_S)

    assert asyncio.run(ask()) == DONE


def test_what_nobody_fetched_is_not_told_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures_module, "KEPT_S", -1.0)
    slow, later = Slow(), Erased(("7",))

    async def ask() -> Erased | None:
        erasures = Erasures(tmp_path)
        assert await erasures.of("hash", slow, nobody, 0.01) is None
        slow.may_end.set()
        await until(lambda: not erasures._running)
        return await erasures.of("other", lambda: later, nobody, PATIENCE_S)

    assert asyncio.run(ask()) == later
    assert not (tmp_path / "hash.json").exists()


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"ended": "x"}', '{"ended": 1e308}'])
def test_a_damaged_note_is_none(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "hash.json").write_text(damaged)

    async def ask() -> Erased | None:
        return await Erasures(tmp_path).of("hash", lambda: DONE, nobody, PATIENCE_S)

    assert asyncio.run(ask()) == DONE


def test_a_note_holds_no_customer_id(tmp_path: Path) -> None:
    slow = Slow()

    async def ask() -> None:
        assert await Erasures(tmp_path).of("hash", slow, nobody, 0.01) is None
        slow.may_end.set()
        await until(lambda: ended(tmp_path))

    asyncio.run(ask())
    (note,) = tmp_path.glob("*.json")
    assert json.loads(note.read_text()).keys() == {"ended", "rows", "left"}
