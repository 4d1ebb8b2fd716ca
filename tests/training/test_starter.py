from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from foreign_data import ACTIONS, CATEGORIES, NOW, write_without_touchpoints
from foreign_data import write_without_transactions as write_contacts

from decisioning.catalog import load_catalog
from features.calendar import Calendar
from features.canonical.tables import Tables, open_tables
from features.errors import ConfigError, DataError
from training.decisions import presented
from training.problem import Presentations, Problem, Schedule, load_problem
from training.slices import cut
from training.starter import Starter, write_starter

CALENDAR = Calendar()


def start(tables: Tables, folder: Path, now: datetime = NOW) -> Starter:
    return write_starter(tables, folder / "configs", "mine", now, CALENDAR)


def parquet(folder: Path, **tables: pd.DataFrame) -> Tables:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return open_tables(folder)


def receipts(folder: Path, **how: int) -> Tables:
    write_without_touchpoints(folder, **how)
    return parquet(
        folder,
        transactions=pd.read_csv(
            folder / "transactions.csv",
            dtype={"customer_id": str, "transaction_id": str},
            parse_dates=["timestamp"],
        ),
    )


def offers(folder: Path, days: int, action_of_day: list[str], per_day: int = 20) -> Tables:
    """A fifth of what was presented is accepted an hour later."""
    rows = [
        (f"{day}-{one}", f"{one}", NOW - timedelta(days=days - day, hours=2), action_of_day[day])
        for day in range(days)
        for one in range(per_day)
    ]
    shown = pd.DataFrame(rows, columns=["touchpoint_id", "customer_id", "timestamp", "action_id"])
    shown["timestamp"] = shown.timestamp.dt.tz_localize(None)
    shown["type"], shown["channel"] = "presented", "web"
    accepted = shown[shown.index % 5 == 0].assign(type="accepted")
    accepted["timestamp"] += pd.Timedelta(hours=1)
    accepted["touchpoint_id"] += "-yes"
    return parquet(folder, touchpoints=pd.concat([shown, accepted]))


def positives_by_slice(problem: Problem, tables: Tables) -> dict[str, int]:
    shown = presented(problem, tables, NOW)
    seconds = shown.points.moments[shown.decision].astype("datetime64[s]").astype("int64")
    cuts = cut(seconds.astype(float), problem, CALENDAR)
    return {name: int(shown.y[mask].sum()) for name, mask in vars(cuts).items()}


def test_contacts_give_a_response_problem_and_a_catalog_that_can_be_read(tmp_path: Path) -> None:
    starter = start(open_tables(write_contacts(tmp_path / "data")), tmp_path)
    problem, catalog = load_problem(starter.problem), load_catalog(starter.catalog)
    policies = starter.catalog.with_name("policies.yaml")
    assert starter.files == (starter.catalog, policies, starter.problem)
    assert starter.problem.name == "response.yaml"
    assert problem.label_model == "response"
    assert catalog.action_ids == ACTIONS
    assert {action.group for action in catalog.actions} == {"service", "sales"}


def test_a_text_that_only_says_which_action_it_is_is_no_input(tmp_path: Path) -> None:
    starter = start(open_tables(write_contacts(tmp_path / "data")), tmp_path)
    assert load_problem(starter.problem).inputs.attributes == ("kind", "minutes")
    gold = load_catalog(starter.catalog).ordered[1]
    assert gold.attributes == {
        "kind": "sales", "minutes": 10.0, "slogan": "The gold_card slogan"
    }  # fmt: skip


def test_receipts_give_an_adoption_problem_about_their_categories(tmp_path: Path) -> None:
    starter = start(receipts(tmp_path / "data"), tmp_path)
    problem, catalog = load_problem(starter.problem), load_catalog(starter.catalog)
    assert starter.problem.name == "adoption.yaml"
    assert isinstance(problem.decisions, Schedule)
    assert {action.category for action in catalog.actions} == set(CATEGORIES)
    assert "brot_broetchen" in catalog.action_ids
    assert catalog.eligibility[0].more_than == 2 * problem.window_days
    assert any("organic demand only" in note for note in starter.notes)


def test_only_the_32_categories_with_the_most_buyers_become_actions(tmp_path: Path) -> None:
    tables = receipts(tmp_path / "data")
    rows = tables.transactions.to_pandas()
    rows["category"] = [f"c{number:02d}" for number in np.arange(len(rows)) % 40]
    rare = rows.category.str[1:].astype(int) < 8
    few = parquet(tmp_path / "many", transactions=rows[~rare | (rows.customer_id == "00003")])
    catalog = load_catalog(start(few, tmp_path).catalog)
    assert catalog.action_ids == tuple(f"c{number:02d}" for number in range(8, 40))


def test_categories_that_are_spelt_alike_stay_apart(tmp_path: Path) -> None:
    rows = receipts(tmp_path / "data").transactions.to_pandas()
    rows["category"] = rows.category.replace({"Tee": "TEA", "WINE": "tea", "Socks": "茶"})
    catalog = load_catalog(start(parquet(tmp_path / "alike", transactions=rows), tmp_path).catalog)
    assert {"tea", "tea_2", "category"} <= set(catalog.action_ids)
    assert len({action.category for action in catalog.actions}) == len(CATEGORIES)


def test_a_short_history_gets_a_short_window_and_says_so(tmp_path: Path) -> None:
    starter = start(receipts(tmp_path / "data", number=400, days=60), tmp_path)
    assert load_problem(starter.problem).window_days == 7
    assert any("history is short" in note for note in starter.notes)


