"""Whether the service lives, whether it can answer and how fully, and its counters."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from features.clock import Clock, FollowedClock
from features.errors import ArbitrationError, CatalogError, PolicyError
from serving.answer_schemas import HealthAnswer, ReadyAnswer
from serving.answers import json_response
from serving.breaker import BreakerState
from serving.desk import Desk
from serving.engine import Engine
from serving.operations import Operation, Parts, caller_of, parts_of
from serving.state import versions_of


async def healthz(request: Request) -> Response:
    """Say that the process answers; nothing is looked at."""
    return json_response({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Say whether decisions can be answered, and what is missing for full ones.

    A missing model or missing features do not make the service unready: it answers, degraded.
    """
    parts = parts_of(request)
    return json_response(
        {
            "status": "ready",
            "degraded": degraded(parts),
            "checks": checks(parts.engine, parts.keys.trouble) | ledger_check(parts.desk),
            "clock": {
                "now": parts.engine.clock.now(),
                "time_zone": parts.engine.calendar.zone,
            },
            "versions": versions_of(parts.engine.state.world),
        }
    )


def degraded(parts: Parts) -> list[str]:
    """Return what is missing for a full answer, as codes."""
    found = [*parts.engine.degraded(), *parts.desk.degraded(), *parts.recognition.degraded()]
    found += [] if parts.refreshing is None else parts.refreshing.degraded()
    return found + ([] if parts.triggering is None else parts.triggering.degraded())


async def metrics(request: Request) -> Response:
    """Return the counters of all workers in Prometheus' text format."""
    parts = parts_of(request)
    if not parts.settings.open_metrics:
        caller_of(request).require("read")
    versions = parts.engine.state.world.versions
    parts.metrics.serving(parts.engine.model_name, versions.model)
    text, content_type = parts.metrics.text()
    return Response(text, headers={"Content-Type": content_type})


_BREAKER: dict[BreakerState, str] = {
    "closed": "",
    "half_open": ", breaker half open: one read tries again",
    "open": ", breaker open: not asked for a while",
}


_PARTS: dict[type[Exception], str] = {
    CatalogError: "actions.yaml",
    PolicyError: "policies.yaml",
    ArbitrationError: "arbitration.yaml",
}


def checks(engine: Engine, keys_trouble: str | None) -> dict[str, dict[str, Any]]:
    """Return what a full answer needs; details name no path, as anybody may read them."""
    world, codes = engine.state.world, set(engine.degraded())
    model_codes = sorted(codes & {"model_refused", *world.degraded})
    return {
        "catalog": {
            "ok": "catalog_refused" not in codes,
            "detail": f"{len(world.catalog.actions)} actions" + _refused(engine),
        },
        "features": {
            "ok": "features_unavailable" not in codes,
            "detail": _profiles(engine, codes),
        },
        "model": {
            "ok": not model_codes,
            "detail": ", ".join([world.versions.model or engine.model_name, *model_codes]),
        },
        "keys": {
            "ok": keys_trouble is None,
            "detail": "the newest file was refused" if keys_trouble else "in force",
        },
        "clock": _clock_check(engine.clock),
    }


def _refused(engine: Engine) -> str:
    """Return which of the three files was refused; why is only told where the files are."""
    trouble = engine.configuration.trouble
    if trouble is None:
        return ""
    part = next((name for kind, name in _PARTS.items() if isinstance(trouble, kind)), "file")
    return f", the newest {part} was refused: nba catalog check says why"


def _profiles(engine: Engine, codes: set[str]) -> str:
    if engine.reader.lost:
        return "profiles are lost, and are put back"
    readable = "cannot be read" if "features_unavailable" in codes else "readable"
    return readable + _BREAKER[engine.reader.breaker.state]


def _clock_check(clock: Clock) -> dict[str, Any]:
    if not isinstance(clock, FollowedClock):
        return {"ok": True, "detail": "injected"}
    if clock.trouble is not None:
        return {"ok": False, "detail": "the newest file was refused"}
    runs = "began where the data end, runs on" if clock.pinned else "the machine's own"
    return {"ok": True, "detail": runs}


def ledger_check(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return how the ledger is."""
    if desk.ledger is None:
        return {"ledger": {"ok": False, "detail": "there is none"}}
    health = desk.ledger.health()
    told = f"{health.waiting} writes wait, {health.free_bytes // 1_000_000:,} MB free"
    return {"ledger": {"ok": not desk.degraded(), "detail": told}}


OPERATIONS = (
    Operation(
        "GET",
        "/healthz",
        healthz,
        "Whether the process lives.",
        answer=HealthAnswer,
        answer_example={"status": "alive"},
    ),
    Operation(
        "GET",
        "/readyz",
        readyz,
        "Whether the service can answer, and how fully.",
        answer=ReadyAnswer,
        problems=(503,),
    ),
    Operation(
        "GET",
        "/metrics",
        metrics,
        "Counters in Prometheus' text format.",
        scope="metrics",
        media_type="text/plain",
    ),
)
