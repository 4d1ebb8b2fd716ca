"""Rows of the log against a world that knows what each of them has to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning_plans import Plan, Told, anything
from learning_shop import ACTIONS, DAY, INPUTS, NEW_DAYS, START, UNKNOWN_THEN
from learning_world import World
from postgres_world import Server, running_postgres

from decisioning.ledger.open import open_ledger
from decisioning.ledger.reading import open_reader
from features.errors import LedgerError
from training.frozen import Wanted
from training.logged import LoggedRows, read_log

NOW = START + 40 * DAY


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_ledger(tmp_path / "ledger.db") as ledger:
        yield World(ledger, NOW)


def read(place: str | Path, now: float = NOW, since: float = 0.0) -> LoggedRows:
    reader = open_reader(place)
    assert reader is not None
    with reader:
        return read_log(reader, Wanted(INPUTS, {}), since, now + 1.0, now)


def read_of(world: World, now: float | None = None) -> LoggedRows:
    world.finish()
    return read(world.ledger._store.place, world.now if now is None else now)


def one_row(world: World, plan: Plan, action: str = "tea", at: float = START) -> Any:
    """Return the row of an action of which `plan` became something, of a new decision."""
    name = world.live(world.new, at, "007", lambda _, one, __: plan if one == action else Plan(()))
    (row,) = [r for r in read_of(world).rows if r.decision_id == name]
    return row


def fill(world: World, decisions: int) -> None:
    """Let anything happen: two catalogs, two layouts, every kind of decision."""
    for number in range(decisions):
        engine = world.old if number % 3 == 0 else world.new
        at = START + float(int(world.rng.integers(0, 39 * 86_400)))
        customer = f"00{world.rng.integers(9)}"
        world.live(engine, at, customer, anything)
    pending = world.decide(world.new, START + DAY, "007", mode="deferred").decision
    world.tell(pending.decision_id, "tea", "presented", START + DAY + 5.0)
    world.tell(pending.decision_id, "tea", "accepted", START + DAY + 9.0)
    world.decisions["pending"] += 1
    nothing = world.decide(world.new, START + DAY, "007", candidates=("nothing",)).decision
    world.tell(nothing.decision_id, "nothing", "presented", START + DAY + 5.0)
    world.decisions["default_only"] += 1
    world.outcomes["unmatched"] += 3
    gone = world.decide(world.new, START + DAY, "gone").decision
    world.tell(gone.decision_id, "tea", "presented", START + DAY + 5.0)
    world.finish()
    world.ledger.rights.forget(["gone"])
    world.decisions["erased"] += 1
    damaged = world.decide(world.new, START + DAY, "007").decision
    world.tell(damaged.decision_id, "tea", "presented", START + DAY + 5.0)
    world.finish()
    world.damage(damaged.decision_id)
    world.decisions["unreadable"] += 1
    world.outcomes["unmatched"] += 1
    for number in range(3):
        world.tell(f"never taken {number}", "tea", "accepted", START + DAY)
    world.outcomes["unknown_decision"] += 3
    world.finish()


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_labels_inputs_and_counts_are_those_that_the_world_knows(
    place: str, tmp_path: Path, seed: int
) -> None:
    with open_ledger(place, spool=tmp_path / "spool") as ledger:
        world = World(ledger, NOW, seed)
        fill(world, 120)
        logged = read(place)
    found = {(row.decision_id, row.action_id): at for at, row in enumerate(logged.rows)}
    assert found.keys() == world.rows.keys()
    assert len(logged.rows) == len(found) > 200
    for key, truth in world.rows.items():
        row = logged.rows[found[key]]
        told = (row.state, row.settled, row.shown_at, row.closes_at, row.revenue, row.customer_id)
        assert told == (
            truth.state, truth.settled, truth.shown_at, truth.closes_at, truth.revenue,
            truth.customer_id,
        ), key  # fmt: skip
        np.testing.assert_equal(row.grade, truth.grade)
        assert (row.probability, row.model) == (truth.probability, truth.model)
    assert {row.state for row in logged.rows} == {
        "positive", "explicit_negative", "implicit_negative", "late_only", "open",
    }  # fmt: skip
    book = logged.reconciliation
    assert +book.parts["decisions"] == +world.decisions
    assert +book.parts["outcomes"] == +world.outcomes
    assert book.totals["decisions"] == world.decisions.total()
    assert book.totals["outcomes"] == world.outcomes.total()
    assert book.totals["rows"] == len(world.rows)
    assert book.told_later == world.told_later
    (reason,) = book.unreadable.values()
    assert "not the record of a decision" in reason


def test_inputs_are_those_of_the_decision_to_the_last_bit_though_the_profile_changed(
    world: World,
) -> None:
    fill(world, 60)
    logged = read_of(world)
    place = {name: at for at, name in enumerate(INPUTS)}
    assert {truth.model for truth in world.rows.values()} == {"offers/1", "offers/2"}
    for at, row in enumerate(logged.rows):
        truth = world.rows[row.decision_id, row.action_id]
        mine = logged.inputs.x[at, [place[name] for name in truth.names]]
        assert mine.tobytes() == np.ascontiguousarray(truth.x).tobytes()
        # The store draws another profile at every reading.
        others = np.setdiff1d(np.arange(len(INPUTS)), [place[name] for name in truth.names])
        assert np.isnan(logged.inputs.x[at, others]).all()


def test_what_an_older_layout_did_not_hold_is_missing_and_marked(world: World) -> None:
    world.live(world.old, START, "007", lambda *_: Plan())
    world.live(world.new, START + 1.0, "007", lambda *_: Plan())
    logged = read_of(world)
    unknown = logged.inputs.unknown[:, INPUTS.index(UNKNOWN_THEN)]
    old = np.array([row.model == "offers/1" for row in logged.rows])
    np.testing.assert_array_equal(unknown, old)
    assert logged.inputs.unknown.sum() == old.sum() == 3


@pytest.mark.parametrize(
    ("now_after", "state"), [(-1.0, "open"), (0.0, "open"), (1.0, "implicit_negative")]
)
def test_a_window_closes_behind_its_last_moment(world: World, now_after: float, state: str) -> None:
    name = world.live(world.new, START, "007", lambda *_: Plan())
    closes_at = START + 60.0 + NEW_DAYS["tea"] * DAY
    rows = read_of(world, closes_at + now_after).rows
    (row,) = [r for r in rows if (r.decision_id, r.action_id) == (name, "tea")]
    assert (row.closes_at, row.state) == (closes_at, state)


def test_an_answer_in_the_last_moment_counts_and_one_second_later_does_not(world: World) -> None:
    in_time = one_row(world, Plan(told=(Told("accepted", 1.0, value=3.0),)))
    late = one_row(world, Plan(told=(Told("accepted", 1.0, inside=False, value=3.0),)))
    assert (in_time.state, in_time.grade, in_time.revenue) == ("positive", 1.0, 3.0)
    assert (late.state, late.grade, late.revenue) == ("late_only", 0.0, 0.0)


def test_the_weights_are_those_of_the_catalog_of_then(world: World) -> None:
    click = Plan(told=(Told("clicked", 0.5),))
    for engine in (world.old, world.new):
        world.live(engine, START, "007", lambda rng, action, engine: click)
    found = {(r.model, r.action_id): (r.state, r.grade) for r in read_of(world).rows}
    assert found["offers/1", "tea"] == ("positive", 0.25)
    assert found["offers/2", "tea"] == ("positive", 0.5)
    assert found["offers/2", "rice"] == ("implicit_negative", 0.0)


def test_the_largest_weight_counts_and_a_no_weighs_nothing(world: World) -> None:
    both = one_row(world, Plan(told=(Told("clicked", 0.1), Told("accepted", 0.2, value=2.0))))
    after_no = one_row(world, Plan(told=(Told("refused", 0.1), Told("accepted", 0.2))))
    assert (both.state, both.grade, both.revenue) == ("positive", 1.0, 2.0)
    assert (after_no.state, after_no.grade) == ("positive", 1.0)


def test_a_no_is_known_before_the_window_closes(world: World) -> None:
    row = one_row(world, Plan(told=(Told("refused", 0.01),)), at=NOW - DAY)
    assert (row.state, row.grade, row.settled) == ("explicit_negative", 0.0, False)


def test_what_was_taken_back_does_not_count(world: World) -> None:
    row = one_row(world, Plan(told=(Told("accepted", 0.2),), answers_undone=True))
    assert (row.state, row.grade) == ("implicit_negative", 0.0)


def test_a_deferred_decision_gives_rows_once_it_is_activated(world: World) -> None:
    answer = world.decide(world.new, START, "007", mode="deferred")
    name = answer.decision.decision_id
    world.tell(name, "tea", "presented", START + DAY)
    assert read_of(world).rows == ()
    world.ledger.activate(name, START + 60.0).result()
    (row,) = read_of(world).rows
    assert (row.decided_at, row.shown_at, row.state) == (START, START + DAY, "implicit_negative")


def test_a_report_that_came_after_the_window_is_matched_and_counted(world: World) -> None:
    world.live(world.new, START, "007", lambda *_: Plan(told=(Told("accepted", 0.5),)))
    book = read_of(world).reconciliation
    assert book.told_later == len(ACTIONS)
    assert book.parts["outcomes"]["late"] == 0


def test_only_decisions_of_the_period_are_read(world: World) -> None:
    for day in (0, 1, 2):
        world.live(world.new, START + day * DAY, "007", lambda *_: Plan())
    world.finish()
    logged = read(world.ledger._store.place, since=START + DAY)
    assert sorted({row.decided_at for row in logged.rows}) == [START + DAY, START + 2 * DAY]
    assert logged.reconciliation.totals["decisions"] == 2


def test_an_empty_ledger_gives_no_rows_and_adds_up(world: World) -> None:
    logged = read_of(world)
    assert (logged.rows, logged.inputs.x.shape) == ((), (0, len(INPUTS)))
    assert logged.reconciliation.as_dict()["decisions"]["total"] == 0


def test_where_there_is_no_ledger_none_is_made(tmp_path: Path) -> None:
    assert open_reader(tmp_path / "ledger.db") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else" * 999)
    with pytest.raises(LedgerError, match="not a ledger"):
        open_reader(tmp_path / "ledger.db")


def test_a_ledger_of_another_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    open_ledger(place).close()
    with closing(sqlite3.connect(place)) as file, file:
        file.execute("UPDATE ledger_revision SET version_num = 'other'")
    with pytest.raises(LedgerError, match="has revision other"):
        open_reader(place)
