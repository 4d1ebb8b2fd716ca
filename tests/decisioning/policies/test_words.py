from __future__ import annotations

import ast
from pathlib import Path

import pytest

from decisioning.policies.words import REASONS, reason_words

ROOT = Path(__file__).parents[3]
CODES = [
    "unknown_action",
    "excluded",
    "disabled",
    "not_yet_valid",
    "expired",
    "no_treatment",
    "wrong_placement",
    "features_not_built",
    "not_eligible",
    "bought_recently",
    "control_group",
    "ledger_unavailable",
    "needs_advisor",
    "below_propensity",
    "below_priority",
    "value_not_usable",
    "outranked",
    "group_full",
    "limit_used_up",
    "placements_full",
    "unknown_customer",
    "stale_features",
    "no_model",
    "model_failed",
    "model_features_missing",
    "profile_layout_mismatch",
    "features_unavailable",
    "young_action",
    "no_consent",
    "consent_withdrawn",
    "objected",
    "consent_unreadable",
    "value_missing",
    "policy_error",
    "contacted_too_recently",
    "paused",
    "volume_used_up",
    "budget_used_up",
    "quiet_hours",
]


@pytest.mark.parametrize("code", CODES)
def test_every_reason_of_the_product_has_words_in_both_languages(code: str) -> None:
    assert REASONS[code].en != REASONS[code].de
    assert reason_words(code, "de") == REASONS[code].de


def test_the_codes_in_the_policies_are_all_in_the_table() -> None:
    """Texts that look like a code and are a value of a field or a return are one."""
    found = set()
    for path in sorted((ROOT / "decisioning" / "policies").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "reason":
                found |= {
                    one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)
                }
    assert found <= REASONS.keys()
