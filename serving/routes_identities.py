"""Who goes by which id, and which customers are one person, told by whoever knows it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from decisioning.ledger.identities import Stated
from decisioning.ledger.people_log import PeopleLog
from features.errors import LedgerError
from features.identity import CUSTOMER_NAMESPACE
from serving.answers import json_response
from serving.bodies import read_body
from serving.operations import Operation, Parts, parts_of
from serving.people import customer_of
from serving.problems import FieldError, ProblemError, shortened
from serving.schemas import Identities, Name
from serving.storing import not_stored

Result = TypeVar("Result")


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IdentitiesIn(_In):
    """Ids of one customer."""

    identities: Identities = Field(
        min_length=1, description="Ids by namespace; they are kept as keyed hashes alone."
    )
    status: Literal["linked", "unlinked"] = Field(
        "linked", description="unlinked takes links back."
    )


class IdentitiesStored(_In):
    """What became of ids."""

    changed: int = Field(description="How many were linked, or unlinked, by this.")
    unchanged: int = Field(description="How many were so already.")


class MergeIn(_In):
    """The other customer."""

    absorbed_id: Name = Field(
        description="The customer id that is, or was, the customer of the path."
    )


class MergeAnswer(_In):
    """What became of a merge."""

    status: Literal["merged", "unmerged", "unchanged"] = Field(
        description="unchanged: it was so already, and nothing was written."
    )
    people: dict[str, list[str]] = Field(
        description="Both customers as they are now: by root all customer ids of a person."
    )
    detail: str | None = Field(None, description="What else there is to say.")


async def link(request: Request) -> Response:
    """Link ids to a customer, or take links back."""
    parts, customer_id = parts_of(request), customer_of(request)
    told = read_body(IdentitiesIn, await request.body())
    if CUSTOMER_NAMESPACE in told.identities:
        message = "customer ids are not linked but merged: POST .../merge"
        value = shortened(told.identities[CUSTOMER_NAMESPACE])
        wrong = FieldError(field="identities.customer_id", message=message, value=value)
        raise ProblemError("wrong_field", "cannot use: identities.customer_id", (wrong,))
    recognition = parts.recognition
    stated = [
        Stated(
            namespace,
            id_hash,
            customer_id,
            recognition.rules.of(namespace),
            told.status == "linked",
        )
        for namespace, id_hash in recognition.presented(told.identities).hashed
    ]
    done = await _written(parts, _people(parts).state(stated, _now(parts), "api"))
    changed = done.count("changed")
    return json_response({"changed": changed, "unchanged": len(done) - changed})


async def merge(request: Request) -> Response:
    """Make another customer the one of the path; their counts and consents are one from now on."""
    parts, customer_id = parts_of(request), customer_of(request)
    absorbed = read_body(MergeIn, await request.body()).absorbed_id
    change = _people(parts).merge(absorbed, customer_id, _now(parts), "api")
    if await _written(parts, change) == "unchanged":
        return await _told(parts, "unchanged", absorbed, customer_id, "they are one person already")
    parts.touched([customer_id])
    return await _told(parts, "merged", absorbed, customer_id)


async def unmerge(request: Request) -> Response:
    """Take the merge of another customer into the one of the path back."""
    parts, customer_id = parts_of(request), customer_of(request)
    absorbed = read_body(MergeIn, await request.body()).absorbed_id
    change = _people(parts).unmerge(absorbed, customer_id, _now(parts), "api")
    if await _written(parts, change) == "unchanged":
        detail = "no merge joins them"
        return await _told(parts, "unchanged", absorbed, customer_id, detail)
    parts.touched([absorbed, customer_id])
    return await _told(parts, "unmerged", absorbed, customer_id)


async def _told(
    parts: Parts, status: str, absorbed: str, customer_id: str, detail: str | None = None
) -> Response:
    try:
        people = await parts.desk.patience.read(_people(parts).people, (absorbed, customer_id))
    except LedgerError as error:
        raise ProblemError("not_readable", "the ledger cannot be read") from error
    if status == "unmerged" and len(people) == 1:
        detail = "other merges still join them"
    found = {root: list(aliases) for root, aliases in people.items()}
    return json_response({"status": status, "people": found, "detail": detail})


def _people(parts: Parts) -> PeopleLog:
    if parts.desk.ledger is None:
        raise not_stored(LedgerError("there is no ledger"))
    return parts.desk.ledger.people


async def _written(parts: Parts, change: Future[Result]) -> Result:
    try:
        return await parts.desk.patience.written(change)
    except LedgerError as error:
        raise not_stored(error) from error


def _now(parts: Parts) -> float:
    return parts.engine.clock.now().timestamp()


_MERGED = {"status": "merged", "people": {"1053": ["1053", "77"]}, "detail": None}
_APART = {"status": "unmerged", "people": {"77": ["77"], "1053": ["1053"]}, "detail": None}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/customers/{customer_id}/identities",
        link,
        "Ids that a customer goes by.",
        scope="events",
        body=IdentitiesIn,
        answer=IdentitiesStored,
        problems=(503,),
        examples={"card": {"identities": {"loyalty_card": ["4711"]}}},
        answer_example={"changed": 1, "unchanged": 0},
    ),
    Operation(
        "POST",
        "/v1/customers/{customer_id}/merge",
        merge,
        "Another customer is the same person.",
        scope="admin",
        body=MergeIn,
        answer=MergeAnswer,
        problems=(503,),
        examples={"other": {"absorbed_id": "77"}},
        answer_example=_MERGED,
    ),
    Operation(
        "POST",
        "/v1/customers/{customer_id}/unmerge",
        unmerge,
        "Another customer is not the same person after all.",
        scope="admin",
        body=MergeIn,
        answer=MergeAnswer,
        problems=(503,),
        examples={"other": {"absorbed_id": "77"}},
        answer_example=_APART,
    ),
)
