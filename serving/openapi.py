"""The OpenAPI 3.1 document, made from the table of operations and the pydantic models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.operations import Operation
from serving.problems import KINDS, MEDIA_TYPE, ProblemDetails

Json = dict[str, Any]

_DESCRIPTION = (
    "At each contact with a customer: what is the best thing to do next, here, now. "
    "Errors are problem details (RFC 9457). An answer that lacks something is still an answer: "
    "`degraded` says what was missing."
)


def document(operations: Iterable[Operation]) -> Json:
    """Return the OpenAPI document of these operations."""
    operations = list(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Next best action",
            "version": _version(),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "nba_ID_SECRET",
                    "description": "An API key with the scope that the operation names.",
                }
            },
        },
    }


def statuses(operation: Operation) -> tuple[int, ...]:
    """Return every status that an operation can answer with, those of the guard included."""
    found = {200, 421, 500, *operation.problems}
    if operation.scope:
        found |= {401, 403}
    if operation.body is not None:
        found |= {400, 408, 413, 415, 422}
    return tuple(sorted(found))


def scope_of(operation: Operation) -> str:
    """Return in words which scope an operation needs; empty text when it needs no key."""
    return {
        "": "",
        "decide": "decide:web, decide:bot, decide:advisor or decide:email, as the channel and "
        "the context of the question say",
        "metrics": "read, unless the setting open_metrics is on",
    }.get(operation.scope, operation.scope)


def _operation(operation: Operation) -> Json:
    scope = scope_of(operation)
    described: Json = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "responses": {str(status): _response(operation, status) for status in statuses(operation)},
    }
    if scope:
        described["description"] = f"Needs the scope {scope}."
        described["security"] = [{"key": []}]
    else:
        described["security"] = []
    names = re.findall(r"{(\w+)}", operation.path)
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ] + [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.query.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content: Json = {"schema": _reference(operation.body)}
        if operation.examples:
            content["examples"] = {
                name: {"value": value} for name, value in operation.examples.items()
            }
        described["requestBody"] = {
            "required": True,
            "content": dict.fromkeys(operation.body_types, content),
        }
    return described


def _response(operation: Operation, status: int) -> Json:
    if status != 200:
        kind = next(kind for kind in KINDS.values() if kind.status == status)
        response: Json = {
            "description": kind.title,
            "content": {
                MEDIA_TYPE: {
                    "schema": _reference(ProblemDetails),
                    "example": _problem_example(kind.code, operation.path),
                }
            },
        }
        if status == 401:
            response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
        return response
    schema = _reference(operation.answer) if operation.answer else {"type": "string"}
    if operation.answer is None and operation.media_type == "application/json":
        schema = {"type": "object"}
    content: Json = {"schema": schema}
    if operation.answer_example is not None:
        content["example"] = operation.answer_example
    return {"description": "The answer.", "content": {operation.media_type: content}}


def _problem_example(code: str, path: str) -> Json:
    kind = KINDS[code]
    example: Json = {
        "type": f"/docs#{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": path,
    }
    if code == "wrong_field":
        example["detail"] = "cannot use: max_results"
        fault = "Input should be less than or equal to 100"
        example["errors"] = [{"field": "max_results", "message": fault, "value": 10_000}]
    return example


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas(operations: list[Operation]) -> Json:
    models: list[tuple[type[BaseModel], Any]] = [(ProblemDetails, "serialization")]
    models += [(op.body, "validation") for op in operations if op.body is not None]
    models += [(op.answer, "serialization") for op in operations if op.answer is not None]
    _, schema = models_json_schema(models, ref_template="#/components/schemas/{model}")
    definitions: Json = schema["$defs"]
    return definitions


def _version() -> str:
    try:
        return version("next-best-action")
    except PackageNotFoundError:
        # Run from the source tree of a Bento, which holds the packages without their metadata.
        return "0.1.0"
