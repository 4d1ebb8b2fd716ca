from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from decisioning.border import find_faults
from decisioning.catalog import Catalog

HERO = "placements:\n  - {id: hero, channel: web}\n  - {id: card, channel: advisor}\n"


@pytest.fixture
def told(catalog_text: str, tmp_path: Path) -> Callable[..., list[str]]:
    """Every fault of the catalog after some changes of its text."""

    def told(*changes: tuple[str, str], before: str = "") -> list[str]:
        text = catalog_text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "actions.yaml"
        path.write_text(before + text, encoding="utf-8")
        _, faults = find_faults(path, Catalog)
        return [str(fault).replace(str(path), "FILE") for fault in faults]

    return told


def pantry(more: str) -> tuple[str, str]:
    """More keys of the action pasta_sauce, the first of them in line 41."""
    return "group: pantry", f"group: pantry\n    {more}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "group: breakfast",
            "group: [breakfast, snacks]",
            "FILE:28:12: actions.coffee.group: an action is in one group "
            "(value ['breakfast', 'snacks'])",
        ),
        (
            "id: eggs",
            "id: coffee",
            "FILE:31:9: actions.coffee.id: the id 'coffee' is there twice, in the groups "
            "'breakfast' and 'dairy'; an action is in one group",
        ),
        ("id: tea", "id: coffee", "FILE:42:9: actions.coffee.id: the id 'coffee' is there twice"),
        (
            "id: tea",
            "id: do_nothing",
            "FILE:42:9: actions.do_nothing.id: the id 'do_nothing' is there twice: it is that of "
            "the default action",
        ),
        (
            "issue: win_back\n    group: breakfast\n    category: TEA",
            "issue: cross_sell\n    group: breakfast\n    category: TEA",
            "FILE:44:12: actions.tea.issue: the group 'breakfast' is in the issue 'win_back' with "
            "the action 'coffee'; a group is in one issue (value 'cross_sell')",
        ),
        (", de: Kaffee}", "}", "FILE:26:11: actions.coffee.name.de: the German text is missing"),
        ("en: Tea, ", "en: '', ", "FILE:43:16: actions.tea.name.en: the English text is missing"),
        (
            '    de: {title: "Schon an {name} gedacht?", text: Sehen Sie selbst.}\n',
            "",
            "FILE:11:5: treatments.web.de: the German text is missing",
        ),
        (
            "{name} einmal.",
            "{nme} einmal.",
            "FILE:15:70: treatments.advisor.de.talking_points.0: unknown variable 'nme'; did you "
            "mean 'name'? (known: inline_name, kind, name, size; value '{nme} einmal.')",
        ),
        (
            "Have a look.",
            "'{size}'",
            "FILE:11:51: treatments.web.en.text: the action 'eggs' has no attribute 'size': "
            "unknown variable 'size' (known: inline_name, kind, name; value '{size}')",
        ),
        (
            "actions:",
            'labels: {en: {accept: "{name}"}}\nactions:',
            "FILE:24:23: labels.en.accept: labels for all actions have no variables "
            "(value '{name}')",
        ),
        (
            *pantry("valid_to: 2018-02-30"),
            "FILE:41:15: actions.pasta_sauce.valid_to: Input should be a valid datetime or date, "
            "day value is outside expected range (value '2018-02-30')",
        ),
        (
            *pantry("propensity: 0"),
            "FILE:41:17: actions.pasta_sauce.propensity: Input should be greater than 0 (value 0)",
        ),
        (
            *pantry("purpose: markting"),
            "FILE:41:14: actions.pasta_sauce.purpose: Input should be 'marketing', 'service' or "
            "'transactional' (value 'markting')",
        ),
        (
            *pantry("outcomes: {positive: {accepted: 1}, negative: [accepted]}"),
            "FILE:41:15: actions.pasta_sauce.outcomes: 'accepted' is both positive and negative",
        ),
        (
            *pantry("budget: {amount: 4}"),
            "FILE:37:5: actions.pasta_sauce: budget.amount counts the cost, and cost is 0",
        ),
        (
            *pantry("channels: [web]\n    impact: significant"),
            "FILE:42:13: actions.pasta_sauce.impact: only an advisor gets what is significant, "
            "and there is no treatment for one",
        ),
        (
            *pantry("channels: [bot]"),
            "FILE:37:5: actions.pasta_sauce.treatments: no treatment on any channel",
        ),
        (
            *pantry(
                "channels: [advisor]\n    treatments:\n"
                "      web: {en: {title: a, text: b}, de: {title: a, text: b}}"
            ),
            "FILE:43:7: actions.pasta_sauce.treatments.web: is never said, since channels has "
            "only advisor",
        ),
    ],
)
def test_a_fault_is_told_in_these_words(
    told: Callable[..., list[str]], old: str, new: str, says: str
) -> None:
    assert told((old, new)) == [says]


