"""Starts a server for a benchmark on a free loopback port, and ends that server alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from serving.settings import ROOT

START_SECONDS = 120.0
_STOP_SECONDS = 15.0


class Connection:
    """One kept-alive HTTP/1.1 connection that does as little as it can per request."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request; return status and body of the answer."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + length:
            received += self._more()
        return int(head.split(b" ", 2)[1]), received[end + 4 :]

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _more(self) -> bytes:
        chunk = self._socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        return chunk


def request_bytes(method: str, path: str, body: bytes = b"", key: str = "") -> bytes:
    """Return a whole HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], port: int, environment: Mapping[str, str], log: Path
) -> Iterator[None]:
    """Run a server until the block ends; begin it once `/readyz` answers 200.

    Raises
    ------
    RuntimeError : it did not become ready; the message ends with its own last words.
    """
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with closing(Connection(port)) as connection:
                if connection.send(request_bytes("GET", "/readyz"))[0] == 200:
                    return
        except (OSError, IndexError):
            # Not listening yet, or not with an answer of known length.
            pass
        time.sleep(0.2)
    raise RuntimeError(f"not ready after {START_SECONDS:g} s: {log.read_text()[-1_000:]}")
