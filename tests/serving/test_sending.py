"""Taking back what was sent: what counts, what is refused, and that again changes nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from outbound_world import LIMIT, POLICIES, Outbound, outbound_home

from serving.sending import SendReport, told

NIGHT = "quiet_hours:\n  - {id: q, begins: '21:00', ends: '08:00', words: {en: Quiet, de: Ruhe}}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Outbound:
    return outbound_home(tmp_path, monkeypatch, capsys)


def statuses(out: str) -> dict[str, int]:
    told = [line.split() for line in out.splitlines()]
    return {words[0]: int(words[1]) for words in told if len(words) == 2}


def activate(home: Outbound, path: Path, *words: str) -> dict[str, int]:
    code, out, err = home.run("activate-batch", "--in", str(path), *words)
    assert code == 0, err
    return statuses(out)


def rows(path: Path) -> list[dict[str, Any]]:
    return parquet.read_table(path).to_pylist()


def test_of_two_batches_each_place_goes_to_one(home: Outbound) -> None:
    """Deferred decisions hold no place, so both batches have everybody; the second is refused."""
    who = home.audience(*(str(one) for one in range(20)))
    first, second = home.folder / "first.parquet", home.folder / "second.parquet"
    home.batch(who, first, run="first")
    home.batch(who, second, run="second")
    some = home.folder / "some.parquet"
    parquet.write_table(parquet.read_table(first).slice(0, 12), some)
    may = home.folder / "may.csv"
    assert activate(home, some) == {"activated": 12}
    assert activate(home, second, "--out", str(may)) == {"activated": 8, "conflict": 12}
    assert activate(home, first) == {"already": 12, "conflict": 8}
    query = (
        "SELECT max(n), sum(n) FROM (SELECT count(*) AS n FROM reservations GROUP BY customer_id)"
    )
    assert home.rows(query) == [(1, 20)]
    with may.open(encoding="utf-8", newline="") as file:
        left = list(csv.DictReader(file))
    gone = {row["customer_id"] for row in rows(some)}
    assert {row["customer_id"] for row in left} == {str(one) for one in range(20)} - gone
    assert all(row["run_id"] == "second" and row["title"] == "Tea" for row in left)


def test_what_was_sent_is_presented_once_and_counts_from_then(home: Outbound) -> None:
    home.at("2018-01-10T12:00:00+00:00")
    home.batch(home.audience("1", "2", "3"), home.out)
    told = parquet.read_table(home.out)
    when = ["2018-01-09T10:00:00Z", "2018-01-08 09:00:00", ""]
    sent = home.folder / "sent.csv"
    with sent.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("decision_id", "action_id", "sent"))
        writer.writerows(
            zip(told["decision_id"].to_pylist(), told["action_id"].to_pylist(), when, strict=True)
        )
    for expected in ("activated", "already"):
        _, out, _ = home.run("activate-batch", "--in", str(sent), "--sent-at", "sent")
        assert statuses(out) == {expected: 3}
        assert ("2 stored" if expected == "activated" else "2 duplicate") in out
    confirmed = "SELECT customer_id FROM reservations WHERE confirmed_at IS NOT NULL ORDER BY 1"
    assert home.rows(confirmed) == [("1",), ("2",)]


def test_a_time_of_sending_that_cannot_be_is_told(home: Outbound) -> None:
    home.at("2018-01-10T12:00:00+00:00")
    home.batch(home.audience("1"), home.out)
    (row,) = rows(home.out)
    sent = home.folder / "sent.csv"
    ids = f"{row['decision_id']},{row['action_id']}"
    sent.write_text(f"decision_id,action_id,sent\n{ids},2019-01-01T00:00:00Z\n")
    code, out, _ = home.run("activate-batch", "--in", str(sent), "--sent-at", "sent")
    assert code == 1 and "presentations: 1 refused" in out and "in the future" in out
    sent.write_text(f"decision_id,action_id,sent\n{ids},yesterday\n")
    code, _, err = home.run("activate-batch", "--in", str(sent), "--sent-at", "sent")
    assert code == 1 and "row 1: 'yesterday' is not a time" in err
    code, _, err = home.run("activate-batch", "--in", str(sent), "--sent-at", "when")
    assert code == 1 and "has no column 'when'" in err


def test_of_many_that_cannot_be_recorded_the_first_are_named_and_the_others_counted() -> None:
    report = SendReport(refused=[f"sent:{number}: why" for number in range(13)])
    assert told(report) == [*report.refused[:10], "and 3 more that cannot be used"]


def test_what_is_not_deferred_or_not_known_is_counted(home: Outbound) -> None:
    home.batch(home.audience("1"), home.out, "--live")
    live = rows(home.out)[0]["decision_id"]
    path = home.folder / "list.parquet"
    parquet.write_table(pa.table({"decision_id": [live, "nobody", live]}), path)
    assert activate(home, path) == {"not_deferred": 1, "unknown": 1}


def test_at_night_only_what_is_sent_later_is_activated(home: Outbound) -> None:
    home.policies(LIMIT + NIGHT)
    home.at("2018-01-10T22:00:00+00:00")
    home.batch(home.audience("1", "2"), home.out)
    assert {str(row["send_after"]) for row in rows(home.out)} == {"2018-01-11 08:00:00+00:00"}
    at_once = home.folder / "at_once.parquet"
    parquet.write_table(parquet.read_table(home.out, columns=["decision_id"]), at_once)
    assert activate(home, at_once) == {"conflict": 2}
    assert activate(home, home.out) == {"activated": 2}


@pytest.mark.parametrize("seed", range(3))
def test_nobody_without_consent_is_in_a_file_or_is_activated(home: Outbound, seed: int) -> None:
    from decisioning.ledger.open import open_ledger
    from decisioning.ledger.rows import ConsentRow

    dice = Random(seed)
    home.policies("consent: {}\n" + LIMIT, instead=True)
    home.at("2018-01-10T12:00:00+00:00")
    customers = [str(one) for one in range(60)]

    def speak(status: str, at: float) -> ConsentRow:
        channel = dice.choice(("all", "email", "web"))
        return ConsentRow(customer, "marketing", channel, status, at, at, "test")  # type: ignore[arg-type]

    said: dict[str, list[ConsentRow]] = {one: [] for one in customers}
    choices = ("granted", "granted", "withdrawn", "objected")

    def everybody_speaks(at: float) -> None:
        nonlocal customer
        with open_ledger(home.ledger, min_free_bytes=1) as ledger:
            for customer in customers:
                for more in range(dice.randint(0, 2)):
                    said[customer].append(speak(dice.choice(choices), at + more))
            ledger.record_consents([row for one in said.values() for row in one]).result()

    def agrees(one: str) -> bool:
        heard = [row for row in said[one] if row.channel in ("all", "email")]
        if any(row.status == "objected" for row in heard[-1:]):
            return False
        return bool(heard) and heard[-1].status == "granted"

    customer = ""
    everybody_speaks(1_515_000_000.0)
    _, out, _ = home.batch(home.audience(*customers), home.out)
    written = {row["customer_id"] for row in rows(home.out)}
    assert written <= {one for one in customers if agrees(one)}
    everybody_speaks(1_515_500_000.0)
    activate(home, home.out)
    active = {row[0] for row in home.rows("SELECT customer_id FROM reservations")}
    assert active <= {one for one in written if agrees(one)}
    assert active


def test_the_worlds_policies_assume_consent() -> None:
    assert "assumed: demo" in POLICIES
