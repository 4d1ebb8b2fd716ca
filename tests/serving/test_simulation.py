"""A change simulated with the parts of the service, from the folder to the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from decisioning.configuration import Configuration, load_configuration
from decisioning.history import Consent, History
from decisioning.simulation import Report, load_changes
from features.calendar import Calendar
from features.errors import CatalogError, ConfigError, FeatureError
from serving.settings import Settings
from serving.simulation import Ground, report_of, show, simulate

CUSTOMERS = [f"{number}" for number in range(1, 41)]


@pytest.fixture
def current(house: Any, catalog: Any) -> Configuration:
    house.catalog.write_text(catalog())
    (house.folder / "policies.yaml").write_text("consent: {assumed: demo}\n")
    return load_configuration(house.catalog)


@pytest.fixture
def ground(house: Any, current: Configuration) -> Ground:
    house.store.known = tuple(CUSTOMERS)
    return Ground(house.store, CUSTOMERS, house.model, house.clock, Calendar("UTC"))


@pytest.fixture
def changed(house: Any, catalog: Any, tmp_path: Path) -> Path:
    """Tea, which comes first for everybody, is taken out."""
    folder = tmp_path / "changes"
    folder.mkdir()
    (folder / "actions.yaml").write_text(
        catalog().replace("category: TEA}", "category: TEA, enabled: false}")
    )
    return folder


@pytest.fixture
def settings(house: Any) -> Settings:
    return Settings(home=house.folder, catalog=house.catalog)


def simulated(ground: Ground, current: Configuration, folder: Path, **asked: Any) -> Report:
    changes = load_changes(folder, folder.parent / "actions.yaml")
    plan = {"sample": 5_000, "channel": "web", "seed": 0} | asked
    return report_of(ground, current, changes.configuration, changes.files, **plan)


def test_a_change_is_simulated_for_everybody(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    report = simulated(ground, current, changed)
    assert (report.about.customers, report.about.known_customers) == (40, 40)
    assert report.movement.share == 1.0
    (flow,) = report.movement.flows
    assert (flow.before, flow.after) == ("tea", "soap")
    assert report.about.model == "adoption/1"
    assert report.before.catalog_version == current.catalog.version
    assert report.before.rules_version == current.rules_version


def test_a_sample_is_drawn_with_the_seed(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    one, same, other = (
        simulated(ground, current, changed, sample=10, seed=seed) for seed in (1, 1, 2)
    )
    ids = [[shown.customer_id for shown in one.movement.examples] for one in (one, same, other)]
    assert len(ids[0]) == 10
    assert ids[0] == ids[1] != ids[2]


def test_the_ledger_is_read_where_there_is_one(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    objection = History(consents=(Consent("marketing", "all", "objected", 1.0),))
    read = replace(ground, history_of=lambda customer_id, now, needs: objection)
    report = simulated(read, current, changed)
    assert report.about.with_history
    assert report.before.no_action == report.after.no_action == 1.0


def test_without_a_champion_nothing_ranks_and_the_report_says_so(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    report = simulated(replace(ground, model=None), current, changed)
    assert report.about.model == ""
    assert report.before.degraded == {"no_model": 1.0}
    assert report.before.no_action == 1.0


def test_customers_who_are_not_online_count_as_unknown(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    ground.store.known = ("1", "2")  # type: ignore[attr-defined]
    report = simulated(ground, current, changed)
    assert report.before.degraded == {"unknown_customer": 38 / 40}


def test_an_online_store_with_nobody_is_told(
    ground: Ground, current: Configuration, changed: Path
) -> None:
    ground.store.known = ()  # type: ignore[attr-defined]
    with pytest.raises(FeatureError, match="nba features materialize"):
        simulated(ground, current, changed)


def test_no_profiles_at_all_is_told(ground: Ground, current: Configuration, changed: Path) -> None:
    with pytest.raises(FeatureError, match="nba features build"):
        simulated(replace(ground, customer_ids=[]), current, changed)


def test_the_report_is_printed_and_written(
    ground: Ground,
    current: Configuration,
    changed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(simulated(ground, current, changed), tmp_path / "report.html", as_json=False)
    printed = capsys.readouterr().out
    for said in ("first action changes", "100.0%", "Tea", "Soap", "disabled", "no lift"):
        assert said in printed, said
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_json_is_all_that_is_printed(
    ground: Ground, current: Configuration, changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(simulated(ground, current, changed), None, as_json=True)
    assert json.loads(capsys.readouterr().out)["movement"]["customers"] == 40


def test_brackets_in_names_are_printed_as_they_are(
    ground: Ground,
    current: Configuration,
    changed: Path,
    catalog: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (changed / "actions.yaml").write_text(catalog().replace("{en: Tea,", "{en: 'Tea [red]',"))
    show(simulated(ground, current, changed), None, as_json=False)
    assert "Tea [red]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"channel": "fax"}, "--channel 'fax' is none of web, app"),
        ({"out": Path("nowhere") / "report.html"}, "--out"),
        ({"changes": Path("nowhere")}, "no such folder"),
        ({"at": "soon"}, "'soon' is not a time"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_opened(
    settings: Settings, current: Configuration, changed: Path, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(settings, **{"changes": changed, **asked})


def test_a_fault_in_the_changed_files_is_told_with_its_place(
    settings: Settings, current: Configuration, changed: Path
) -> None:
    (changed / "actions.yaml").write_text("actions: 7\n")
    with pytest.raises(CatalogError, match=r"changes/actions\.yaml:1:"):
        simulate(settings, changed)


def test_features_that_were_never_built_are_told(
    settings: Settings, current: Configuration, changed: Path
) -> None:
    with pytest.raises(FeatureError):
        simulate(settings, changed)
