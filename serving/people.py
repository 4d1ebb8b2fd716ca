"""Who a path is about: the customer, every id of the person, and their names on tombstones."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from serving.operations import Parts
from serving.problems import FieldError, ProblemError, wrong_fields
from serving.schemas import Name


class _Whose(BaseModel):
    """The customer of the path, with the limits that one in a request has."""

    customer_id: Name


def customer_of(request: Request) -> str:
    """Return the customer of a path.

    Raises
    ------
    ProblemError : `wrong_field`, it is no id that a request could have.
    """
    given = request.path_params["customer_id"]
    if "\ufffd" in given:
        # What is not UTF-8 in a path arrives as this: the objection would be nobody's.
        wrong = FieldError(field="customer_id", message="not UTF-8 in the path", value=given)
        raise ProblemError("wrong_field", "cannot use: customer_id", (wrong,))
    try:
        return _Whose(customer_id=given).customer_id
    except ValidationError as error:
        raise wrong_fields(error) from error


async def ids_of(parts: Parts, customer_id: str) -> tuple[str, ...]:
    """Return every id of the person, the given one first."""
    return (customer_id,)


def subjects_of(parts: Parts, customer_ids: Sequence[str]) -> list[str]:
    """Return the keyed hashes under which customers stand on tombstones."""
    raise NotImplementedError
