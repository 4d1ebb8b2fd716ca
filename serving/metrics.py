"""Counters for Prometheus: requests, latency, what was degraded, which model answers.

With several workers the numbers are shared through files in `settings.metrics_dir`, which must be
known before prometheus_client is imported; that is why the import stands inside.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.breaker import BreakerState
    from serving.profile_reader import ReadResult

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0)
"""Upper ends of the latency buckets in seconds: most of them below a tenth of a second."""


class _Ours:
    """Leaves out what libraries count into the same folder."""

    def __init__(self, everything: Any) -> None:
        self._everything = everything

    def collect(self) -> Iterator[Any]:
        """Return our counters of all workers."""
        return (one for one in self._everything.collect() if one.name.startswith("nba_"))


class Metrics:
    """The counters of one worker.

    Parameters
    ----------
    shared : folder that all workers of the service write to; None for a single process.
    """

    def __init__(self, shared: Path | None = None) -> None:
        if shared is not None:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
        elif "prometheus_client" in sys.modules:
            # Imported by a library that wanted files, it keeps wanting a folder for them.
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.gettempdir())
        import prometheus_client

        prometheus: Any = prometheus_client
        prometheus.disable_created_metrics()
        self._prometheus = prometheus
        self._shared = shared
        self._own = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "nba_requests", "Requests.", ("method", "route", "status"), registry=self._own
        )
        self._seconds = prometheus.Histogram(
            "nba_request_seconds",
            "Time to answer, in seconds.",
            ("route",),
            buckets=BUCKETS,
            registry=self._own,
        )
        self._degraded = prometheus.Counter(
            "nba_degraded", "Answers that lacked something.", ("code",), registry=self._own
        )
        self._outcomes = prometheus.Counter(
            "nba_outcomes", "Outcomes by what became of them.", ("status",), registry=self._own
        )
        self._events = prometheus.Counter(
            "nba_events", "Events by what became of them.", ("status",), registry=self._own
        )
        self._model = prometheus.Gauge(
            "nba_model_info",
            "1 for the model version that answers.",
            ("name", "version"),
            registry=self._own,
            multiprocess_mode="mostrecent",
        )
        self._reads = prometheus.Counter(
            "nba_feature_reads",
            "Reads of profiles by how they ended.",
            ("result",),
            registry=self._own,
        )
        self._breaker = prometheus.Gauge(
            "nba_breaker_state",
            "Whether a part that failed is asked: 0 closed, 1 half open, 2 open; the worst worker.",
            ("part",),
            registry=self._own,
            multiprocess_mode="livemax",
        )
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._version: tuple[str, str] | None = None

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is a path of ours or `unmatched`, never what was sent."""
        key = method, route, status
        if key not in self._children:
            self._children[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(route),
            )
        count, histogram = self._children[key]
        count.inc()
        histogram.observe(seconds)

    def degraded(self, codes: tuple[str, ...]) -> None:
        """Count an answer that lacked something."""
        for code in codes:
            self._degraded.labels(code).inc()

    def outcome(self, status: str) -> None:
        """Count what became of a reported outcome."""
        self._outcomes.labels(status).inc()

    def event(self, status: str) -> None:
        """Count what became of another event."""
        self._events.labels(status).inc()

    def feature_read(self, result: ReadResult) -> None:
        """Count how the read of a profile ended."""
        self._reads.labels(result).inc()

    def breaker(self, part: str, state: BreakerState) -> None:
        """Remember whether a part is asked."""
        self._breaker.labels(part).set(("closed", "half_open", "open").index(state))

    def serving(self, name: str, version: str) -> None:
        """Remember which model answers."""
        if self._version == (name, version):
            return
        if self._version is not None:
            self._model.labels(*self._version).set(0)
        self._version = name, version
        self._model.labels(name, version).set(1)

    def text(self) -> tuple[bytes, str]:
        """Return the numbers of all workers, and the content type."""
        registry = self._own
        if self._shared is not None:
            from prometheus_client import multiprocess

            everything: Any = multiprocess.MultiProcessCollector
            registry = self._prometheus.CollectorRegistry()
            registry.register(_Ours(everything(None, path=str(self._shared))))
        content_type: str = self._prometheus.CONTENT_TYPE_LATEST
        return self._prometheus.generate_latest(registry), content_type
