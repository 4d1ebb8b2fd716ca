"""The real service on a free port, with a catalog of its own, to be asked, killed and restarted."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from postgres_world import running_postgres

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0

_SAID = "{en: {title: '{name}', text: Text.}, de: {title: '{name}', text: Text.}}"
CATALOG = f"""
value: {{kind: fixed, amount: 1.0}}
treatments: {{web: {_SAID}}}
placements:
  - {{id: home, channel: web, time_to_live_minutes: 60}}
  - {{id: brief, channel: web, time_to_live_minutes: 0.05}}
default_action:
  id: nothing
  name: {{en: Nothing, de: Nichts}}
  treatments: {{web: {_SAID}, bot: {_SAID}, advisor: {_SAID}, email: {_SAID}}}
actions:
"""
POLICIES = """
consent: {assumed: demo}
contact_policies:
"""
_LIMIT = "at_most: {most}, per: {per}, concerns: {{{about}}}, words: {{en: Limit, de: Grenze}}"


def action(name: str, group: str = "free", **more: Any) -> str:
    """Write an action that every customer gets with the same propensity."""
    fields = {"id": name, "name": "{en: Name, de: Name}", "issue": group, "group": group,
              "propensity": 0.5, **more}  # fmt: skip
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}\n"


def limit(name: str, most: int, about: str, per: str = "action", **more: Any) -> str:
    """Write a contact policy; `about` is what it concerns, such as `groups: [free]`."""
    window = more or {"window": "rolling", "days": 7}
    fields = ", ".join(f"{key}: {value}" for key, value in window.items())
    return f"  - {{id: {name}, {_LIMIT.format(most=most, per=per, about=about)}, {fields}}}\n"


@dataclass
class Service:
    """A service with two workers; `ledger` is where it keeps what happened, `more` are settings."""

    home: Path
    ledger: str
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=lambda: _free_port())
    more: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {(self.home / 'demo-key').read_text().strip()}"}

    def client(self) -> httpx.Client:
        """Return a client with a connection of its own."""
        return httpx.Client(
            # Both sides give up idle connections after five seconds by default: then a request may
            # go into one that is just being closed.
            limits=httpx.Limits(keepalive_expiry=1.0),
            base_url=self.address,
            headers=self.headers,
            timeout=30.0,
            trust_env=False,
        )

    def write(self, actions: str, policies: str) -> None:
        """Write the catalog and its policies."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "actions.yaml").write_text(CATALOG + actions)
        (self.home / "policies.yaml").write_text(POLICIES + policies)

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = {
            "NBA_HOME": str(self.home),
            "NBA_CATALOG": str(self.home / "actions.yaml"),
            "NBA_MODELS": str(self.home / "models"),
            "NBA_HTTP_PORT": str(self.port),
            "NBA_WORKERS": "2",
            "NBA_DEMO_KEY": "true",
            "NBA_TIMEOUT_SECONDS": "30",
            "NBA_BODY_SECONDS": "30",
            "NBA_DEADLINE_MS": "30000",
            "NBA_FEATURES_MS": "10000",
            "NBA_LEDGER": self.ledger,
            "NBA_LEDGER_FREE_MB": "1",
            "BENTOML_HOME": str(self.home / "bento"),
            **self.more,
        }
        inherited = {key: text for key, text in os.environ.items() if not key.startswith("NBA_")}
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "nba.py", "serve"],
                cwd=ROOT,
                env=inherited | own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until a worker answers."""
        assert self.process is not None
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                if httpx.get(self.address + "/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready:\n{(self.home / 'log').read_text()[-3000:]}")

    def workers(self) -> list[psutil.Process]:
        """Return the processes below the supervisor that answer requests."""
        assert self.process is not None
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [one for one in below if _answers(one)]

    def kill_everything(self) -> None:
        """Kill supervisor and workers at once, as when the machine's memory is full."""
        assert self.process is not None
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGKILL)
        for one in below:
            kill(one)
        self.process.wait(30)
        psutil.wait_procs(below, timeout=30)
        self.process = None

    def stop(self) -> int:
        """Stop it as its operator would; return how it ended."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            # A worker that is just starting is not stopped before it has.
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill_everything()
            raise
        finally:
            self.process = None


@contextmanager
def a_ledger(kind: str, home: Path) -> Iterator[str]:
    """Return where the ledger of a home lies: sqlite, or postgresql with a server of its own."""
    if kind == "sqlite":
        yield str(home / "ledger.db")
    else:
        with running_postgres() as server:
            yield server.new_database()


def kill(process: psutil.Process) -> None:
    """Kill a process that may be gone already."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def rows(ledger: str, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in a database, without any of the product's code."""
    if ledger.startswith("postgresql://"):
        with psycopg.connect(ledger) as connection:
            return connection.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(ledger)) as file:
        return file.execute(query).fetchall()


def _answers(process: psutil.Process) -> bool:
    try:
        return any("worker" in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
