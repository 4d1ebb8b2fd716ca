"""Why a candidate is not in the answer, in words: the policy's own, or those of the product."""

from __future__ import annotations

from collections.abc import Mapping

from decisioning.decision import Removed
from decisioning.policies.words import reason_words
from decisioning.treatments import Words
from decisioning.world import World

_OF_POLICIES = ("eligibility", "applicability", "suitability", "contact")
"""Stages that name a policy; elsewhere a field may happen to be called like one."""

_OWN_WORDS_DO_NOT_FIT = ("value_missing", "policy_error", "limit_used_up")
"""Reasons that say what went wrong with a policy rather than what it is about."""


def words_for(removed: Removed, world: World) -> Mapping[str, str]:
    """Return the reason of a removal in English and German."""
    words = _own_words(removed, world)
    if words is not None and removed.reason not in _OWN_WORDS_DO_NOT_FIT:
        return {"en": words.en, "de": words.de}
    return {
        "en": reason_words(removed.reason, "en"),
        "de": reason_words(removed.reason, "de"),
    }


def _own_words(removed: Removed, world: World) -> Words | None:
    """Return what the policy, or the condition of the catalog, says of itself."""
    if removed.stage == "eligibility":
        for rule in world.catalog.rule_book.rules:
            if rule.id == removed.policy_id:
                return rule.words
    if removed.stage not in _OF_POLICIES:
        return None
    return world.configuration.policies.words.get(removed.policy_id)