def test_the_days_after_the_last_delivery_are_not_taken_for_days_without_purchases(
    tmp_path: Path,
) -> None:
    late = NOW + timedelta(days=100)
    decisions = load_problem(start(receipts(tmp_path / "data"), tmp_path, late).problem).decisions
    assert isinstance(decisions, Schedule)
    assert decisions.last.isoformat() == "2024-12-04"


@pytest.mark.parametrize("days", [40, 90, 300])
def test_every_slice_has_positive_presentations(tmp_path: Path, days: int) -> None:
    tables = offers(tmp_path / "data", days, ["visit"] * days)
    problem = load_problem(start(tables, tmp_path).problem)
    assert min(positives_by_slice(problem, tables).values()) >= 5


def test_even_the_presentations_of_six_days_are_cut_in_time(tmp_path: Path) -> None:
    tables = offers(tmp_path / "data", 6, ["visit"] * 6, per_day=60)
    problem = load_problem(start(tables, tmp_path).problem)
    assert problem.window_days == 1
    assert min(positives_by_slice(problem, tables).values()) >= 5


def test_answers_of_a_single_day_cannot_be_cut_in_time(tmp_path: Path) -> None:
    rows = offers(tmp_path / "data", 40, ["visit"] * 40, per_day=200).touchpoints.to_pandas()
    one_day = rows[rows.timestamp.dt.normalize() == pd.Timestamp("2024-12-01")]
    with pytest.raises(DataError, match="the 40 accepted presentations lie too close together"):
        start(parquet(tmp_path / "day", touchpoints=one_day), tmp_path)


def test_an_action_that_comes_back_is_known_to_the_model_by_name(tmp_path: Path) -> None:
    tables = offers(tmp_path / "data", 200, ["visit", "card"] * 100)
    assert load_problem(start(tables, tmp_path).problem).inputs.action_code


def test_campaigns_that_never_come_back_are_not_known_by_name(tmp_path: Path) -> None:
    campaigns = [f"campaign-{day // 10}" for day in range(200)]
    starter = start(offers(tmp_path / "data", 200, campaigns), tmp_path)
    problem = load_problem(starter.problem)
    assert isinstance(problem.decisions, Presentations)
    assert not problem.inputs.action_code
    assert any("give the actions attributes" in note for note in starter.notes)


def test_what_was_presented_and_what_is_listed_are_both_in_the_catalog(tmp_path: Path) -> None:
    offers(tmp_path / "data", 100, ["visit"] * 100)
    listed = pd.DataFrame({"action_id": ["card"], "name": ["Gold card"], "value": [12.0]})
    starter = start(parquet(tmp_path / "data", actions=listed), tmp_path)
    catalog = load_catalog(starter.catalog)
    assert catalog.action_ids == ("card", "visit")
    assert catalog.values.fixed[0] == 12.0
    assert "Never presented, so without evidence: card." in starter.notes


def test_nothing_and_the_default_action_are_never_actions(tmp_path: Path) -> None:
    tables = offers(tmp_path / "data", 100, ["visit", "do_nothing"] * 50)
    assert load_catalog(start(tables, tmp_path).catalog).action_ids == ("visit",)


def test_an_id_that_a_catalog_cannot_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the action 'GOLD CARD!' cannot be in a catalog: id: "):
        start(offers(tmp_path / "data", 100, ["GOLD CARD!"] * 100), tmp_path)


def test_tables_without_answers_and_categories_are_refused_with_both_reasons(
    tmp_path: Path,
) -> None:
    moment = pd.Timestamp("2024-06-01")
    call = {"touchpoint_id": "1", "customer_id": "a", "timestamp": moment, "channel": "phone"}
    tables = parquet(tmp_path / "data", touchpoints=pd.DataFrame([{**call, "type": "call"}]))
    with pytest.raises(DataError, match="No response model: .* No adoption model: no transaction"):
        start(tables, tmp_path)
    assert not (tmp_path / "configs").exists()


def test_too_few_answers_are_counted_in_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="20 of what was presented was accepted within 28 days, 30"):
        start(offers(tmp_path / "data", 100, ["visit"] * 100, per_day=1), tmp_path)


@pytest.mark.parametrize("name", ["actions.yaml", "adoption.yaml", "response.yaml"])
def test_a_file_that_is_there_is_named_and_left_alone(tmp_path: Path, name: str) -> None:
    mine = tmp_path / "configs" / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    tables = offers(tmp_path / "data", 100, ["visit"] * 100)
    with pytest.raises(ConfigError, match=f"{name}: exists already"):
        start(tables, tmp_path)
    assert [path.name for path in mine.parent.iterdir()] == [name]
    assert mine.read_text() == "mine"


def test_a_name_that_is_no_folder_of_its_own_is_refused(tmp_path: Path) -> None:
    tables = open_tables(tmp_path)
    for name in ("../up", "My data", ""):
        with pytest.raises(ConfigError, match="name: "):
            write_starter(tables, tmp_path, name, NOW, CALENDAR)


def test_actions_that_have_ended_are_counted(tmp_path: Path) -> None:
    offers(tmp_path / "data", 100, ["visit"] * 100)
    ended = datetime(2024, 12, 1, tzinfo=UTC).replace(tzinfo=None)
    listed = pd.DataFrame({"action_id": ["visit"], "name": ["Visit"], "valid_to": [ended]})
    starter = start(parquet(tmp_path / "data", actions=listed), tmp_path)
    assert "1 of 1 actions have ended and are not recommended." in starter.notes


def test_the_problem_says_in_its_comments_what_was_assumed(tmp_path: Path) -> None:
    starter = start(offers(tmp_path / "data", 100, ["visit"] * 100), tmp_path)
    text = " ".join(starter.problem.read_text().replace("\n#  ", "").split())
    for note in starter.notes:
        assert note in text
