"""GET /v1/actions: the catalog in force."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from serving.answer_schemas import ActionsAnswer
from serving.answers import json_response
from serving.operations import Operation, parts_of


async def actions(request: Request) -> Response:
    """List the actions in the order of the catalog."""
    world = parts_of(request).engine.state.world
    listed = [
        {
            "id": action.id,
            "name": {"en": action.name.en, "de": action.name.de},
            "issue": action.issue,
            "group": action.group,
            "category": action.category,
        }
        for action in world.catalog.actions
    ]
    return json_response({"version": world.versions.catalog, "actions": listed})


OPERATIONS = (
    Operation(
        "GET",
        "/v1/actions",
        actions,
        "The actions of the catalog.",
        scope="read",
        answer=ActionsAnswer,
        answer_example={
            "version": "5f1c",
            "actions": [
                {
                    "id": "pasta_sauce",
                    "name": {"en": "Pasta sauce", "de": "Pastasauce"},
                    "issue": "win_back",
                    "group": "pantry",
                    "category": "PASTA SAUCE",
                }
            ],
        },
    ),
)
