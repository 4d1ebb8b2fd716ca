"""Catalog, policies and arbitration that are read together and kept whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from generated_configuration import write_world

from decisioning.arbitration import ArbitrationFile
from decisioning.catalog import Catalog
from decisioning.configuration import PARTS, Configuration, beside, load_configuration
from decisioning.policies.policy_file import PolicyFile
from features.errors import ArbitrationError, CatalogError, PolicyError

DEMO = Path(__file__).parents[2] / "configs" / "complete_journey"

RICH = {
    "factors": {"value": False},
    "levers": {"issues": {"win_back": 20}, "actions": {"tea": -5.5}},
    "contexts": [{"type": "t", "key": "k", "value": "v", "when": "profile.trips_91d > 1.0"}],
    "context_weights": [{"type": "t", "key": "k", "value": "v", "group": "pantry", "weight": 7}],
    "thresholds": {"propensity": 0.01, "priority": {"groups": {"pantry": 0.2}}},
    "smoothing": {"start_propensity": 0.3, "start_evidence": 50, "actions": {"tea": 0.1}},
    "ramp": {"positives": 9},
    "diversity": {"per_group": 2},
    "exploration": {"web": {"kind": "epsilon", "epsilon": 0.1}, "bot": {"kind": "evidence"}},
    "control_groups": [
        {"id": "all", "scope": "global", "share": 2, "starts": "2018-01-01", "ends": "2019-01-01"},
        {"id": "pantry", "scope": {"group": "pantry"}, "share": 5},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The three files of the demo, to be changed."""
    for name in ("actions", "policies", "arbitration"):
        shutil.copy(DEMO / f"{name}.yaml", tmp_path)
    return tmp_path


def versions(configuration: Configuration) -> tuple[str, str, str, str]:
    return (
        configuration.catalog.version,
        configuration.policies.version,
        configuration.arbitration.version,
        configuration.rules_version,
    )


def assert_round_trip(configuration: Configuration) -> None:
    again = Configuration.from_content(configuration.content)
    assert again == configuration
    assert again.content == configuration.content
    assert versions(again) == versions(configuration)


@pytest.mark.parametrize("name", ["actions", "campaigns"])
def test_the_content_of_the_demo_gives_the_same_configuration(name: str) -> None:
    assert_round_trip(load_configuration(DEMO / f"{name}.yaml"))


def test_a_content_with_every_key_gives_the_same_configuration(catalog: Catalog) -> None:
    arbitration = ArbitrationFile.model_validate(RICH)
    assert set(RICH) == set(ArbitrationFile.model_fields)
    assert_round_trip(Configuration(catalog, PolicyFile(), arbitration))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_written_the_content_gives_the_same_configuration(seed: int) -> None:
    written = write_world(seed)
    parts = {
        "catalog": written.catalog,
        "policies": written.policies,
        "arbitration": written.arbitration,
    }
    assert_round_trip(Configuration.from_content(json.dumps(parts).encode()))


def test_the_order_of_actions_is_part_of_the_content_and_not_of_the_version(
    catalog: Catalog,
) -> None:
    content = catalog.model_dump(mode="json", exclude_defaults=True)
    content["actions"].reverse()
    turned = Catalog.model_validate(content)
    assert turned.version == catalog.version
    assert Configuration(turned).rules_version == Configuration(catalog).rules_version


def test_the_version_of_the_rules_changes_with_policies_and_with_arbitration(
    configuration: Configuration,
) -> None:
    lever = ArbitrationFile.model_validate({"levers": {"issues": {"win_back": 1}}})
    others = {
        configuration.rules_version,
        replace(configuration, policies=PolicyFile()).rules_version,
        replace(configuration, arbitration=lever).rules_version,
    }
    assert len(others) == 3
    assert all(len(version) == 12 for version in others)


@pytest.mark.parametrize(
    ("catalog", "found"),
    [
        ("actions.yaml", ["policies.yaml", "arbitration.yaml"]),
        ("campaigns.yaml", ["campaigns.policies.yaml", "campaigns.arbitration.yaml"]),
        ("a.b.yaml", ["a.b.policies.yaml", "a.b.arbitration.yaml"]),
    ],
)
def test_each_catalog_has_files_of_its_own_beside_it(catalog: str, found: list[str]) -> None:
    path = Path("somewhere") / catalog
    assert [beside(path, part) for part in PARTS] == [path.with_name(name) for name in found]


def test_policies_and_arbitration_may_be_missing(folder: Path) -> None:
    (folder / "policies.yaml").unlink()
    (folder / "arbitration.yaml").unlink()
    configuration = load_configuration(folder / "actions.yaml")
    assert configuration.policies == PolicyFile()
    assert configuration.arbitration == ArbitrationFile()


def test_the_policies_of_one_catalog_are_not_those_of_another(folder: Path) -> None:
    shutil.copy(DEMO / "campaigns.yaml", folder)
    assert load_configuration(folder / "campaigns.yaml").policies == PolicyFile()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("actions.yaml", CatalogError),
        ("policies.yaml", PolicyError),
        ("arbitration.yaml", ArbitrationError),
    ],
)
def test_a_fault_names_the_file_that_has_it(
    folder: Path, name: str, error: type[Exception]
) -> None:
    with (folder / name).open("a") as file:
        file.write("\nsurprise: 1\n")
    with pytest.raises(error, match=rf"{name}:\d+:\d+: unknown key 'surprise'|{name}: \d+ faults"):
        load_configuration(folder / "actions.yaml")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("journey.lowest_rting_28d <= 4.0", "did you mean 'journey.lowest_rating_28d'?"),
        ("journey.failures_28d", "is double, not true or false"),
        ("action.cost > 1.0", "asks about an action"),
    ],
)
def test_a_context_whose_condition_cannot_be_used_is_a_fault_of_its_file(
    folder: Path, written: str, told: str
) -> None:
    (folder / "arbitration.yaml").write_text(
        f'contexts:\n  - {{type: t, key: k, value: v, when: "{written}"}}\n'
    )
    with pytest.raises(ArbitrationError) as caught:
        load_configuration(folder / "actions.yaml")
    assert "arbitration.yaml:2:" in str(caught.value)
    assert "contexts.0.when: " in str(caught.value) and told in str(caught.value)
    assert written in str(caught.value)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("how", ["gone", "emptied"])
def test_a_file_that_is_needed_may_be_neither_gone_nor_empty(
    folder: Path, part: str, how: str
) -> None:
    catalog = folder / "actions.yaml"
    load_configuration(catalog, PARTS)
    file = folder / f"{part}.yaml"
    file.unlink() if how == "gone" else file.write_text("")
    with pytest.raises((PolicyError, ArbitrationError), match=f"{part}.yaml: is gone or empty"):
        load_configuration(catalog, PARTS)
    load_configuration(catalog)
