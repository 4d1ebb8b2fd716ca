"""Request bodies: strict JSON in, checked models out."""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from serving.problems import FieldError, ProblemError, shortened, wrong_fields

Body = TypeVar("Body", bound=BaseModel)

_MOST_DIGITS = 4_000
"""Python refuses a few more than these, in words that are of no use to a caller."""


def read_body(model: type[Body], raw: bytes) -> Body:
    """Return the body as the model, nothing coerced.

    Raises
    ------
    ProblemError : `not_json` when it is not UTF-8 JSON (NaN and Infinity are not JSON),
        `wrong_field` when a name stands twice in one object or the model refuses a field.
    """
    try:
        return model.model_validate(read_json(raw), strict=True)
    except ValidationError as error:
        raise wrong_fields(error) from error


def read_json(raw: bytes) -> object:
    """Return JSON as Python values; stricter than the standard library.

    Raises
    ------
    ProblemError : as `read_body`.
    """
    if not raw:
        raise ProblemError("not_json", "the body is empty")
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ProblemError("not_json", f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ProblemError("not_json", f"{error.msg} at {place}") from error
    except RecursionError as error:
        raise ProblemError("not_json", "nested too deeply") from error
    except ValueError as error:
        raise ProblemError("not_json", str(error)) from error


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        name = _first_repeated([name for name, _ in pairs])
        told = shortened([value for one, value in pairs if one == name])
        twice = FieldError(field=name, message="stands twice in one object", value=told)
        raise ProblemError("wrong_field", f"cannot use: {name[:100]}", (twice,))
    return members


def _first_repeated(names: list[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name is there twice")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"{text[:40]}... is too large a number")
    return int(text)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_each_name_once,
    parse_float=_finite,
    parse_int=_whole,
    parse_constant=_no_constant,
)
