"""What is forgotten is gone, and the chain still holds."""

from __future__ import annotations

from ledger_rows import NEEDS, NOON, decision, outcome, slot

from decisioning.history import NO_HISTORY
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.retention import Forgotten
from decisioning.ledger.rows import ConsentRow

DAY_SECONDS = 86_400.0


def fill(ledger: Ledger, count: int, customer_id: str = "007", prefix: str = "d") -> None:
    """One decision a day, presented and clicked."""
    for number in range(count):
        at = NOON + number * DAY_SECONDS
        name = f"{prefix}{number}"
        row = decision(name, decided_at=at, customer_id=customer_id, answer=b"yes")
        ledger.take_decision(row, (slot(expires_at=at + 60),))
        items = [
            outcome(f"{name}-{kind}", kind, name, occurred_at=at + 5)
            for kind in ("presented", "clicked")
        ]
        ledger.store_outcomes(items, at)
    ledger.flush(30)


def test_what_is_older_is_erased_and_the_chain_says_how_much(ledger: Ledger) -> None:
    fill(ledger, 10)
    before = NOON + 4 * DAY_SECONDS
    told: list[Forgotten] = []
    assert ledger.purge(before, progress=told.append) == Forgotten(4, 8, 4)
    assert told[-1] == Forgotten(4, 8, 4)
    assert ledger.purge(before) == Forgotten()
    erased = ledger.decision("d3")
    assert erased is not None
    assert (erased.state, erased.payload, erased.customer_id) == ("erased", b"", None)
    assert (erased.answer, erased.actions, erased.decided_at) == (None, (), before - DAY_SECONDS)
    assert ledger.outcomes_of("d3") == () and len(ledger.outcomes_of("d4")) == 2
    report = ledger.verify()
    assert (report.whole, report.rows, report.erased) == (True, 10, 4)
    # Presentations of everybody name nobody.
    (volume,) = ledger.history(None, NOON, NEEDS).volumes
    assert volume.presented == 10


def test_outcomes_may_be_kept_for_another_time_than_decisions(ledger: Ledger) -> None:
    fill(ledger, 6)
    done = ledger.purge(NOON + 2 * DAY_SECONDS, NOON + 4 * DAY_SECONDS)
    assert done == Forgotten(2, 8, 2)
    assert ledger.outcomes_of("d3") == () and ledger.decision("d3").state == "live"


def test_an_outcome_of_an_erased_decision_brings_nothing_back(ledger: Ledger) -> None:
    fill(ledger, 1)
    ledger.purge(NOON + DAY_SECONDS)
    late = outcome("late", "accepted", "d0")
    assert ledger.store_outcomes([late], NOON).result(10) == ["unknown_action"]
    assert ledger.outcomes_of("d0") == ()


def test_a_customer_who_is_forgotten_is_nowhere_and_nobody_else_is(ledger: Ledger) -> None:
    fill(ledger, 3)
    fill(ledger, 3, "008", "other")
    consent = ConsentRow("007", "marketing", "all", "granted", NOON, NOON, "web")
    ledger.record_consents([consent]).result(10)
    assert ledger.rights.forget(["007"]) == Forgotten(3, 6, 3, 1)
    assert ledger.history("007", NOON + 5, NEEDS).contacts == ()
    assert ledger.history("007", NOON + 5, NEEDS).consents == ()
    assert len(ledger.history("008", NOON + 5, NEEDS).contacts) == 6
    assert ledger.rights.forget(["007"]) == Forgotten()
    report = ledger.verify()
    assert report.whole and report.erased == 3


def test_no_byte_of_a_forgotten_customer_stays_in_the_files(sqlite_home) -> None:
    ledger = sqlite_home.open()
    name = b"customer-4711-of-this-test"
    fill(ledger, 50, name.decode())
    ledger.history(name.decode(), NOON, NEEDS)

    def found() -> set[str]:
        files = (path for path in sqlite_home.folder.rglob("*") if path.is_file())
        return {path.name for path in files if name in path.read_bytes()}

    assert found() != set()
    ledger.rights.forget([name.decode()])
    assert found() == set()
    assert ledger.history(name.decode(), NOON, NEEDS).contacts == NO_HISTORY.contacts
