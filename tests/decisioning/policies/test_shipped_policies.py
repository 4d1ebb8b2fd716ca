"""Whatever is shipped in configs keeps the contract of its family, whoever adds to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from decisioning.configuration import Configuration, load_configuration
from decisioning.history import Consent, Contact, History
from decisioning.policies.concerns import Entry
from decisioning.policies.contact import ContactBook
from decisioning.policies.policy import Policy
from decisioning.policies.policy_book import PolicyBook
from decisioning.policies.policy_group import Judged
from decisioning.policies.words import REASONS
from decisioning.request import DecisionRequest
from decisioning.rules import Code
from decisioning.world import World, build_world
from features import declared
from features.calendar import Calendar
from features.layout import Layout
from features.spec import Block

CONFIGS = Path(__file__).parents[3] / "configs"
POLICY_FILES = sorted(CONFIGS.rglob("*policies.yaml"))
CATALOGS = sorted({*CONFIGS.rglob("actions.yaml"), *CONFIGS.rglob("campaigns.yaml")})
NOW = datetime(2018, 1, 1, 23, tzinfo=UTC)


def catalog_of(policies: Path) -> Path:
    """The catalog that policies stand beside."""
    name = policies.name.removesuffix("policies.yaml").removesuffix(".")
    return policies.with_name(f"{name or 'actions'}.yaml")


CONFIGURATIONS = {path: load_configuration(catalog_of(path)) for path in POLICY_FILES}
MEMBERS = [
    pytest.param(path, section, entry, id=f"{path.parent.name}:{entry.id}")
    for path, configuration in CONFIGURATIONS.items()
    for section, _, entry in configuration.policies.entries
]
CALENDAR = Calendar()


def test_there_is_something_to_look_at() -> None:
    assert POLICY_FILES and CATALOGS
    assert {param.values[1] for param in MEMBERS} == {
        "policies", "contact_policies", "quiet_hours",
    }  # fmt: skip


@pytest.mark.parametrize("folder", sorted({path.parent for path in CONFIGS.rglob("actions.yaml")}))
def test_every_folder_loads_as_a_configuration_and_makes_a_world(folder: Path) -> None:
    configuration = load_configuration(folder / "actions.yaml")
    assert isinstance(configuration, Configuration)
    categories = sorted({one.category for one in configuration.catalog.actions} - {None})
    world = build_world(
        configuration,
        None,
        Layout.of(tuple(categories), configuration.catalog.action_ids),
        CALENDAR,
    )
    assert isinstance(world, World) and world.built.all()


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_every_catalog_loads_and_round_trips(path: Path) -> None:
    configuration = load_configuration(path)
    assert Configuration.from_content(configuration.content) == configuration


@pytest.mark.parametrize(("path", "section", "entry"), MEMBERS)
def test_every_member_has_an_id_and_words_in_both_languages(
    path: Path, section: str, entry: Entry
) -> None:
    assert entry.id
    assert entry.words.en and entry.words.de and entry.words.en != entry.words.de
    assert not entry.words.en.endswith(".") and not entry.words.de.endswith(".")


@pytest.mark.parametrize(("path", "section", "entry"), MEMBERS)
def test_every_member_has_a_reason_code(path: Path, section: str, entry: Any) -> None:
    code = {
        "policies": lambda: entry.reason,
        "contact_policies": lambda: entry.code,
        "quiet_hours": lambda: "quiet_hours",
    }[section]()
    assert TypeAdapter(Code).validate_python(code) == code
    if section != "policies":
        assert code in REASONS


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_every_condition_of_a_catalog_has_words_in_both_languages(path: Path) -> None:
    rules = load_configuration(path).catalog.rule_book.rules
    for rule in rules:
        words = getattr(rule, "words", None)
        assert rule.id and rule.reason
        assert rule.reason in REASONS or (words and words.en and words.de), rule.id


def columns_of(random: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Any values for every feature, some of them missing."""
    columns = {}
    for name in declared.model_inputs():
        values = np.round(random.uniform(-1.0, 9.0, size=rows), 1)
        values[random.random(rows) < 0.3] = np.nan
        of_customer = declared.feature(name).block is Block.CUSTOMER
        columns[name] = np.full(rows, values[0]) if of_customer else values
    return columns


def said(judged: Judged | None) -> list[list[int]]:
    """Whom a policy turns down and why; nothing where it turns nobody down."""
    if judged is None or (judged.failed < 0).all():
        return []
    return [judged.failed.tolist(), judged.code.tolist()]


@pytest.mark.parametrize(
    ("path", "section", "entry"), [one for one in MEMBERS if one.values[1] == "policies"]
)
def test_a_policy_that_is_asked_twice_says_the_same(
    path: Path, section: str, entry: Policy
) -> None:
    configuration = CONFIGURATIONS[path]
    alone = configuration.policies.model_copy(update={"policies": (entry,)})
    catalog, random = configuration.catalog, np.random.default_rng(23)
    book = PolicyBook(alone, catalog, CALENDAR)
    action = np.arange(len(catalog.ordered))
    alive = np.ones(len(action), dtype=bool)
    verdicts = set()
    for _ in range(40):
        columns = columns_of(random, len(action))
        before = {name: column.copy() for name, column in columns.items()}
        asked = (DecisionRequest("1"), columns, action, alive, NOW)
        first, again = book.judge(*asked), book.judge(*asked)
        other = PolicyBook(alone, catalog, CALENDAR).judge(*asked)
        for one in (again, other):
            np.testing.assert_array_equal(said(first), said(one))
        for name, column in before.items():
            np.testing.assert_array_equal(columns[name], column)
        assert alive.all()
        verdicts.add(bool(said(first)))
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("path", "section", "entry"), [one for one in MEMBERS if one.values[1] != "policies"]
)
def test_a_limit_that_is_asked_twice_says_the_same(path: Path, section: str, entry: Entry) -> None:
    configuration = CONFIGURATIONS[path]
    nothing = {"policies": (), "contact_policies": (), "quiet_hours": ()}
    alone = configuration.policies.model_copy(update=nothing | {section: (entry,)})
    catalog = configuration.catalog
    book = ContactBook(alone, catalog, CALENDAR)
    action = np.arange(len(catalog.ordered))
    request = DecisionRequest("1", channel="email", direction="outbound")
    seen = catalog.ordered[0]
    contacts_ = tuple(
        Contact(
            seen.id, seen.group, seen.issue, "email", outcome, NOW.timestamp() - hours * 3_600, "d"
        )
        for outcome, hours in (("presented", 9), ("refused", 8), ("presented", 3), ("refused", 2))
    )
    history = History(contacts_, (Consent("marketing", "all", "granted", 0.0),))
    for given in (history, History(), None):
        first, again = (book.judge(given, request, action, NOW) for _ in range(2))
        np.testing.assert_array_equal(first.failed, again.failed)
        np.testing.assert_array_equal(first.until, again.until)
        np.testing.assert_array_equal(first.capped, again.capped)
        assert [one.remaining for one in first.limits] == [one.remaining for one in again.limits]
    assert (book.judge(history, request, action, NOW).failed >= 0).any()
    assert (book.judge(None, request, action, NOW).failed >= 0).any()
