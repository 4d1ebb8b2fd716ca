"""What `nba catalog check` says about the files of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError
from serving.checking import check_files
from serving.settings import ROOT, Settings

DEMO = ROOT / "configs" / "complete_journey"


@pytest.fixture
def check(tmp_path: Path, catalog: Callable[[str], str]) -> Callable[..., tuple[list[str], bool]]:
    """What is said about files, with the folder left out of every line."""

    def check(**files: str) -> tuple[list[str], bool]:
        for name, text in ({"actions": catalog("Again?")} | files).items():
            (tmp_path / f"{name}.yaml").write_text(text)
        told, usable = check_files(Settings(home=tmp_path), tmp_path / "actions.yaml")
        return [line.replace(f"{tmp_path}/", "") for line in told], usable

    return check


def test_sound_files_are_counted_and_found_usable(check) -> None:
    told, usable = check(policies="consent: {assumed: demo}\n", arbitration="diversity: {}\n")
    assert usable
    assert told[-1] == (
        "actions.yaml: 3 actions, no fault (with policies.yaml, arbitration.yaml; "
        "not there: identity.yaml, triggers.yaml)"
    )
    assert all(line.endswith("[warning]") for line in told[:-1])


def test_the_files_of_the_demo_are_sound(tmp_path: Path) -> None:
    for name in ("actions", "campaigns"):
        told, usable = check_files(Settings(home=tmp_path), DEMO / f"{name}.yaml")
        assert usable and "actions, no fault (with" in told[-1]


def test_a_fault_of_the_catalog_is_told_with_line_and_column_and_the_rest_waits(
    check, catalog: Callable[[str], str]
) -> None:
    bad = catalog("Again?").replace("id: tea", "id: tea, cots: 4")
    told, usable = check(actions=bad, policies="nonsense: 1\n")
    line = bad[: bad.index("cots")].count("\n") + 1
    assert not usable
    assert len(told) == 1
    assert told[0].startswith(f"actions.yaml:{line}:15: actions.tea: unknown key 'cots'")
    assert "did you mean 'cost'?" in told[0] and told[0].endswith("[fault]")


def test_faults_of_policies_and_arbitration_are_both_told(check) -> None:
    told, usable = check(policies="consent:\n  assumed: yes\n", arbitration="levers: {issue: {}}\n")
    assert not usable
    faults = [line for line in told if not line.endswith("[warning]")]
    assert faults[0].startswith("policies.yaml:2:12: consent.assumed: Input should be 'demo'")
    assert faults[1].startswith("arbitration.yaml:1:10: levers: unknown key 'issue'")
    assert not any("no fault" in line for line in told)


def test_a_condition_of_a_context_is_checked_as_the_service_does(check) -> None:
    fact = "{type: t, key: k, value: v, when: 'journey.complaints_19d > 0.0'}"
    told, usable = check(arbitration=f"contexts:\n  - {fact}\n")
    assert not usable
    assert told[-1].startswith("arbitration.yaml:2:39: contexts.0.when: ")
    assert "journey.complaints_19d" in told[-1]


def test_a_policy_that_names_what_the_catalog_has_not_is_told(check) -> None:
    rule = "{id: r, tier: suitability, reason: r, words: {en: a, de: b}, when: 'true',"
    told, usable = check(policies=f"policies:\n  - {rule} concerns: {{groups: [drink]}}}}\n")
    assert not usable
    assert "unknown group 'drink'; did you mean 'drinks'?" in told[-1]
    assert told[-1].startswith("policies.yaml:2:")


def test_a_catalog_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    told, usable = check_files(Settings(home=tmp_path), tmp_path / "nowhere.yaml")
    assert not usable
    assert "nowhere.yaml" in told[0]


def test_categories_are_compared_with_those_of_the_data(check, tmp_path: Path) -> None:
    def odd(told: list[str]) -> list[str]:
        return [line for line in told if "no transaction has the category" in line]

    assert odd(check()[0]) == []
    (tmp_path / "data").mkdir()
    columns = {"transaction_id": ["1"], "customer_id": ["1"], "category": ["TEA"]}
    pq.write_table(pa.table(columns), tmp_path / "data" / "transactions.parquet")
    told, usable = check()
    assert usable
    assert len(odd(told)) == 2 and not any("'TEA'" in line for line in odd(told))


def test_a_pinned_clock_that_cannot_be_read_is_named(check, tmp_path: Path) -> None:
    (tmp_path / "clock.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"clock\.json"):
        check()
