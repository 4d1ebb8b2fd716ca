"""Writers that know nothing of each other, as those of two machines: the newest profile stays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from online_world import MOMENT, Kind

from features import online


def test_what_another_machine_writes_between_a_read_and_its_write_is_not_lost(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one has looked and not written yet when the newer one comes, without any lock."""
    older, newer = kind.on_another_machine(), kind.on_another_machine()
    stored, looked, written = online._stored, threading.Event(), threading.Event()
    kind.put("between", MOMENT, 0.0)

    def look(*asked: object) -> list[int | None]:
        found = stored(*asked)
        if threading.current_thread().name == "older" and not looked.is_set():
            looked.set()
            # On SQLite the newer one cannot write before this one has.
            written.wait(2)
        return found

    def write_newer() -> None:
        looked.wait(60)
        newer.put("between", MOMENT + timedelta(seconds=2), 2.0)
        written.set()

    monkeypatch.setattr(online, "_stored", look)
    earlier = MOMENT + timedelta(seconds=1)
    writers = [
        threading.Thread(name="older", target=older.put, args=("between", earlier, 1.0)),
        threading.Thread(name="newer", target=write_newer),
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert looked.is_set() and written.is_set()
    assert kind.number("between") == 2.0


def test_of_many_writers_at_once_the_newest_stays(kind: Kind) -> None:
    customers, machines = ["m1", "m2", "m3"], [kind.on_another_machine() for _ in range(4)]
    seconds = list(range(24))

    def write(at: int) -> None:
        dice = Random(at)
        for second in dice.sample(seconds, len(seconds)):
            for customer in customers:
                moment = MOMENT + timedelta(seconds=second, microseconds=at)
                machines[at].put(customer, moment, 10.0 * second + at)

    with ThreadPoolExecutor(len(machines)) as threads:
        list(threads.map(write, range(len(machines))))
    newest = 10.0 * seconds[-1] + len(machines) - 1
    assert [kind.number(customer) for customer in customers] == [newest] * 3


def test_a_write_that_fails_leaves_the_store_open_for_the_next(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[int | None]:
        raise OSError("as if the disk had failed here")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(online, "_stored", fails)
        kind.put("after", MOMENT, 1.0)
    kind.on_another_machine().put("after", MOMENT, 2.0)
    assert kind.number("after") == 2.0
