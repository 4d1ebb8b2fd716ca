"""The service on a copy of the demo, for what writes profiles; on files, or on servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.demo_home import DemoHome
from benchmarks.servers import free_port, running
from serving.keys import DECIDE_SCOPES, create_key
from serving.settings import ROOT

_COPIED = ("data", "features", "feast")
_LONGEST_COMMAND_S = 300.0


def copied(home: DemoHome, folder: Path, places: Mapping[str, str] | None = None) -> dict[str, str]:
    """Copy the demo; return the settings that name the copy, and `places`, which are settings."""
    settings, own_home = home.settings, folder / "home"
    for name in _COPIED:
        shutil.copytree(settings.home / name, own_home / name)
    if settings.clock_file.exists():
        shutil.copy(settings.clock_file, own_home)
    return {
        "NBA_HOME": str(own_home),
        "NBA_MODELS": str(settings.models),
        "NBA_HTTP_HOST": "127.0.0.1",
        "NBA_WORKERS": "1",
        "NBA_KEYS_FILE": str(folder / "keys.json"),
        "NBA_LEDGER": str(own_home / "ledger.db"),
        "NBA_ONLINE_STORE": "",
        "NBA_FEATURE_REGISTRY": "",
        **(places or {}),
    }


def told(own: Mapping[str, str], *command: str) -> None:
    """Run a command of `nba` with settings.

    Raises
    ------
    RuntimeError : it failed; the message ends with its own last words.
    """
    ended = subprocess.run(
        [sys.executable, "nba.py", *command],
        cwd=ROOT,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LONGEST_COMMAND_S,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"nba {' '.join(command)}: {ended.stderr[-1_000:]}")


@contextmanager
def served(own: Mapping[str, str], folder: Path) -> Iterator[tuple[int, str]]:
    """Run the service with settings; yield its port and a key."""
    port = free_port()
    key = create_key(Path(own["NBA_KEYS_FILE"]), (*DECIDE_SCOPES, "events"), datetime.now(UTC))
    settings = {**own, "NBA_HTTP_PORT": str(port)}
    with running(["nba.py", "serve"], port, settings, folder / "ours.log"):
        yield port, key
