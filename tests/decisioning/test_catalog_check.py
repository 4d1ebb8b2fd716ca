from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from decisioning.catalog_check import check_catalog

NOW = datetime(2018, 1, 1, tzinfo=UTC)
DEMO = Path(__file__).parents[2] / "configs" / "complete_journey"


@pytest.fixture
def checked(catalog_text: str, tmp_path: Path) -> Callable[..., list[str]]:
    """What is said about the catalog after one change of its text."""

    def checked(old: str, new: str, **more: object) -> list[str]:
        assert old in catalog_text
        path = tmp_path / "actions.yaml"
        path.write_text(catalog_text.replace(old, new, 1), encoding="utf-8")
        return [str(one).replace(str(path), "FILE") for one in check_catalog(path, NOW, **more)]

    return checked


def test_a_sound_catalog_has_nothing_to_say(checked: Callable[..., list[str]]) -> None:
    assert checked("id: tea", "id: tea") == []


def test_faults_are_told_alone_and_all_of_them(checked: Callable[..., list[str]]) -> None:
    assert checked("issue: win_back\n    group: breakfast", "issue: WIN\n    group: 9") == [
        "FILE:27:12: actions.coffee.issue: String should match pattern "
        "'^[a-z0-9][a-z0-9_-]{0,63}$' (value 'WIN') [fault]",
        "FILE:28:12: actions.coffee.group: Input should be a valid string (value 9) [fault]",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "group: pantry",
            "group: pantry\n    valid_to: 2017-12-24",
            "FILE:41:15: actions.pasta_sauce.valid_to: ended on 2017-12-24 00:00",
        ),
        (
            "amount: 2.5",
            "amount: 0",
            "FILE:48:34: actions.tea.value.amount: what is worth nothing never goes before "
            "anything else (value 0)",
        ),
        (
            "    category: TEA\n",
            "",
            "FILE:42:5: actions.tea: has no category and no propensity; no model learns from "
            "purchases for it",
        ),
        (
            '  advisor:\n    en: {title: "Mention {inline_name}", text: Ask., '
            'talking_points: ["{name} once."]}',
            '  advisor:\n    en: {title: "Mention {inline_name}", text: Ask.}',
            "FILE:14:9: treatments.advisor.en: has no talking_points; an advisor gets only the "
            "text",
        ),
        (
            "group: pantry",
            "group: pantry\n    treatments:\n"
            "      bot: {en: {title: a, text: '{name}'}, de: {title: a, text: b}}",
            "FILE:42:49: actions.pasta_sauce.treatments.bot.de: names no {name}, as the text in "
            "'en' does",
        ),
        (
            "group: pantry",
            "group: pantry\n    treatments:\n      bot:\n        en: {title: a, text: a, "
            "quick_replies: [x, y]}\n        de: {title: a, text: b, quick_replies: [x]}",
            "FILE:44:48: actions.pasta_sauce.treatments.bot.de.quick_replies: has 2 quick_replies "
            "in 'en' and 1 in 'de'",
        ),
        (
            "actions:",
            "placements: [{id: turn, channel: bot}]\nactions:",
            "FILE:24:19: placements.turn.id: no action may fill the placement 'turn'",
        ),
        (
            "actions:",
            "labels: {en: {later: Soon}}\nactions:",
            "FILE:24:9: labels.de: 'later' is written in 'en' only; the built-in one is used here",
        ),
    ],
)
def test_what_is_odd_is_a_warning_with_its_place(
    checked: Callable[..., list[str]], old: str, new: str, says: str
) -> None:
    assert checked(old, new) == [f"{says} [warning]"]


def test_an_action_without_a_text_for_advisors_is_odd(checked: Callable[..., list[str]]) -> None:
    found = checked('  advisor:\n    en: {title: "Mention', '  email:\n    en: {title: "Mention')
    assert found[0] == (
        "FILE:25:5: actions.coffee: has no text for an advisor, so it is not offered there "
        "[warning]"
    )
    assert len(found) == 4


def test_a_category_that_no_transaction_has_is_odd(checked: Callable[..., list[str]]) -> None:
    bought = frozenset({"COFFEE", "EGGS", "PASTA SAUCE"})
    assert checked("id: tea", "id: tea", categories=bought) == [
        "FILE:46:15: actions.tea.category: no transaction has the category 'TEA'; it counts as "
        "never bought [warning]"
    ]


def test_the_catalog_of_the_demo_has_nothing_odd() -> None:
    assert check_catalog(DEMO / "actions.yaml", NOW) == ()
