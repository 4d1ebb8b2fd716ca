"""Every reason that the product gives has words in both languages, and the right ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from changed_worlds import WORDS, with_action, with_policies

from decisioning.decision import STAGES, Removed
from decisioning.policies.words import REASONS, reason_words
from decisioning.reasons import words_for
from decisioning.request import Language
from decisioning.world import World

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "decisioning"
PLACE_OF_REASON = {"turn_down": 3, "turn_down_one": 3, "turn_down_rows": 3, "_turn_down": 5,
                   "Removed": 4, "Refusal": 2, "Quota": 1}  # fmt: skip
"""Which argument of these calls is a reason code."""

BY_HAND = ("no_consent", "consent_withdrawn", "objected", "consent_unreadable", "value_missing",
           "policy_error", "contacted_too_recently", "paused", "volume_used_up", "budget_used_up",
           "quiet_hours", "ledger_unavailable", "no_model", "model_features_missing",
           "not_eligible")  # fmt: skip
"""Codes that no call names: of consent, contact policies, the state of the model, a condition."""


def constants_of(tree: ast.Module) -> dict[str, str]:
    """The texts that a module gives names to."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
                    found[name.id] = value.value
    return found


def reasons_in(path: Path) -> Iterator[str]:
    """The reason codes that a module gives: in calls, and in loops over calls."""
    tree = ast.parse(path.read_text())
    constants = constants_of(tree)
    for node in ast.walk(tree):
        for place in (*_places_in_call(node), *_places_in_loop(node)):
            if isinstance(place, ast.Constant) and isinstance(place.value, str):
                yield place.value
            elif isinstance(place, ast.Name) and place.id in constants:
                yield constants[place.id]


def _places_in_call(node: ast.AST) -> list[ast.expr]:
    """Where a call takes a reason; the first of the codes that are returned may become one."""
    if isinstance(node, ast.Return) and "world.degraded" in ast.unparse(node):
        codes = node.value.elts[-1] if isinstance(node.value, ast.Tuple) else None
        return codes.elts[:1] if isinstance(codes, ast.Tuple) else []
    if not isinstance(node, ast.Call):
        return []
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    place = PLACE_OF_REASON.get(name)
    return [] if place is None else node.args[place : place + 1]


def _places_in_loop(node: ast.AST) -> list[ast.expr]:
    """The last of each entry of a loop whose last variable is a reason."""
    if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Tuple):
        return []
    if not ast.unparse(node.target).rstrip(")").endswith("reason"):
        return []
    return [entry.elts[-1] for entry in node.iter.elts if isinstance(entry, ast.Tuple)]


GIVEN = {code: path.name for path in sorted(PACKAGE.glob("*.py")) for code in reasons_in(path)}


def test_the_search_sees_the_code_of_every_stage_that_names_its_own() -> None:
    assert set(GIVEN.values()) >= {
        "candidates.py", "screening.py", "scoring.py", "ranking.py", "selection.py", "decide.py",
    }  # fmt: skip
    assert len(GIVEN) >= 18


@pytest.mark.parametrize("code", sorted({*GIVEN, *BY_HAND}))
def test_every_code_of_the_product_has_words_in_both_languages(code: str) -> None:
    english, german = (reason_words(code, language) for language in get_args(Language))
    assert code in REASONS
    assert english and german and english != german


def test_no_words_are_kept_for_a_code_that_nobody_gives() -> None:
    texts = [path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "words.py"]
    texts += [path.read_text() for path in (ROOT / "serving").glob("*.py")]
    texts += [path.read_text() for path in (ROOT / "configs").rglob("*.yaml")]
    unused = [code for code in REASONS if not any(code in text for text in texts)]
    assert unused == []


def removed(stage: str, policy_id: str, reason: str) -> Removed:
    return Removed("tea", stage, "", policy_id, reason)  # type: ignore[arg-type]


RULE = {"id": "rule", "tier": "suitability", "when": "false", "reason": "unsuitable"}
CAP = {"id": "cap", "per": "all", "at_most": 1, "days": 7}
NIGHT = {"id": "night", "begins": "22:00", "ends": "08:00"}


@pytest.fixture
def ruled(world: World) -> World:
    return with_policies(world, policies=[RULE], contact_policies=[CAP], quiet_hours=[NIGHT])


def test_a_policy_is_told_in_its_own_words(ruled: World) -> None:
    for stage, policy_id in (("suitability", "rule"), ("contact", "cap"), ("contact", "night")):
        assert words_for(removed(stage, policy_id, "whatever"), ruled) == WORDS


@pytest.mark.parametrize(
    ("stage", "policy_id", "reason"),
    [
        ("suitability", "rule", "value_missing"),
        ("suitability", "rule", "policy_error"),
        ("arbitration", "cap", "limit_used_up"),
    ],
)
def test_what_went_wrong_with_a_policy_is_told_in_the_words_of_the_product(
    ruled: World, stage: str, policy_id: str, reason: str
) -> None:
    said = words_for(removed(stage, policy_id, reason), ruled)
    assert said == {language: reason_words(reason, language) for language in ("en", "de")}


def test_a_policy_that_is_called_like_a_field_lends_it_no_words(world: World) -> None:
    names = ("value", "model", "ramp", "excluded", "max_results", "enabled")
    rules = [RULE | {"id": name} for name in names]
    ruled = with_policies(world, policies=rules)
    told = removed("scoring", "value", "value_not_usable")
    assert words_for(told, ruled)["en"] == "its value cannot be computed"
    for stage in ("request", "catalog", "control", "consent", "scoring", "arbitration"):
        for name in names:
            assert words_for(removed(stage, name, "excluded"), ruled) != WORDS
    assert words_for(removed("suitability", "value", "unsuitable"), ruled) == WORDS


def test_a_condition_of_the_catalog_is_told_in_its_own_words_or_by_its_code(world: World) -> None:
    rule = {"name": "strange", "feature": "size", "equals": 9, "reason": "not_nine"}
    told = removed("eligibility", "strange", "not_nine")
    plain = with_action(world, "tea", eligibility=[rule])
    assert words_for(told, plain)["en"] == "not nine"
    worded = with_action(world, "tea", eligibility=[rule | {"words": WORDS}])
    assert words_for(told, worded) == WORDS
    known = removed("eligibility", "not_bought_in_56_days", "bought_recently")
    assert words_for(known, world)["de"] == "wurde vor Kurzem gekauft"


def test_whatever_is_removed_wherever_there_are_words(world: World) -> None:
    for stage in STAGES:
        for code in REASONS:
            said = words_for(removed(stage, "anything", code), world)
            assert said["en"] and said["de"]
