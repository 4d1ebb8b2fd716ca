"""A customer as a whole: the journey, everything that is known, and its erasure."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from decisioning.ledger.person_reads import Person
from features.errors import LedgerError, NbaError
from features.person import source_rows
from serving.answers import json_response
from serving.erasing import Erased, erase
from serving.journey import journey_of, page_of
from serving.logs import hashed, log
from serving.operations import Operation, Parts, parts_of
from serving.people import customer_of, ids_of, subject_of
from serving.personal_data import export_of
from serving.problems import FieldError, ProblemError
from serving.start import identity_key

Result = TypeVar("Result")
MOST_ENTRIES = 1_000
_USUAL_ENTRIES = 100
WAIT_SHARE = 0.6
"""How much of a request's time an erasure is waited for."""


class JourneyEntry(BaseModel):
    """One point of a journey; what is not known is left out."""

    model_config = ConfigDict(extra="allow", frozen=True)

    at: datetime
    kind: str = Field(description="transaction, touchpoint, decision, outcome or consent.")
    id: str = Field(description="Of the transaction, event, decision or consent.")


class JourneyAnswer(BaseModel):
    """The journey of a customer, newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id: str
    customer_ids: list[str] = Field(description="Every id of the person.")
    entries: list[JourneyEntry]
    next: str | None = Field(
        description="To be sent as `before` for what is older; null at the end."
    )


class ErasedAnswer(BaseModel):
    """What was erased."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_ids: list[str]
    rows: dict[str, int] = Field(description="How many rows went, by store.")
    left: list[str] = Field(
        description="Files that still name the customer, such as a report; delete them yourself."
    )
    models: list[str] = Field(description="Models that were trained before the erasure.")


async def journey(request: Request) -> Response:
    """Show everything that happened with a customer, newest first."""
    parts, customer_id = parts_of(request), customer_of(request)
    limit, before = _limit(request), request.query_params.get("before")
    ids = await ids_of(parts, customer_id)
    person = await _person(parts, ids)
    source = await _read(source_rows, parts.settings.home / "data", ids)
    try:
        page, following = page_of(journey_of(person, source), before, limit)
    except ValueError as error:
        wrong = FieldError(field="before", message="not the `next` of a page", value=before)
        raise ProblemError("wrong_field", "cannot use: before", (wrong,)) from error
    entries = [{"at": one.at, "kind": one.kind, "id": one.id, **one.facts} for one in page]
    return json_response(
        {
            "customer_id": customer_id,
            "customer_ids": list(ids),
            "entries": entries,
            "next": following,
        }
    )


async def export(request: Request) -> Response:
    """Return everything that is known of a customer."""
    parts, customer_id = parts_of(request), customer_of(request)
    ids = await ids_of(parts, customer_id)
    person = await _person(parts, ids)
    log().info("exported", customer=hashed(customer_id))
    return json_response(await _read(_export, parts, ids, person))


async def forget(request: Request) -> Response:
    """Erase a customer from every store; what takes longer than a request goes on behind it."""
    parts, customer_id = parts_of(request), customer_of(request)
    ids = await ids_of(parts, customer_id)
    seconds = WAIT_SHARE * parts.settings.timeout_seconds
    try:
        done = await parts.erasures.of(
            subject_of(identity_key(parts.settings), customer_id),
            lambda: _forget(parts, ids),
            lambda: _is_known(parts, ids),
            seconds,
        )
    except NbaError as error:
        log().error("not_erased", customer=hashed(customer_id), error=type(error).__name__)
        raise ProblemError(
            "not_stored", "not everything was erased; ask again", headers={"Retry-After": "5"}
        ) from error
    if done is None:
        raise ProblemError(
            "still_erasing", "it goes on; ask again for what it did", headers={"Retry-After": "5"}
        )
    log().info("erased", customer=hashed(customer_id), rows=sum(done.rows.values()))
    model = parts.engine.state.world.versions.model
    return json_response(
        {
            "customer_ids": list(done.customer_ids or ids),
            "rows": done.rows,
            "left": list(done.left),
            "models": [model] if model else [],
        }
    )


async def _read(read: Callable[..., Result], *given: object) -> Result:
    try:
        return await asyncio.to_thread(read, *given)
    except NbaError as error:
        log().error("customer_not_read", error=type(error).__name__)
        raise ProblemError("not_readable", "not everything can be read") from error


def _export(parts: Parts, ids: tuple[str, ...], person: Person) -> dict[str, Any]:
    store, home = parts.engine.state.store, parts.settings.home
    profiles = [store.online(one) for one in ids] if store is not None else []
    return export_of(ids, home / "data", profiles, person, parts.engine.clock.now())


def _forget(parts: Parts, ids: tuple[str, ...]) -> Erased:
    ledger, store = parts.desk.ledger, parts.engine.state.store
    if ledger is None:
        raise LedgerError("there is no ledger")
    now = parts.engine.clock.now().timestamp()
    forget_online = store.forget if store is not None else lambda _: 0
    home, key = parts.settings.home, identity_key(parts.settings)
    subjects = [subject_of(key, one) for one in ids]
    return erase(ids, subjects, now, ledger.rights, home, forget_online)


def _is_known(parts: Parts, ids: tuple[str, ...]) -> bool:
    ledger = parts.desk.ledger
    if ledger is None:
        raise LedgerError("there is no ledger")
    return ledger.rights.everything_of(ids).rows > 0


async def _person(parts: Parts, ids: tuple[str, ...]) -> Person:
    ledger = parts.desk.ledger
    try:
        if ledger is None:
            raise LedgerError("there is no ledger")
        await asyncio.to_thread(ledger.flush, 1.0)
        return await asyncio.to_thread(ledger.rights.everything_of, ids)
    except (LedgerError, TimeoutError) as error:
        log().error("ledger_not_read", error=type(error).__name__)
        raise ProblemError("not_readable", "the ledger cannot be read") from error


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", str(_USUAL_ENTRIES))
    if not re.fullmatch(r"[0-9]{1,9}", given) or not 1 <= int(given) <= MOST_ENTRIES:
        message = f"not a whole number from 1 to {MOST_ENTRIES}"
        wrong = FieldError(field="limit", message=message, value=given[:100])
        raise ProblemError("wrong_field", "cannot use: limit", (wrong,))
    return int(given)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/customers/{customer_id}/journey",
        journey,
        "What happened with a customer, newest first.",
        scope="read",
        answer=JourneyAnswer,
        query={
            "limit": f"How many entries, 1 to {MOST_ENTRIES}; by default {_USUAL_ENTRIES}.",
            "before": "The `next` of the page before.",
        },
        problems=(422, 503),
    ),
    Operation(
        "GET",
        "/v1/customers/{customer_id}/export",
        export,
        "Everything that is known of a customer.",
        scope="privacy",
        problems=(422, 503),
    ),
    Operation(
        "DELETE",
        "/v1/customers/{customer_id}",
        forget,
        "Erase a customer from every store.",
        scope="privacy",
        answer=ErasedAnswer,
        problems=(422, 503),
    ),
)