@pytest.mark.parametrize(
    "more",
    [
        "impact: significant",
        "propensity: 0.4\n    purpose: service",
        "mandatory: true\n    purpose: transactional",
        "cost: 1\n    budget: {presentations: 5, amount: 4}",
        "channels: [app]\n    treatments:\n"
        "      web: {en: {title: a, text: b}, de: {title: a, text: b}}",
    ],
)
def test_what_an_action_may_be_is_no_fault(told: Callable[..., list[str]], more: str) -> None:
    assert told(pantry(more)) == []


def test_a_catalog_without_actions_is_refused(
    told: Callable[..., list[str]], catalog_text: str
) -> None:
    actions = catalog_text[catalog_text.index("actions:") :]
    empty = ["FILE:24:10: actions: is empty; it needs at least one entry"]
    assert told((actions, "actions: []\n")) == empty
    assert told((catalog_text, "")) == [
        "FILE:1:1: the file is empty; it needs default_action and actions"
    ]


def test_a_placement_that_is_not_there_or_on_another_channel_is_refused(
    told: Callable[..., list[str]],
) -> None:
    web = ("  web:\n    en:", "  web:\n    placements: [heroo, card, hero]\n    en:")
    assert told(web, before=HERO) == [
        "FILE:14:18: treatments.web.placements.0: unknown placement 'heroo'; did you mean 'hero'?",
        "FILE:14:25: treatments.web.placements.1: the placement 'card' is on the channel 'advisor'",
    ]
    assert told(("  web:\n    en:", "  web:\n    placements: [x]\n    en:")) == [
        "FILE:11:18: treatments.web.placements.0: unknown placement 'x' (known: none)"
    ]


def test_a_placement_that_is_there_twice_is_refused(told: Callable[..., list[str]]) -> None:
    assert told(before=HERO.replace("card", "hero")) == [
        "FILE:3:10: placements.hero.id: the placement 'hero' is there twice"
    ]


def test_faults_of_every_kind_are_told_at_once(told: Callable[..., list[str]]) -> None:
    found = told(
        ("issue: win_back", "isue: win_back"),
        ("feature: days_since_category", "feature: days_since_categry"),
        ("group: dairy", "group: [dairy]"),
        ("id: tea", "id: coffee"),
        ("{name} einmal", "{nme} einmal"),
    )
    assert [line.partition(" (known")[0] for line in found] == [
        "FILE:5:14: eligibility.0.feature: unknown feature 'days_since_categry'; did you mean "
        "'days_since_category'?",
        "FILE:15:70: treatments.advisor.de.talking_points.0: unknown variable 'nme'; did you mean "
        "'name'?",
        "FILE:27:5: actions.coffee: unknown key 'isue'; did you mean 'issue'?",
        "FILE:34:12: actions.eggs.group: an action is in one group (value ['dairy'])",
        "FILE:42:9: actions.coffee.id: the id 'coffee' is there twice",
    ]


def test_an_attribute_of_a_faulty_action_is_not_told_as_unknown(
    told: Callable[..., list[str]],
) -> None:
    found = told(
        ("feature: days_since_category", "feature: size"),
        ("size: 2, ", ""),
        ("issue: win_back\n    group: breakfast\n    category: TEA", "issue: win_back"),
    )
    assert found == ["FILE:42:5: actions.tea.group: Field required"]
