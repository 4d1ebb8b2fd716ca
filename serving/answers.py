"""Decisions as they go over the wire: what each reader may see, and no more.

Answers for a web page or a bot carry no factors, reasons or removed actions, so that a page cannot
read out a customer.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from decisioning.decision import Decision, RankedAction, Removed
from decisioning.reasons import words_for
from decisioning.request import Context, Explain
from decisioning.world import World

ASSUMED_CONSENT = "assumed: demo"
"""What an answer says where a missing consent was taken for granted."""

_SEE_EVERYTHING: frozenset[Context] = frozenset({"advisor", "email"})


def json_response(content: object, status: int = 200) -> Response:
    """Return a JSON response; times in UTC with a Z."""
    return Response(bytes_of(content), status, media_type="application/json")


def bytes_of(content: object) -> bytes:
    """Return JSON; times in UTC with a Z."""
    return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS)


def answer_of(
    decision: Decision,
    seen_by: Context,
    explain: Explain,
    logged: str,
    world: World,
    brief: bool = False,
) -> dict[str, Any]:
    """Return the members of a `NextBestActionsAnswer`.

    Parameters
    ----------
    world : has the words of what was removed.
    brief : whether a reader who sees no factors gets one short reason with each action.
    """
    open_book = seen_by in _SEE_EVERYTHING
    answer: dict[str, Any] = {
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at,
        "results": [_result(action, open_book, explain, brief) for action in decision.results],
        "control_group": decision.control_group,
        "consent": ASSUMED_CONSENT if decision.consent_assumed else None,
        "logged": logged,
        "versions": vars(decision.versions),
        "degraded": decision.degraded,
        "feature_age_s": decision.feature_age_s,
    }
    if open_book and explain == "all":
        answer["removed"] = [removed_of(candidate, world) for candidate in decision.removed]
        answer["funnel"] = [stage._asdict() for stage in decision.funnel]
    return answer


def _result(action: RankedAction, open_book: bool, explain: Explain, brief: bool) -> dict[str, Any]:
    treatment = action.treatment
    result: dict[str, Any] = {
        "rank": action.rank,
        "action_id": action.action_id,
        "name": action.name,
        "issue": action.issue,
        "group": action.group,
        "treatment": {
            "channel": treatment.channel,
            "language": treatment.language,
            "title": treatment.title,
            "text": treatment.text,
            "talking_points": treatment.talking_points,
            "quick_replies": treatment.quick_replies,
            "objections": [vars(one) for one in treatment.objections],
            "accept_label": treatment.accept_label,
            "decline_label": treatment.decline_label,
            "later_label": treatment.later_label,
        },
        "placement": action.placement,
        "confirm": action.confirm,
    }
    if brief and action.reasons:
        result["because"] = action.reasons[0].short
    if open_book:
        result |= factors_of(action)
        if explain != "none":
            result["reasons"] = [
                {"text": r.text, "features": r.features, "contribution": r.contribution}
                for r in action.reasons
            ]
    return result


def factors_of(action: RankedAction) -> dict[str, Any]:
    """Return what the priority of an action is made of."""
    return {
        "propensity": action.propensity,
        "model_propensity": action.model_propensity,
        "label_model": action.label_model,
        "evidence": action.evidence,
        "value": action.value,
        "context_weight": action.context_weight,
        "lever": action.lever,
        "priority": action.priority,
        "probability": action.probability,
        "probability_error": action.probability_error,
        "mandatory": action.mandatory,
        "explored": action.explored,
    }


def removed_of(candidate: Removed, world: World) -> dict[str, Any]:
    """Return one removed candidate, with the reason in words."""
    return {
        "action_id": candidate.action_id,
        "stage": candidate.stage,
        "tier": candidate.tier,
        "policy_id": candidate.policy_id,
        "reason": candidate.reason,
        "words": dict(words_for(candidate, world)),
        "until": candidate.until,
    }
