"""Starts BentoML's server in place of this process, or beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from serving.settings import ROOT, Settings

SERVICE = "serving.service:NextBestAction"


def serve(settings: Settings) -> None:
    """Replace this process by `bentoml serve`."""
    environment = _environment(settings)
    os.chdir(ROOT)
    os.execve(sys.executable, _command(), environment)


def spawn(settings: Settings, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start `bentoml serve` in the background, in a session of its own."""
    return subprocess.Popen(
        _command(),
        cwd=ROOT,
        env=_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _command() -> list[str]:
    return [sys.executable, "-m", "bentoml", "serve", SERVICE]


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the server; paths absolute, one thread for each library."""
    own = {
        "NBA_HOME": str(settings.home.resolve()),
        "NBA_DEMO_KEY": str(settings.demo_key).lower(),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()]),
    }
    # A decision is one small matrix: more threads only wait for each other.
    return {"OMP_NUM_THREADS": "1", **os.environ, **own}


def _python_path() -> list[str]:
    path = os.environ.get("PYTHONPATH", "")
    return [str(Path(part)) for part in path.split(os.pathsep) if part]
