"""What people write in YAML, read strictly: one frozen model per file, faults in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from decisioning.fault import Fault, Faults, KeyPath, Told
from decisioning.yaml_source import Source, read_source
from features.errors import ConfigError
from features.spelling import did_you_mean

__all__ = ["Border", "Fault", "Faults", "KeyPath", "Told", "find_faults", "read_border"]

_LONGEST_VALUE = 80
_PLAIN = {
    "model_type": "should hold keys, each with a value",
    "dict_type": "should hold keys, each with a value",
    "tuple_type": "should be a list",
}


Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""How ids and reason codes are written."""


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time as people write it; UTC unless an offset is given."""


class Border(BaseModel):
    """A value that crosses the border: frozen, finite, and without unknown keys.

    A whole-model check of a subclass raises `Faults`, each with its path below that model.

    >>> class Cup(Border):
    ...     colour: str
    >>> Cup.model_validate({"color": "red"})
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Cup
      Value error, unknown key 'color'; did you mean 'colour'? (known: colour) ...
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def faults_as_written(cls, content: Mapping[str, Any]) -> Iterable[Told]:
        """Find faults in what was written, before it is known to be of the right kinds.

        They are told beside those of the fields, and instead of the ones with the same path.
        """
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _tell_every_fault(cls, content: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(content, Mapping):
            return handler(content)
        unknown, meant = _unknown_keys(content, tuple(cls.model_fields))
        found = [*unknown, *cls.faults_as_written(content)]
        if not found:
            return handler(content)
        try:
            handler({key: value for key, value in content.items() if key in cls.model_fields})
        except ValidationError as problem:
            told = {one.path for one in found if one.path} | {(key,) for key in meant}
            found += [one for one in told_by(problem, content) if one.path not in told]
        raise Faults(found)


AnyBorder = TypeVar("AnyBorder", bound=Border)


def read_border(
    path: Path,
    model: type[AnyBorder],
    error: type[ConfigError],
    context: Any = None,
    check: Callable[[AnyBorder], object] | None = None,
) -> AnyBorder:
    """Read a YAML file as a model.

    Parameters
    ----------
    context : what validators find as `info.context`.
    check : looks at the model that was read and raises `Faults` about it.

    Raises
    ------
    error : not readable, not YAML, a key twice, or any fault of the model. Each fault is a line
        `FILE:LINE:COLUMN: key.path: message (value ...)`; several follow a line that counts them.
    """
    read, faults = find_faults(path, model, context, check)
    if read is None or faults:
        lines = [str(fault) for fault in faults]
        start = "" if len(lines) == 1 else f"{path}: {len(lines)} faults\n  "
        raise error(start + "\n  ".join(lines))
    return read


def find_faults(
    path: Path,
    model: type[AnyBorder],
    context: Any = None,
    check: Callable[[AnyBorder], object] | None = None,
) -> tuple[AnyBorder | None, tuple[Fault, ...]]:
    """Return what a file holds and everything that is wrong with it, in the order of the lines.

    The model is None exactly where there are faults.
    """
    source = read_source(path)
    if source.faults and source.node is None:
        return None, source.faults
    read, told = _validate(source, model, context)
    if read is not None and check is not None:
        try:
            check(read)
        except Faults as problem:
            told = list(problem.found)
    faults = dict.fromkeys((*source.faults, *(source.fault(one) for one in told)))
    ordered = tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    return (None if ordered else read), ordered


def told_by(problem: ValidationError, content: Any, checks_only: bool = False) -> Iterator[Told]:
    """Return the faults that pydantic found in some content, those in `Faults` one by one.

    Parameters
    ----------
    checks_only : leave out what does not come from `Faults`.
    """
    for fault in problem.errors(include_url=False):
        path, key = _written(content, fault["loc"], absent=fault["type"] == "missing")
        inner = fault.get("ctx", {}).get("error")
        if isinstance(inner, Faults):
            yield from (one.below(path) for one in inner.found)
        elif not checks_only:
            yield Told(path, _sentence(fault), key)


def _validate(
    source: Source, model: type[AnyBorder], context: Any
) -> tuple[AnyBorder | None, list[Told]]:
    content = source.content
    if content is None:
        needed = [name for name, field in model.model_fields.items() if field.is_required()]
        if needed:
            return None, [Told((), f"the file is empty; it needs {' and '.join(needed)}")]
        content = {}
    try:
        return model.model_validate(content, context=context), []
    except ValidationError as problem:
        told = list(told_by(problem, content))
    return None, told + _of_the_rest(content, told, model, context)


def _of_the_rest(content: Any, told: list[Told], model: type[Border], context: Any) -> list[Told]:
    """Return what whole-model checks find once the faulty entries of lists are left out.

    Without this a whole-model fault would only be told after every other one has been corrected.
    """
    faulty = {one.path[:2] for one in told}
    if not all(len(path) == 2 and isinstance(path[1], int) for path in faulty):
        return []
    kept, position = dict(content), {}
    for key in {path[0] for path in faulty}:
        position[key] = [at for at in range(len(content[key])) if (key, at) not in faulty]
        kept[key] = [content[key][at] for at in position[key]]
    names = {name for key, at in faulty for name in _names_in(content[key][at])}
    try:
        model.model_validate(kept, context=context)
    except ValidationError as problem:
        found = told_by(problem, kept, checks_only=True)
        return [_moved(one, position) for one in found if one.unknown not in names]
    return []


def _moved(told: Told, position: Mapping[str | int, list[int]]) -> Told:
    """Return a fault with the position that its entry has in the file."""
    if len(told.path) < 2 or told.path[0] not in position or isinstance(told.path[1], str):
        return told
    key, at, *rest = told.path
    return told._replace(path=(key, position[key][told.path[1]], *rest))


def _names_in(content: Any) -> Iterator[str]:
    """Return every key and every text of some content."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from (str(key) for key in content)
        content = list(content.values())
    if isinstance(content, list):
        for below in content:
            yield from _names_in(below)


def _unknown_keys(
    content: Mapping[Any, Any], known: tuple[str, ...]
) -> tuple[list[Told], set[str]]:
    """Return the faults about unknown keys, and the keys that were probably meant."""
    found, meant = [], set()
    for key in content:
        if key not in known:
            nearest = did_you_mean(str(key), known)
            said = f"unknown key {key!r}{nearest} (known: {', '.join(known)})"
            found.append(Told((), said, key=key))
            meant |= {name for name in known if repr(name) in nearest}
    return found, meant


def _sentence(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    given = fault["input"]
    if fault["type"] == "too_short" and not given:
        return "is empty; it needs at least one entry"
    message = _PLAIN.get(fault["type"], message)
    if fault["type"] == "missing" or isinstance(given, Mapping | BaseModel):
        return message
    shown = repr(given)
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + "..."
    return f"{message} (value {shown})"


def _written(content: Any, loc: KeyPath, absent: bool) -> tuple[KeyPath, str | int | None]:
    """Return the path of what was written, and its last key where that is what is wrong.

    Parameters
    ----------
    absent : the last key is one that should have been written.

    >>> _written({"value": {"kind": "fixed"}}, ("value", "fixed", "amount"), absent=True)
    (('value', 'amount'), None)
    """
    path: list[str | int] = []
    for part in loc:
        in_list = isinstance(content, list) and isinstance(part, int) and part < len(content)
        if in_list or (isinstance(content, Mapping) and part in content):
            path.append(part)
            content = content[part]
        # What else was not written, such as the tag of a union, is no part of the path.
    if absent:
        path.append(loc[-1])
    return tuple(path), path[-1] if path and loc[-1] == "[key]" else None
