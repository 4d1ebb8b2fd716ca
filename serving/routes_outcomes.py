"""POST /v1/outcomes: what happened to actions that were decided; durable before it is confirmed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from serving.item_schemas import ItemsAnswer
from serving.operations import Operation, parts_of
from serving.outcome_schemas import OutcomesIn
from serving.outcomes import read_outcomes
from serving.storing import answer_items


async def outcomes(request: Request) -> Response:
    """Store one outcome or a list; each is told what became of it."""
    parts = parts_of(request)
    engine = parts.engine
    reported = read_outcomes(await request.body(), engine.clock.now(), engine.calendar)
    return await answer_items(
        parts,
        reported,
        lambda ledger, rows, now: ledger.store_outcomes(rows, now),
        parts.metrics.outcome,
    )


EXAMPLES = {
    "shown": {
        "event_id": "web-8d1f-1",
        "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
        "action_id": "pasta_sauce",
        "outcome": "presented",
    },
    "several": [
        {
            "event_id": "web-8d1f-2",
            "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
            "action_id": "pasta_sauce",
            "outcome": "clicked",
        },
        {
            "event_id": "web-8d1f-3",
            "decision_id": "6f0c6d9a-9a53-4a86-9a56-0d4f8a3c8a34",
            "action_id": "pasta_sauce",
            "outcome": "accepted",
            "value": 4.2,
        },
    ],
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/outcomes",
        outcomes,
        "What happened to decided actions: one outcome or up to 500.",
        scope="outcomes",
        body=OutcomesIn,
        answer=ItemsAnswer,
        problems=(409, 503),
        examples=EXAMPLES,
        answer_example={"items": [{"event_id": "web-8d1f-1", "status": "stored"}]},
    ),
)
