"""Decisions of a ledger taken again with what was in force then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from decisioning.ledger.ledger import Ledger
from features.errors import ModelError
from serving.replaying import ReplayReport, replay_all, replayer_of
from serving.settings import Settings

EVER = (0.0, 4e9)


@pytest.fixture
def take(house: Any, advisor: dict[str, str]) -> Callable[..., list[str]]:
    """Take committed decisions for customers; returns their ids."""

    def take(*customers: str) -> list[str]:
        question = {"channel": "advisor", "durable": True}
        with house.client() as client:
            return [
                client.post(
                    "/v1/next-best-actions", json=question | {"customer_id": one}, headers=advisor
                ).json()["decision_id"]
                for one in customers
            ]

    return take


@pytest.fixture
def replay(house: Any, tmp_path: Path) -> Callable[..., ReplayReport]:
    def replay(most: int | None = None, told: list[tuple[int, int]] | None = None) -> ReplayReport:
        settings = Settings(home=tmp_path, models=tmp_path / "models")
        progress = (lambda done, total: None) if told is None else (lambda *one: told.append(one))
        return replay_all(settings, house.ledger, *EVER, most, progress)

    return replay


def again(ledger: Ledger, decision_id: str, **given: Any) -> Any:
    row = ledger.decision(decision_id)
    assert row is not None
    replayer = replayer_of(ledger, Path("nowhere"), **given)
    return replayer.take_again(row.payload, row.vectors)


def test_an_empty_ledger_replays_whole(house: Any, replay) -> None:
    house.open_ledger()
    report = replay()
    assert (report.compared, report.same, report.share) == (0, 0, 1.0)


def test_decisions_replay_to_the_same_ranking_whatever_was_edited_since(
    house: Any, take, replay
) -> None:
    house.model = None
    house.catalog.write_text(fixed(house))
    take("1", "007", "nobody")
    house.catalog.write_text(fixed(house).replace("0.5", "0.001").replace("id: tea", "id: chai"))
    (house.folder / "policies.yaml").write_text("consent: {}\n")
    report = replay()
    assert (report.compared, report.same, report.share) == (3, 3, 1.0)
    assert report.different == report.failed == {}


def fixed(house: Any) -> str:
    """The catalog with propensities that need no model."""
    house.engine()
    text = house.catalog.read_text()
    for name, propensity in (("TEA", 0.5), ("RICE", 0.4), ("SOAP", 0.3)):
        text = text.replace(f"category: {name}}}", f"category: {name}, propensity: {propensity}}}")
    return text


def test_the_live_model_is_not_loaded_again(house: Any, take) -> None:
    (decision_id,) = take("1")
    told = again(house.ledger, decision_id, live=house.model)
    assert told.differences == ()
    assert [one.action_id for one in told.decision.results] == ["tea", "soap", "rice"]


def test_a_model_of_another_version_does_not_stand_in(house: Any, take) -> None:
    (decision_id,) = take("1")
    other = type(house.model)(house.store.layout, "2")
    with pytest.raises(ModelError, match=r"nowhere/adoption/1: the model of the decision"):
        again(house.ledger, decision_id, live=other)


def test_a_decision_whose_model_is_gone_is_counted_as_such(house: Any, take, replay) -> None:
    (decision_id,) = take("1")
    report = replay()
    assert (report.compared, report.same) == (0, 0)
    assert list(report.failed) == [decision_id]
    assert "the model of the decision is not there any more" in report.failed[decision_id]


def test_a_model_that_says_something_else_is_a_difference(house: Any, take) -> None:
    (decision_id,) = take("1")
    liar = type(house.model)(house.store.layout)
    liar.manifest.encodings = {"action_code": {"rice": 2, "soap": 1, "tea": 0}}
    (difference,) = again(house.ledger, decision_id, live=liar).differences
    assert difference.startswith("results were [('tea', ")


def test_a_decision_that_was_taken_while_the_model_failed_replays_without_it(
    house: Any, take
) -> None:
    house.model.failure = ModelError("damaged")
    (decision_id,) = take("1")
    told = again(house.ledger, decision_id)
    assert told.differences == ()
    assert [one.action_id for one in told.decision.results] == ["do_nothing"]


def test_only_so_many_are_taken_again_and_progress_is_told(house: Any, take, replay) -> None:
    house.model = None
    take("1", "2", "3", "4")
    told: list[tuple[int, int]] = []
    assert replay(most=3, told=told).compared == 3
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_was_erased_is_counted_and_not_compared(house: Any, take, replay) -> None:
    house.model = None
    take("1", "2")
    house.ledger.purge(4e9)
    report = replay()
    assert (report.compared, report.erased, report.share) == (0, 2, 1.0)


@pytest.mark.parametrize("column", ["payload", "vectors"])
def test_a_damaged_record_is_named_and_the_others_are_taken_again(
    house: Any, take, replay, column: str
) -> None:
    house.model = None
    house.open_ledger()
    damaged, _ = take("1", "007")
    with sqlite3.connect(house.folder / "ledger.db") as database:
        database.execute(f"UPDATE decisions SET {column} = x'00' WHERE decision_id = ?", (damaged,))
    database.close()
    report = replay()
    assert set(report.failed) == {damaged}
    assert (report.compared, report.same) == (1, 1)
