"""A process that writes to a ledger until it is killed, and says what was acknowledged.

`python ledger_child.py PLACE SPOOL NAME`: one line per acknowledgement, `decision ID`,
`taken ID` or `outcome ID`, flushed before the next write.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from threading import Lock, Thread

from ledger_rows import NOON, decision, outcome, slot

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.open import open_ledger

_OUTPUT = Lock()


def acknowledge(what: str, name: str) -> None:
    with _OUTPUT:
        sys.stdout.write(f"{what} {name}\n")
        sys.stdout.flush()


def write(ledger: Ledger, name: str) -> None:
    for number in count():
        logged, taken = f"{name}-{number}-logged", f"{name}-{number}-taken"
        ledger.log_decision(decision(logged))
        acknowledge("decision", logged)
        ledger.take_decision(decision(taken), (slot(),), lambda _: True).result()
        acknowledge("taken", taken)
        items = [outcome(f"{taken}-{n}", decision_id=taken) for n in range(2)]
        items.append(outcome(f"{logged}-0", "clicked", logged))
        for item, status in zip(items, ledger.store_outcomes(items, NOON).result(), strict=True):
            assert status == "stored", status
            acknowledge("outcome", item.event_id)


def main(place: str, spool: str, name: str) -> None:
    ledger = open_ledger(place, spool=Path(spool))
    for number in range(3):
        Thread(target=write, args=(ledger, f"{name}-{number}"), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:4])
