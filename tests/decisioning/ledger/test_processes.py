"""Two processes on one ledger: they share caps, requests and the file."""

from __future__ import annotations

from ledger_processes import let_go, start
from ledger_rows import NEEDS, NOON

COMPETE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ledger_rows import decision, slot
from decisioning.ledger.open import open_ledger

place, spool, name = sys.argv[1:4]
with open_ledger(place, spool=Path(spool)) as ledger, ThreadPoolExecutor(8) as threads:
    print("ready", flush=True)
    sys.stdin.readline()

    def decide(number):
        row = decision(f"{name}{number}", customer_id=f"{name}{number}")
        few = lambda history: sum(volume.presented for volume in history.volumes) < 5
        return ledger.take_decision(row, (slot(),), few).result().stored

    print(sum(threads.map(decide, range(40))), flush=True)
"""


def test_two_processes_that_compete_for_slots_get_them_once(home) -> None:
    """Both also open the new ledger at once, so one of them finds its tables just made."""
    children = [start(home, COMPETE, name) for name in "ab"]
    won = [int(told) for told in let_go(children)]
    assert sum(won) == 5
    ledger = home.open()
    (volume,) = ledger.history(None, NOON, NEEDS).volumes
    assert volume.presented == 5
    assert len(list(ledger.decisions_between(0, 2 * NOON))) == 5
    assert ledger.verify().whole
