"""Decisions as they go over the wire: what each reader may see, and no more.

Answers for a web page or a bot carry no factors, reasons or removed actions, so that a page cannot
read out a customer.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from decisioning.decision import Decision, RankedAction, Removed
from decisioning.request import Context, Explain

_SEE_EVERYTHING: frozenset[Context] = frozenset({"advisor", "email"})


def json_response(content: object, status: int = 200) -> Response:
    """Return a JSON response; times in UTC with a Z."""
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS)
    return Response(body, status, media_type="application/json")


def answer_of(decision: Decision, seen_by: Context, explain: Explain) -> dict[str, Any]:
    """Return the members of a `NextBestActionsAnswer`."""
    open_book = seen_by in _SEE_EVERYTHING
    answer: dict[str, Any] = {
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at,
        "results": [_result(action, open_book, explain) for action in decision.results],
        "control_group": decision.control_group,
        "versions": vars(decision.versions),
        "degraded": decision.degraded,
        "feature_age_s": decision.feature_age_s,
    }
    if open_book and explain == "all":
        answer["removed"] = [_removed(candidate) for candidate in decision.removed]
    return answer


def _result(action: RankedAction, open_book: bool, explain: Explain) -> dict[str, Any]:
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
        },
    }
    if open_book:
        result |= _factors(action)
        if explain != "none":
            result["reasons"] = [
                {"text": r.text, "features": r.features, "contribution": r.contribution}
                for r in action.reasons
            ]
    return result


def _factors(action: RankedAction) -> dict[str, Any]:
    return {
        "propensity": action.propensity,
        "label_model": action.label_model,
        "evidence": action.evidence,
        "value": action.value,
        "context_weight": action.context_weight,
        "lever": action.lever,
        "priority": action.priority,
        "probability": action.probability,
        "explored": action.explored,
    }


def _removed(candidate: Removed) -> dict[str, Any]:
    return {
        "action_id": candidate.action_id,
        "stage": candidate.stage,
        "tier": candidate.tier,
        "policy_id": candidate.policy_id,
        "reason": candidate.reason,
        "until": candidate.until,
    }
