"""Logs of the service: one JSON object a line, on standard error.

Never bodies, keys or names; a customer id only as a keyed hash whose key dies with the process.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sys
from contextlib import suppress
from functools import cache
from typing import Any, TextIO, cast

import structlog


def log() -> Any:
    """Return the logger of the service."""
    return structlog.get_logger("nba")


def set_up_logs(level: str) -> None:
    """Send structured logs of at least this level to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )


class _Unfailing:
    """A stream whose disk may be full: what cannot be logged must not cost an answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def hashed(customer_id: str) -> str:
    """Return twelve hexadecimal digits that tell customers apart within one process."""
    return hashlib.blake2b(customer_id.encode(), key=_key(), digest_size=6).hexdigest()


@cache
def _key() -> bytes:
    return secrets.token_bytes(32)
