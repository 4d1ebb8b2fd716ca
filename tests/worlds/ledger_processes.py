"""Other processes that write to the ledger of a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORLDS = ROOT / "tests" / "worlds"


def start(home: Any, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program that is told where the ledger and the spool are."""
    return subprocess.Popen(
        [sys.executable, "-c", code, home.place, home.folder / "spool", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{WORLDS}"},
    )


def let_go(children: list[subprocess.Popen[str]]) -> list[str]:
    """Wait until all are ready, let them begin at once; return what they say at the end."""
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0 for _ in children]
    return told
