"""Reads what is reported, item by item: one that cannot be used never costs the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import ValidationError

from decisioning.record import digest_of
from features.calendar import Calendar
from serving.bodies import read_json
from serving.item_schemas import MOST_ITEMS
from serving.problems import FieldError, ProblemError, fields_of, shortened, whole

AHEAD = timedelta(minutes=5)
"""How far an event may lie in the future, where clocks differ; it is stored as of now then."""

Item = TypeVar("Item")


class UnusableError(Exception):
    """Fields of an item that cannot be used, for reasons that a model alone cannot know."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{one.field}: {one.message}" for one in errors))
        self.errors = errors

    @classmethod
    def of(cls, field: str, message: str, value: object = None) -> UnusableError:
        """Return it for one field."""
        return cls(FieldError(field=field, message=message, value=shortened(value)))


@dataclass(frozen=True)
class Unread:
    """An item that cannot be used, and why."""

    event_id: str | None
    errors: tuple[FieldError, ...]


@dataclass(frozen=True)
class Reported(Generic[Item]):
    """The items of a body in their order, and whether it was a list."""

    items: tuple[Item | Unread, ...]
    batch: bool


@dataclass(frozen=True)
class When:
    """When something happened, as it is stored.

    Attributes
    ----------
    at : seconds since 1970.
    day : its business day number.
    note : `told_as` where it was told to happen a little later than now.
    """

    at: float
    day: int
    note: dict[str, Any]


def read_items(raw: bytes, read: Callable[[object], Item]) -> Reported[Item]:
    """Return what a body reports.

    Parameters
    ----------
    read : makes an item of a JSON value, or raises ValidationError or UnusableError.

    Raises
    ------
    ProblemError : `not_json`, or `wrong_field` where it is neither an object nor a list of 1 to
        500 of them.
    """
    content = read_json(raw)
    if not isinstance(content, list):
        return Reported((_read(content, read),), batch=False)
    if not 1 <= len(content) <= MOST_ITEMS:
        wrong = FieldError(field="", message=f"1 to {MOST_ITEMS} items", value=len(content))
        raise ProblemError("wrong_field", f"cannot use: a list of {len(content)}", (wrong,))
    return Reported(tuple(_read(item, read) for item in content), batch=True)


def _read(content: object, read: Callable[[object], Item]) -> Item | Unread:
    try:
        return read(content)
    except ValidationError as error:
        return Unread(_event_id(content), fields_of(error))
    except UnusableError as error:
        return Unread(_event_id(content), error.errors)


def _event_id(content: object) -> str | None:
    # A CloudEvent calls it so.
    given = content.get("event_id", content.get("id")) if isinstance(content, dict) else None
    return whole(given) if isinstance(given, str) else None


def when(told: datetime | None, now: datetime, calendar: Calendar) -> When:
    """Return when something happened that was told for a moment, or for no moment: now.

    Raises
    ------
    UnusableError : it lies in the future, further than clocks differ.
    """
    occurred = told or now
    if occurred > now + AHEAD:
        message = f"in the future; the clock of the service reads {now.isoformat()}"
        raise UnusableError.of("occurred_at", message, occurred.isoformat())
    at = min(occurred, now).timestamp()
    note = {"told_as": occurred.isoformat()} if occurred > now else {}
    return When(at, int(calendar.day(np.array([at]))[0]), note)


def digest_of_content(content: object) -> str:
    """Return the digest of what was reported, the same for every way of writing it."""
    return digest_of(json.dumps(content, sort_keys=True).encode())


def told(item: Unread) -> dict[str, Any]:
    """Return a refused item as an answer tells it: its first field."""
    first = item.errors[0]
    return {
        "event_id": item.event_id,
        "status": "refused",
        "detail": first.message,
        "field": whole(first.field),
        "value": shortened(first.value),
    }
