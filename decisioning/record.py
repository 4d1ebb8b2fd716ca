"""What is written down of a decision, so that it can be shown, explained and taken again.

A record is JSON plus the profile vector as raw 64-bit floats. What many decisions share (the
configuration, the layout of profiles, the popularity of a day) is kept once and named by the
SHA-256 of its bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from decisioning.decision import Decision, RankedAction
from decisioning.history import Consent, Contact, History, Volume
from decisioning.request import ContextEntry, DecisionRequest
from features.errors import LedgerError
from features.layout import Layout
from features.profiles import Profiles

Array = npt.NDArray[np.float64]

FORMAT = 1
_KEPT = tuple(n for n in RankedAction._fields if n not in ("name", "treatment", "reasons"))


@dataclass(frozen=True)
class Shared:
    """The digests of what a decision shares with others.

    Attributes
    ----------
    layout, profile_layout : of the world, and of the profile; nearly always the same.
    time_zone : of business days.
    without_model : whether it was taken without the model because that failed.
    """

    configuration: str
    layout: str
    profile_layout: str
    popularity: str
    time_zone: str = "UTC"
    without_model: bool = False


@dataclass(frozen=True)
class Record:
    """A decision as it was written down.

    Attributes
    ----------
    results, removed : as `payload_of` wrote them, without texts and reasons.
    degraded : of the whole answer, with what the service added.
    """

    request: DecisionRequest
    decision_id: str
    now: datetime
    shared: Shared
    model: str
    history: History | None
    results: tuple[dict[str, Any], ...]
    removed: tuple[tuple[Any, ...], ...]
    candidates: int
    degraded: tuple[str, ...]
    control_group: str | None
    consent_assumed: bool
    versions: dict[str, str]


def digest_of(content: bytes) -> str:
    """Return the name of a content: its SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def payload_of(
    request: DecisionRequest,
    decision: Decision,
    history: History | None,
    shared: Shared,
) -> bytes:
    """Return the JSON of a record, without the profile's numbers."""
    content = {
        "format": FORMAT,
        "decision_id": decision.decision_id,
        "now": decision.decided_at.isoformat(),
        "request": request,
        "shared": shared,
        "versions": decision.versions,
        "history": history,
        "results": [[getattr(one, name) for name in _KEPT] for one in decision.results],
        "removed": decision.removed,
        "candidates": decision.candidates,
        "degraded": decision.degraded,
        "control_group": decision.control_group,
        "consent_assumed": decision.consent_assumed,
    }
    return orjson.dumps(content, default=tuple, option=orjson.OPT_SERIALIZE_NUMPY)


def vectors_of(profiles: Profiles) -> bytes:
    """Return the profile's numbers as they are."""
    return np.ascontiguousarray(profiles.vectors, dtype="<f8").tobytes()


def read_record(payload: bytes) -> Record:
    """Return what `payload_of` wrote.

    Raises
    ------
    LedgerError : it is not such a payload, or of a format that is not known.
    """
    try:
        content = json.loads(payload)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, known is {FORMAT}")
        asked = content["request"]
        return Record(
            request=_request(asked),
            decision_id=content["decision_id"],
            now=datetime.fromisoformat(content["now"]).astimezone(UTC),
            shared=Shared(**content["shared"]),
            model=content["versions"]["model"],
            history=_history(content["history"]),
            results=tuple(dict(zip(_KEPT, one, strict=True)) for one in content["results"]),
            removed=tuple(tuple(one) for one in content["removed"]),
            candidates=content["candidates"],
            degraded=tuple(content["degraded"]),
            control_group=content["control_group"],
            consent_assumed=content["consent_assumed"],
            versions=content["versions"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(f"not the record of a decision ({error})") from error


def profiles_from(vectors: bytes, customer_id: str | None, layout: Layout) -> Profiles:
    """Return the profile of a record, read with the layout it was stored in.

    Raises
    ------
    LedgerError : they are no numbers, or not as many as the layout has.
    """
    if len(vectors) % 8:
        raise LedgerError(f"{len(vectors)} bytes are not the numbers of a profile")
    numbers = np.frombuffer(vectors, dtype="<f8").astype(np.float64)
    if numbers.size != layout.size:
        raise LedgerError(f"{numbers.size} numbers of a profile, its layout has {layout.size}")
    return Profiles(layout, np.array([customer_id or ""], dtype=object), numbers.reshape(1, -1))


def popularity_content(popularity: Array) -> bytes:
    """Return popularity as bytes: its shape as JSON, a line end, its numbers."""
    shape = json.dumps(popularity.shape).encode()
    return shape + b"\n" + np.ascontiguousarray(popularity, dtype="<f8").tobytes()


def popularity_from(content: bytes) -> Array:
    """Return what `popularity_content` wrote."""
    shape, _, numbers = content.partition(b"\n")
    return np.frombuffer(numbers, dtype="<f8").astype(np.float64).reshape(json.loads(shape))


def layout_content(layout: Layout) -> bytes:
    """Return a layout as JSON."""
    return json.dumps(asdict(layout), sort_keys=True).encode()


def layout_from(content: bytes) -> Layout:
    """Return what `layout_content` wrote."""
    return Layout(**{name: tuple(values) for name, values in json.loads(content).items()})


def _request(asked: dict[str, Any]) -> DecisionRequest:
    plain: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in asked.items()
    }
    contexts = tuple(ContextEntry(**entry) for entry in asked["contexts"])
    return DecisionRequest(**(plain | {"contexts": contexts}))


def _history(told: dict[str, Any] | None) -> History | None:
    if told is None:
        return None
    return History(
        contacts=tuple(Contact(*one) for one in told["contacts"]),
        consents=tuple(Consent(*one) for one in told["consents"]),
        volumes=tuple(Volume(*one) for one in told["volumes"]),
        time_zone=told["time_zone"],
    )
