"""The BentoML service: `bentoml serve serving.service:NextBestAction`.

BentoML imports this module in the supervising process and again in every worker, so it stays light:
Feast, LightGBM and the rest are imported when a worker starts.

Our application is a middleware rather than a mount, because BentoML looks at its own /readyz and
/healthz before anything that is mounted. It leaves to BentoML what Bento clients need
(`serving.routes_bento`).
"""

# BentoML's decorators carry no types.
# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import gc
import os
import shutil
import signal
import sys
import tempfile
from typing import Any, cast

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml._internal.utils.analytics import usage_stats
from bentoml.exceptions import BentoMLConfigException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import NbaError
from serving.answer_schemas import NextBestActionsAnswer
from serving.problems import ProblemError, problem_response
from serving.schemas import NextBestActionsRequest
from serving.settings import load_settings

# The command line has asked before the variable above was set, and remembers the answer.
usage_stats.do_not_track.cache_clear()

_PR_SET_PDEATHSIG = 1

# Address, workers and time limit are arguments of the decorator, so they are read here.
_settings = load_settings()


class Runtime:
    """What a worker has once it has started; nothing before."""

    parts: Any = None


RUNTIME = Runtime()


class FrontDoor:
    """Answers every request with our application, which hands a few on to BentoML."""

    def __init__(self, app: ASGIApp) -> None:
        self._bento = app
        self._front: tuple[Any, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._bento(scope, receive, send)
        elif RUNTIME.parts is None:
            starting = ProblemError("not_ready", "starting", headers={"Retry-After": "1"})
            await problem_response(starting, scope["path"])(scope, receive, send)
        else:
            await self._application()(scope, receive, send)

    def _application(self) -> ASGIApp:
        if self._front is None or self._front[0] is not RUNTIME.parts:
            from serving.app import create_app

            app = create_app(RUNTIME.parts, self._bento)
            self._front = RUNTIME.parts, app
        return self._front[1]


@bentoml.service(
    name="next-best-action",
    workers=_settings.workers,
    traffic={"timeout": _settings.timeout_seconds},
    http={"host": _settings.http_host, "port": _settings.http_port},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
class NextBestAction:
    """Ranked, explained, policy-safe next best actions; the contract is at /docs."""

    _running: tuple[asyncio.Task[None], ...] = ()

    @bentoml.on_deployment
    def prepare() -> None:
        """Refuse to start on what cannot work, once, before any worker."""
        from serving.start import prepare

        try:
            prepare(_settings)
        except NbaError as error:
            # The command line shows one of its own as a message, anything else as a traceback.
            raise BentoMLConfigException(str(error)) from error
        if "NBA_METRICS_DIR" not in os.environ:
            folder = tempfile.mkdtemp(prefix="nba-metrics-")
            os.environ["NBA_METRICS_DIR"] = folder
            atexit.register(shutil.rmtree, folder, ignore_errors=True)

    @bentoml.on_startup
    async def start(self) -> None:
        """Load everything, then keep it current."""
        from serving.keeping import keep_current
        from serving.large_pages import use_large_pages
        from serving.start import start
        from serving.trigger_service import keep_triggering

        _end_with_parent()
        RUNTIME.parts = start(load_settings())
        parts = RUNTIME.parts
        steps = (
            parts.engine.refresh,
            parts.recognition.refresh,
            parts.desk.anchor_daily,
            parts.refilling.look,
        )
        self._running = (
            asyncio.create_task(keep_current(steps)),
            asyncio.create_task(keep_triggering(parts.triggering, parts.settings.ledger_place)),
        )
        # Nothing loaded so far will ever be garbage; scanning it again costs pauses of 60 ms.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1_000)
        use_large_pages()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Stop following changes and running triggers."""
        for task in self._running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if RUNTIME.parts is not None:
            RUNTIME.parts.refilling.close()
            if RUNTIME.parts.refreshing is not None:
                await asyncio.to_thread(RUNTIME.parts.refreshing.close)
            await asyncio.to_thread(RUNTIME.parts.desk.close)
        RUNTIME.parts = None
        gc.unfreeze()

    async def __is_ready__(self) -> bool:
        """Tell BentoML whether this worker can answer."""
        return RUNTIME.parts is not None

    @bentoml.api(route="/recommend", output_spec=NextBestActionsAnswer)
    async def recommend(
        self, question: NextBestActionsRequest, /, ctx: bentoml.Context
    ) -> Response:
        """Answer the same question as POST /v1/next-best-actions, for Bento clients."""
        from serving.routes_decide import recommend

        try:
            caller = RUNTIME.parts.keys.identify(ctx.request.headers.get("authorization"))
            return await recommend(RUNTIME.parts, caller, question)
        except ProblemError as problem:
            response = problem_response(problem, "/recommend")
            ctx.response.status_code = response.status_code
            return response


# The decorator has made a BentoML service of the class.
cast("bentoml.Service[Any]", NextBestAction).add_asgi_middleware(FrontDoor)


def _end_with_parent() -> None:
    """Ask the system to end this worker when its supervisor dies, however it dies (Linux)."""
    if sys.platform == "linux" and os.environ.get("BENTOML_RUNNER_MAP"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
