"""What people may get wrong in the files, once each from the file to the end.

A file that cannot be used is refused with one line that names file, key and value; what is wrong
only for one customer costs that action, with its reason, and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from changed_worlds import Asker, ids, why

from decisioning.configuration import Configuration, load_configuration
from decisioning.world import World, build_world
from features.errors import ArbitrationError, CatalogError, ConfigError, PolicyError
from features.layout import Layout
from features.profiles import Profiles

DEMO = Path(__file__).parents[2] / "configs" / "complete_journey"

POLICY = """consent: {{assumed: demo}}
policies:
  - id: rule
    tier: suitability
    when: "{when}"
    reason: unsuitable
    words: {{en: because, de: darum}}
"""
LEVER = "levers: {issues: {win_back: -200}}\n"
TEA = "value: {kind: fixed, amount: 2.5}"


@pytest.fixture
def refused(tmp_path: Path, catalog_text: str) -> Callable[..., str]:
    """What is said about a configuration that cannot be loaded."""

    def refused(error: type[ConfigError], **files: str) -> str:
        with pytest.raises(error) as caught:
            write(tmp_path, catalog_text, **files)
        return str(caught.value).replace(str(tmp_path), "IN")

    return refused


def write(folder: Path, catalog: str, **files: str) -> Configuration:
    """Write the files, the catalog of the tests where there is none, and load them."""
    for name, text in ({"actions": catalog} | files).items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_configuration(folder / "actions.yaml")


@pytest.fixture
def ask(
    tmp_path: Path,
    catalog_text: str,
    world: World,
    layout: Layout,
    profile: Profiles,
    popularity: np.ndarray,
    now: datetime,
) -> Callable[..., Asker]:
    """Decisions with files that can be loaded."""

    def ask(**files: str) -> Asker:
        needed = {"policies": "consent: {assumed: demo}\n"}
        made = write(tmp_path, catalog_text, **(needed | files))
        other = build_world(made, world.model, layout, world.calendar)
        return Asker(other, profile, popularity, now)

    return ask


def assert_one_line_that_names(said: str, *parts: str) -> None:
    assert "\n" not in said
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    "when",
    [
        "profile.trips_19d > 1.0",
        "profile.shoe_size > 1.0",
        "action.colour == 'red'",
        "request.channle == 'web'",
    ],
)
def test_a_policy_that_names_an_unknown_feature(refused: Callable[..., str], when: str) -> None:
    said = refused(PolicyError, policies=POLICY.format(when=when))
    name = when.split()[0]
    assert_one_line_that_names(said, "IN/policies.yaml:5:", "policies.rule.when: ", name, when)


@pytest.mark.parametrize(
    "when",
    [
        "true || " * 300 + "true",
        "(" * 40 + "true" + ")" * 40,
        "[" * 29 + "1" + "]" * 29 + " == [1]",
        "[1, 2, 3].all(x, [1, 2, 3].all(y, x > y))",
        "[" + ", ".join(["1"] * 900) + "].exists(x, x > 1",
    ],
    ids=["long", "deep", "nested_lists", "loop_in_loop", "unfinished"],
)
def test_an_expression_that_is_huge_or_would_not_end(
    refused: Callable[..., str], when: str
) -> None:
    said = refused(PolicyError, policies=POLICY.format(when=when))
    assert_one_line_that_names(said, "IN/policies.yaml:5:", "policies.rule.when: ", "(value '")
    assert len(said) < 700


def test_an_action_in_two_groups(refused: Callable[..., str], catalog_text: str) -> None:
    listed = catalog_text.replace("group: breakfast", "group: [breakfast, snacks]", 1)
    said = refused(CatalogError, actions=listed)
    assert_one_line_that_names(
        said,
        "IN/actions.yaml:28:12:",
        "actions.coffee.group",
        "one group",
        "['breakfast', 'snacks']",
    )
    twice = catalog_text.replace("id: eggs", "id: coffee", 1)
    said = refused(CatalogError, actions=twice)
    assert_one_line_that_names(said, "actions.coffee.id", "'breakfast' and 'dairy'")


def test_a_missing_translation(refused: Callable[..., str], catalog_text: str) -> None:
    said = refused(CatalogError, actions=catalog_text.replace(", de: Kaffee}", "}", 1))
    assert_one_line_that_names(said, "IN/actions.yaml:26:", "actions.coffee.name.de", "German text")
    unworded = POLICY.format(when="true").replace(", de: darum", "")
    said = refused(PolicyError, policies=unworded)
    assert_one_line_that_names(said, "IN/policies.yaml:7:", "policies.rule.words.de")


@pytest.mark.parametrize("amount", ["0.0 / 0.0", "-2.0", "1.0 / 0.0", "2.0 - 3.0"])
def test_a_constant_value_that_is_no_amount(
    refused: Callable[..., str], catalog_text: str, amount: str
) -> None:
    value = f'value: {{kind: expression, amount: "{amount}"}}'
    said = refused(CatalogError, actions=catalog_text.replace(TEA, value))
    assert_one_line_that_names(said, "IN/actions.yaml:48:", "actions.tea.value.amount: ", amount)


@pytest.mark.parametrize(
    "amount",
    [
        "(profile.trips_all - 40.0) / (profile.trips_all - 40.0)",
        "profile.trips_all - 41.0",
        "journey.days_since_complaint",
    ],
    ids=["nan", "negative", "missing"],
)
def test_a_value_that_is_no_amount_for_one_customer(
    ask: Callable[..., Asker], catalog_text: str, amount: str
) -> None:
    value = f'value: {{kind: expression, amount: "{amount}"}}'
    decision = ask(actions=catalog_text.replace(TEA, value))()
    assert ids(decision) == ["pasta_sauce", "coffee"]
    assert why(decision)["tea"] == "value_not_usable"


@pytest.mark.parametrize("amount", [".nan", "-1", ".inf", "much"])
def test_a_fixed_value_that_is_no_amount(
    refused: Callable[..., str], catalog_text: str, amount: str
) -> None:
    value = f"value: {{kind: fixed, amount: {amount}}}"
    said = refused(CatalogError, actions=catalog_text.replace(TEA, value))
    assert_one_line_that_names(said, "IN/actions.yaml:48:", "actions.tea.value.amount: ")


def test_a_lever_of_minus_two_hundred_percent(refused: Callable[..., str]) -> None:
    said = refused(ArbitrationError, arbitration=LEVER)
    assert_one_line_that_names(
        said, "IN/arbitration.yaml:1:", "levers.issues.win_back: ", "'coffee'", "(value -200)"
    )


def test_levers_that_only_together_sink_an_action(
    refused: Callable[..., str], ask: Callable[..., Asker]
) -> None:
    together = "levers: {issues: {win_back: -60}, groups: {breakfast: -40}}\n"
    said = refused(ArbitrationError, arbitration=together)
    assert_one_line_that_names(said, "levers.issues.win_back", "add up to -100", "(value -60)")
    least = ask(arbitration=together.replace("-40", "-39"))()
    levers = {one.action_id: one.lever for one in least.results}
    assert levers["tea"] == pytest.approx(0.01)


@pytest.mark.parametrize("text", ["", "# nothing\n", "actions: []\n", "[]\n", "actions"])
def test_an_empty_catalog(refused: Callable[..., str], text: str) -> None:
    said = refused(CatalogError, actions=text)
    assert said.startswith("IN/actions.yaml:")
    assert "actions" in said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nowhere.yaml"):
        load_configuration(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("actions", CatalogError),
        ("policies", PolicyError),
        ("arbitration", ArbitrationError),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"a: [1, 2",
        b"a: 1\na: 2\n",
        b"a: &x [*x]\n",
        b"!!python/object:os.system {}",
    ],
    ids=["not_utf8", "not_yaml", "a_key_twice", "endless_alias", "python_object"],
)
def test_a_file_that_is_no_yaml_is_named(
    tmp_path: Path, catalog_text: str, name: str, error: type[ConfigError], content: bytes
) -> None:
    write(tmp_path, catalog_text)
    (tmp_path / f"{name}.yaml").write_bytes(content)
    with pytest.raises(error, match=rf"{name}\.yaml"):
        load_configuration(tmp_path / "actions.yaml")


def test_every_fault_of_a_file_is_told_at_once(
    refused: Callable[..., str], catalog_text: str
) -> None:
    worse = catalog_text.replace(", de: Kaffee}", "}", 1).replace("amount: 2.5", "amount: -1")
    said = refused(CatalogError, actions=worse)
    first, *faults = said.splitlines()
    assert first == "IN/actions.yaml: 2 faults"
    assert ["actions.coffee.name.de" in faults[0], "actions.tea.value.amount" in faults[1]] == [
        True, True,
    ]  # fmt: skip


def test_nothing_of_the_files_that_are_refused_is_touched(tmp_path: Path) -> None:
    for name in ("actions", "policies", "arbitration"):
        shutil.copy(DEMO / f"{name}.yaml", tmp_path)
    (tmp_path / "policies.yaml").write_text(POLICY.format(when="profile.trip_91d > 1.0"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(PolicyError, match="did you mean 'profile.trips_91d'"):
        load_configuration(tmp_path / "actions.yaml")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
