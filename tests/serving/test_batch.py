"""Deciding for a whole audience: once for each, as everywhere else, whatever interrupts it."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from outbound_world import LIMIT, Outbound, outbound_home

from serving.batch import decide_at
from serving.batch_rows import COLUMNS
from serving.outbound import outbound_question

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Outbound:
    return outbound_home(tmp_path, monkeypatch, capsys)


def rows(path: Path) -> list[dict[str, Any]]:
    return parquet.read_table(path).to_pylist()


def test_everybody_of_a_file_gets_a_row_that_a_mail_tool_can_read(home: Outbound) -> None:
    code, out, _ = home.batch(home.audience("007", "1", "Zoë, née X", "1"), home.out)
    assert code == 0
    assert "3 rows for 3 of 3 customers" in out
    table = parquet.read_table(home.out)
    assert table.column_names == list(COLUMNS)
    assert table.column("customer_id").to_pylist() == ["007", "1", "Zoë, née X"]
    (first, *_) = table.to_pylist()
    assert (first["rank"], first["action_id"], first["title"]) == (1, "tea", "Tea")
    assert (first["channel"], first["language"], first["explored"]) == ("email", "en", False)
    assert first["probability"] == 1.0 and first["propensity"] == 0.5
    assert first["decided_at"].tzinfo is not None


def test_a_csv_has_one_header_and_the_same_content(home: Outbound) -> None:
    who = home.audience("007", "1", 'a "quoted", name\nin two lines')
    home.batch(who, home.out, run="r")
    home.batch(who, home.out.with_suffix(".csv"), run="r")
    with home.out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        header, *told = csv.reader(file)
    assert header == list(COLUMNS)
    for row, line in zip(rows(home.out), told, strict=True):
        assert line[header.index("customer_id")] == row["customer_id"]
        assert line[header.index("decision_id")] == row["decision_id"]
        assert line[header.index("explored")] == "false"
        assert line[header.index("send_after")] == ""


def test_a_batch_is_deferred_and_takes_no_place_until_it_is_activated(home: Outbound) -> None:
    who = home.audience("1", "2")
    home.batch(who, home.out, run="one")
    assert home.counted("SELECT count(*) FROM reservations") == 0
    assert home.states() == {"pending": 2}
    home.batch(who, home.out, run="two")
    assert len(rows(home.out)) == 2
    code, out, _ = home.run("activate-batch", "--in", str(home.out))
    assert (code, out.split()[:2]) == (0, ["activated", "2"])
    assert home.counted("SELECT count(*) FROM reservations") == 2
    # A customer has one place in seven days: the next batch has nothing for them.
    _, out, _ = home.batch(who, home.out, run="three")
    assert "0 rows for 0 of 2 customers" in out
    assert "nothing for: 2 contacted_too_recently" in out
    assert rows(home.out) == []


def test_a_live_batch_takes_its_places_at_once(home: Outbound) -> None:
    who = home.audience("1", "2")
    home.batch(who, home.out, "--live")
    assert home.states() == {"live": 2}
    assert home.counted("SELECT count(*) FROM reservations") == 2
    assert "2 contacted_too_recently" in home.batch(who, home.out, "--live")[1]


def test_the_same_run_gives_the_same_answers_and_decides_nobody_twice(home: Outbound) -> None:
    who = home.audience(*(str(one) for one in range(30)))
    home.batch(who, home.out, run="r")
    first = rows(home.out)
    _, out, _ = home.batch(who, home.out, run="r")
    assert rows(home.out) == first
    assert "30 had been decided before" in out
    assert home.states() == {"pending": 30}


def test_a_run_is_for_one_question_alone(home: Outbound) -> None:
    home.batch(home.audience("1", "2"), home.out, run="r")
    code, _, err = home.batch(home.audience("1", "2"), home.out, "--language", "de", run="r")
    assert code == 1
    assert "batch:r:" in err and "another question" in err


def test_a_batch_that_is_killed_goes_on_and_ends_as_if_nothing_had_happened(
    home: Outbound,
) -> None:
    who = home.audience(*(f"c{one:04}" for one in range(700)))
    command = home.command(who, home.out, run="killed")
    kills = 0
    for after in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "nba.py", *command],
            cwd=ROOT,
            env=os.environ | {"NBA_LEDGER_FREE_MB": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and home.decided("killed") < 220 * after:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        kills += process.returncode == -signal.SIGKILL
        assert not home.out.exists()
    before = home.decided("killed")
    assert kills == 2 and 220 <= before < 700
    code, out, err = home.run(*command)
    assert code == 0, err
    assert "700 rows for 700 of 700 customers" in out
    assert home.decided("killed") == 700
    told = rows(home.out)
    assert Counter(row["customer_id"] for row in told) == Counter(f"c{n:04}" for n in range(700))
    # An undisturbed run with the same names, in another home.
    other = home.beside("other")
    other.batch(who, other.out, run="killed")
    same = ("decision_id", "customer_id", "rank", "action_id", "title", "propensity", "probability")
    assert [[row[name] for name in same] for row in told] == [
        [row[name] for name in same] for row in rows(other.out)
    ]
    assert not (home.folder / "outbound" / "killed").exists()


def test_a_run_goes_on_with_whom_it_was_begun_for(home: Outbound) -> None:
    who = home.audience("1", "2", "3")
    home.fail_to_write(lambda: home.batch(who, home.out, run="r"))
    assert home.states() == {"pending": 3}
    home.audience("1", "9")
    assert "3 rows for 3 of 3 customers" in home.batch(who, home.out, run="r")[1]
    assert {row["customer_id"] for row in rows(home.out)} == {"1", "2", "3"}


def test_a_run_that_is_begun_is_for_one_audience(home: Outbound) -> None:
    home.fail_to_write(lambda: home.batch(home.audience("1"), home.out, run="r"))
    other = home.folder / "other.csv"
    other.write_text("customer_id\n1\n")
    code, _, err = home.batch(other, home.out, run="r")
    assert code == 1 and "was begun with audience" in err


def test_quiet_hours_say_when_to_send_and_turn_nobody_down(home: Outbound) -> None:
    home.policies(
        "quiet_hours:\n  - {id: q, begins: '00:00', ends: '24:00', channels: [email], "
        "weekdays: [mon, tue, wed, thu, fri], words: {en: Quiet, de: Ruhe}}\n"
    )
    home.at("2018-01-03T12:00:00+00:00")
    home.batch(home.audience("1"), home.out)
    (row,) = rows(home.out)
    assert row["send_after"].isoformat() == "2018-01-06T00:00:00+00:00"
    # Live, it would be sent now, and that is not allowed.
    assert "1 quiet_hours" in home.batch(home.audience("1"), home.out, "--live")[1]


def test_no_consent_no_mail(home: Outbound) -> None:
    home.policies("consent: {}\n", instead=True)
    home.consent("2", "granted")
    _, out, _ = home.batch(home.audience("1", "2", "3"), home.out)
    assert [row["customer_id"] for row in rows(home.out)] == ["2"]
    assert "nothing for: 2 no_consent" in out


def test_a_ramp_and_a_control_group_hold_in_a_batch(house: Any) -> None:
    everybody = [str(one) for one in range(400)]
    house.store.known = tuple(everybody)
    who = house.folder / "who.csv"
    who.write_text("\n".join(("customer_id", *everybody)) + "\n")

    def batch(arbitration: str) -> tuple[set[str], dict[str, int]]:
        (house.folder / "arbitration.yaml").write_text(arbitration)
        parts, out = house.parts(), house.folder / "out.parquet"
        report = decide_at(
            parts.desk, house.folder, str(who), outbound_question("email", mode="deferred"), out
        )
        assert report.asked == 400
        assert report.customers + sum(report.nothing.values()) == 400
        return {row["customer_id"] for row in rows(out)}, report.nothing

    ramp = "ramp: {positives: 200, floor: 0.02, directions: [outbound]}\n"
    young, nothing = batch(ramp)
    # Of three young actions one has 12 of 200 positives: 8 percent; the others have 2 percent.
    assert 20 <= len(young) <= 80 and set(nothing) == {"young_action"}
    # A ramp deals by action and customer: the next mail goes to the same ones.
    assert batch(ramp)[0] == young
    inbound = ramp.replace("outbound", "inbound")
    assert batch(inbound)[0] == set(everybody)
    groups = "control_groups:\n  - {id: nothing_at_all, scope: global, share: 20}\n"
    left, nothing = batch(inbound + groups)
    assert set(nothing) == {"control_group"} and 50 <= nothing["control_group"] <= 110
    both, nothing = batch(ramp + groups)
    assert both == young & left and set(nothing) == {"control_group", "young_action"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nowhere.csv", "no such file"),
        ("profile.trips_91d > 'x'", "no profiles yet"),
        ("all", "no profiles yet"),
    ],
)
def test_an_audience_that_cannot_be_found_is_named(home: Outbound, wanted: str, said: str) -> None:
    code, _, err = home.batch(wanted, home.out)
    assert code == 1
    assert said in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"customer": ["1"]}, "has no column 'customer_id'; did you mean 'customer'?"),
        ({"customer_id": [1, 2]}, "is int64; ids are texts"),
        ({"customer_id": ["1", None]}, "row 2 has no customer_id"),
        ({"customer_id": ["1", ""]}, "row 2 has no customer_id"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(
    home: Outbound, content: dict[str, Any], said: str
) -> None:
    path = home.folder / "list.parquet"
    parquet.write_table(pa.table(content), path)
    code, _, err = home.batch(path, home.out)
    assert code == 1 and said in err
    assert not home.out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--channel", "pigeon"), "--channel 'pigeon' is none of web"),
        (("--language", "fr"), "--language 'fr' is none of en, de"),
        (("--placement", "hom"), "--placement 'hom' is none on email"),
        (("--run", "../up"), "--run '../up': up to 64"),
    ],
)
def test_what_cannot_be_asked_is_named(home: Outbound, words: tuple[str, ...], said: str) -> None:
    code, _, err = home.batch(home.audience("1"), home.out, *words)
    assert code == 1 and said in err
    assert home.states() == {}


def test_a_file_that_cannot_be_written_is_named_before_anybody_is_decided_for(
    home: Outbound,
) -> None:
    for out in (home.folder / "x.xlsx", home.folder / "no" / "x.csv"):
        code, _, err = home.batch(home.audience("1"), out)
        assert code == 1 and str(out) in err
    assert home.states() == {}


def test_an_expression_asks_the_profiles_of_everybody(
    house: Any, advisor: object, tmp_path: Path
) -> None:
    from serving.audience import audience
    from serving.outbound import outbound_question

    (tmp_path / "features").mkdir()
    parquet.write_table(
        pa.table({"customer_id": ["1", "007", "8"]}), tmp_path / "features" / "vector.parquet"
    )
    engine = house.engine()
    question = outbound_question("email")

    def whom(text: str) -> tuple[str, ...]:
        return audience(text, question, engine, tmp_path)

    assert whom("all") == ("007", "1", "8")
    assert whom("request.direction == 'outbound'") == ("007", "1", "8")
    # What is missing is no yes.
    assert whom("profile.trips_91d > 1.0") == ()
    assert whom("!known.profile.trips_91d") == ("007", "1", "8")


def test_the_limit_of_the_world_is_one_in_seven_days() -> None:
    assert "at_most: 1" in LIMIT and "days: 7" in LIMIT
