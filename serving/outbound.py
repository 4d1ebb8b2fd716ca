"""What goes out to customers: one question per customer, and what its answer says to a sender.

The question is asked at the same desk as every other one. Its answer is kept in the ledger under
an id made of what asked and of whom it is about, so that asking again gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import orjson

from decisioning.decision import STAGES, Decision
from decisioning.request import Channel, DecisionRequest, Language, Mode
from decisioning.treatments import CHANNELS, LANGUAGES
from decisioning.world import World
from features.errors import ConfigError, FeatureError, LedgerError
from features.spelling import did_you_mean
from serving.answers import answer_of, bytes_of
from serving.desk import Desk, Logged
from serving.engine import Answer, Engine
from serving.problems import ProblemError
from serving.schemas import CONTEXT_OF

_ATTEMPTS = 3


def outbound_question(
    channel: str,
    *,
    language: str = "en",
    max_results: int = 1,
    placements: tuple[str, ...] = (),
    candidates: tuple[str, ...] | None = None,
    mode: Mode = "live",
) -> DecisionRequest:
    """Return what is asked for every customer; we turn to the customer, whatever the channel.

    Raises
    ------
    ConfigError : an unknown channel or language.
    """
    for option, given, known in (
        ("--channel", channel, CHANNELS),
        ("--language", language, LANGUAGES),
    ):
        if given not in known:
            raise ConfigError(f"{option} {given!r} is none of {', '.join(known)}")
    return DecisionRequest(
        customer_id=None,
        channel=cast(Channel, channel),
        context=CONTEXT_OF[cast(Channel, channel)],
        direction="outbound",
        placements=placements,
        candidates=candidates,
        max_results=max_results,
        mode=mode,
        explain="top",
        language=cast(Language, language),
    )


def check_placements(request: DecisionRequest, world: World) -> None:
    """Refuse a placement that the catalog has not got on the channel.

    Raises
    ------
    ConfigError : the message names the placement.
    """
    known = {
        name
        for name, one in world.catalog.arrays.placements.items()
        if one.channel == request.channel
    }
    for name in request.placements:
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(f"--placement {name!r} is none on {request.channel}{near}")


async def take(desk: Desk, request: DecisionRequest) -> tuple[dict[str, Any], bool]:
    """Return the content of the answer and whether it was decided just now.

    Raises
    ------
    ConfigError : the request id was used before for another question.
    LedgerError, FeatureError : the ledger did not take the decision, or the profile cannot be read;
        asking again is safe.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(LedgerError, FeatureError):
            return await _take_once(desk, request)
    return await _take_once(desk, request)


async def _take_once(desk: Desk, request: DecisionRequest) -> tuple[dict[str, Any], bool]:
    def write(answer: Answer, logged: Logged) -> bytes:
        return _written(answer, logged, desk.engine)

    digest = digest_of_question(request)
    try:
        # What is decided without limits and consents being read would stay decided under its id.
        decision, body = await desk.take(request, digest, write, durable=True, patient=True)
    except ProblemError as problem:
        raise ConfigError(
            f"{request.decision_request_id}: was decided before for another question"
        ) from problem
    return orjson.loads(body), decision is not None


def digest_of_question(request: DecisionRequest) -> str:
    """Return a SHA-256 of everything that is asked but the id."""
    content = asdict(replace(request, decision_request_id=None))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def why_nothing(decision: Decision) -> str | None:
    """Return why a decision has nothing to say; None where it has.

    It is the reason of what came furthest: what most candidates of the last stage fell to.
    """
    if any(one.propensity is not None for one in decision.results):
        return None
    if not decision.removed:
        return "no_action"
    furthest = max(STAGES.index(one.stage) for one in decision.removed)
    reasons = Counter(one.reason for one in decision.removed if STAGES.index(one.stage) == furthest)
    return min(reasons, key=lambda reason: (-reasons[reason], reason))


def _written(answer: Answer, logged: Logged, engine: Engine) -> bytes:
    """Return an answer as a sender reads it: whom it is for, and when each action may be sent."""
    request, decision, world = answer.request, answer.decision, answer.world
    content = answer_of(decision, "email", "top", logged, world)
    zone = engine.zone_of(request.customer_id)
    position = world.catalog.position
    for result in content["results"]:
        place = position.get(result["action_id"])
        action = np.array([] if place is None else [place], dtype=np.int64)
        ends = world.contact.quiet_until(request, action, decision.decided_at, zone)
        result["send_after"] = moment_of(ends)
    return bytes_of(
        content | {"customer_id": request.customer_id, "nothing": why_nothing(decision)}
    )


def moment_of(seconds: float | None) -> datetime | None:
    """Return seconds since 1970 as a time; None for none, the end of time where nobody knows."""
    if seconds is None:
        return None
    if not np.isfinite(seconds):
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(seconds, UTC)
