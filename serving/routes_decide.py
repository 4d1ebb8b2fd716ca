"""POST /v1/next-best-actions: what is best for this customer, here, now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from serving.answers import answer_of, json_response
from serving.bodies import read_body
from serving.keys import Caller
from serving.logs import hashed, log
from serving.operations import Operation, Parts, caller_of, parts_of
from serving.schemas import NextBestActionsAnswer, NextBestActionsRequest


async def next_best_actions(request: Request) -> Response:
    """Answer one question."""
    caller = caller_of(request)
    question = read_body(NextBestActionsRequest, await request.body())
    return recommend(parts_of(request), caller, question)


def recommend(parts: Parts, caller: Caller, question: NextBestActionsRequest) -> Response:
    """Return the answer to a question; the same for our route and for BentoML's.

    Raises
    ------
    ProblemError : `scope_missing`.
    """
    caller.require(*question.scopes)
    customer_id, codes = question.resolve()
    decision = parts.engine.answer(question.as_asked(customer_id), codes)
    parts.metrics.degraded(decision.degraded)
    if parts.settings.log_requests:
        log().info(
            "decided",
            decision_id=decision.decision_id,
            customer=hashed(customer_id) if customer_id else None,
            degraded=decision.degraded,
        )
    return json_response(answer_of(decision, question.seen_by, question.explain))


EXAMPLES = {
    "advisor": {
        "customer_id": "1053",
        "channel": "advisor",
        "max_results": 3,
        "explain": "all",
        "language": "en",
    },
    "web": {
        "customer_id": "1053",
        "channel": "web",
        "placements": ["home_hero"],
        "contexts": [{"type": "page", "key": "category", "value": "coffee"}],
        "max_results": 1,
    },
}

_ANSWER = {
    "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
    "decided_at": "2018-01-01T06:00:12Z",
    "results": [
        {
            "rank": 1,
            "action_id": "pasta_sauce",
            "name": "Pasta sauce",
            "issue": "win_back",
            "group": "pantry",
            "treatment": {
                "channel": "web",
                "language": "en",
                "title": "Pasta sauce again?",
                "text": "It has been a while.",
                "talking_points": [],
                "quick_replies": [],
            },
        }
    ],
    "control_group": None,
    "versions": {"model": "adoption 1", "catalog": "5f1c", "policies": "", "features": "9a0b"},
    "degraded": [],
    "feature_age_s": 21612.0,
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/next-best-actions",
        next_best_actions,
        "The next best actions of a customer, ranked and explained.",
        scope="decide",
        body=NextBestActionsRequest,
        answer=NextBestActionsAnswer,
        examples=EXAMPLES,
        answer_example=_ANSWER,
    ),
)
