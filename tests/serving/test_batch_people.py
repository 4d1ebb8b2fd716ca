"""A person with several customer ids gets one mail, whenever the ids became one person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from outbound_world import Outbound, outbound_home

import serving.batch
from serving.audience import audience
from serving.batch_people import Persons
from serving.outbound import outbound_question


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Outbound:
    return outbound_home(tmp_path, monkeypatch, capsys)


def merge(home: Outbound, absorbed: str, customer: str, verb: str = "merge") -> None:
    assert home.run("identity", verb, absorbed, customer)[0] == 0


def rows(home: Outbound) -> list[tuple[str, str]]:
    found = parquet.read_table(home.out).to_pylist()
    return [(row["customer_id"], row["absorbed_ids"]) for row in found]


def activated(home: Outbound, path: Path | None = None) -> dict[str, int]:
    code, out, err = home.run("activate-batch", "--in", str(path or home.out))
    assert code == 0, err
    return {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}


def test_two_ids_of_one_person_are_one_row_under_the_id_that_stands_for_them(
    home: Outbound,
) -> None:
    merge(home, "8", "7")
    _, out, _ = home.batch(home.audience("7", "8", "9"), home.out)
    assert rows(home) == [("7", "8"), ("9", "")]
    assert "2 rows for 2 of 2 customers" in out
    assert "1 id is that of a person under another id, who counts once" in out
    assert home.rows("SELECT customer_id FROM decisions ORDER BY 1") == [("7",), ("9",)]


def test_somebody_who_is_named_by_absorbed_ids_alone_gets_one_row(home: Outbound) -> None:
    merge(home, "8", "7")
    merge(home, "6", "7")
    _, out, _ = home.batch(home.audience("8", "6"), home.out, "--live")
    assert rows(home) == [("7", "6; 8")]
    assert "1 rows for 1 of 1 customers" in out and "2 ids are those of a person" in out


def test_limits_and_consents_of_every_id_hold_in_a_batch(home: Outbound) -> None:
    home.batch(home.audience("8"), home.out, "--live")
    home.consent("6", "objected")
    merge(home, "8", "7")
    merge(home, "6", "5")
    _, out, _ = home.batch(home.audience("7", "5"), home.out)
    assert "nothing for: 1 contacted_too_recently, 1 objected" in out
    assert rows(home) == []


def test_a_merge_between_start_and_resume_leaves_one_row(home: Outbound) -> None:
    who = home.audience("7", "8", "9")
    home.fail_to_write(lambda: home.batch(who, home.out, run="r"))
    assert home.states() == {"pending": 3}
    merge(home, "8", "7")
    _, out, _ = home.batch(who, home.out, run="r")
    assert rows(home) == [("7", "8"), ("9", "")]
    assert "2 rows for 2 of 2 customers" in out
    assert home.states() == {"pending": 3}


def test_who_was_decided_for_under_one_id_is_not_asked_about_again_under_another(
    home: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = home.audience("7", "8", "9")
    take = serving.batch.take

    async def dies(desk: Any, request: Any) -> Any:
        if request.customer_id != "8":
            await asyncio.Event().wait()
        await take(desk, request)
        raise OSError("as if the process had died here")

    with monkeypatch.context() as patch:
        patch.setattr(serving.batch, "take", dies)
        with pytest.raises(OSError):
            home.batch(who, home.out, run="r")
    assert home.rows("SELECT customer_id FROM decisions") == [("8",)]
    merge(home, "8", "7")
    home.batch(who, home.out, run="r")
    assert rows(home) == [("7", "8"), ("9", "")]
    assert home.rows("SELECT customer_id FROM decisions ORDER BY 1") == [("8",), ("9",)]


def test_a_merge_that_is_taken_back_before_the_resume_leaves_two_persons(home: Outbound) -> None:
    who = home.audience("7", "8")
    merge(home, "8", "7")
    home.fail_to_write(lambda: home.batch(who, home.out, run="r"))
    assert home.states() == {"pending": 1}
    merge(home, "8", "7", "unmerge")
    home.batch(who, home.out, run="r")
    assert rows(home) == [("7", ""), ("8", "")]
    assert home.states() == {"pending": 2}


def test_a_merge_while_a_batch_runs_leaves_one_row(
    home: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, told = serving.batch.take, []

    async def merges(desk: Any, request: Any) -> Any:
        answer = await take(desk, request)
        if request.customer_id == "9" and not told:
            told.append(desk.ledger.people.merge("8", "7", 0.0, "test").result(30))
        return answer

    monkeypatch.setattr(serving.batch, "take", merges)
    home.batch(home.audience("7", "8", "9"), home.out)
    assert told == ["changed"]
    assert rows(home) == [("7", "8"), ("9", "")]


def test_of_two_decisions_of_a_batch_one_is_activated_once_the_two_are_one_person(
    home: Outbound,
) -> None:
    home.policies("")
    home.batch(home.audience("7", "8", "9"), home.out)
    merge(home, "8", "7")
    assert activated(home) == {"activated": 2, "same_person": 1}
    assert activated(home) == {"already": 2, "same_person": 1}


def test_that_one_is_activated_holds_over_several_lists_and_what_may_be_sent(
    home: Outbound,
) -> None:
    home.policies("")
    home.batch(home.audience("7", "8"), home.out, run="r")
    table, parts = parquet.read_table(home.out), []
    for at in range(2):
        parts.append(home.folder / f"part{at}.parquet")
        parquet.write_table(table.slice(at, 1), parts[-1])
    merge(home, "8", "7")
    assert activated(home, parts[1]) == {"activated": 1}
    may = home.folder / "may.parquet"
    home.run("activate-batch", "--in", str(home.out), "--out", str(may))
    assert parquet.read_table(may)["customer_id"].to_pylist() == ["8"]
    # The same run once more has what was activated, not what could be.
    home.batch(home.audience("7", "8"), home.out, run="r")
    assert parquet.read_table(home.out)["decision_id"].to_pylist() == [
        table["decision_id"][1].as_py()
    ]
    assert activated(home, parts[0]) == {"same_person": 1}


def test_what_was_decided_before_a_merge_counts_against_the_person_when_activated_after_it(
    home: Outbound,
) -> None:
    first, second = home.folder / "first.parquet", home.folder / "second.parquet"
    home.batch(home.audience("8"), first, run="first")
    home.batch(home.audience("7"), second, run="second")
    merge(home, "8", "7")
    assert activated(home, first) == {"activated": 1}
    assert activated(home, second) == {"conflict": 1}
    assert "1 contacted_too_recently" in home.batch(home.audience("7"), home.out)[1]


def test_an_expression_is_asked_about_the_profile_of_the_person(house: Any, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    names = pa.table({"customer_id": ["7", "8", "9", "10"]})
    parquet.write_table(names, tmp_path / "features" / "vector.parquet")
    persons = Persons((), {"7": ("7", "8"), "10": ("10", "9")})
    engine, online = house.engine(), house.store.online

    def with_trips(customer_id: str) -> Any:
        profiles = online(customer_id)
        trips = 20.0 if customer_id in ("7", "9") else 0.0
        profiles.vectors[0, profiles.layout.scalars.index("trips_91d")] = trips
        return profiles

    house.store.online = with_trips
    wanted, question = "profile.trips_91d > 12.0", outbound_question("email")
    assert audience(wanted, question, engine, tmp_path) == ("7", "9")
    assert audience(wanted, question, engine, tmp_path, root_of=persons.root) == ("7", "8")
