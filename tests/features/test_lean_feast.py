"""Whoever imports Feast gets it without the type checks that cost more than all the rest of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WATCHED = """
import typeguard._decorators as decorators
checked = []
decorators.instrument = lambda f: checked.append(f) or f
import {module}
print(len(checked))
"""


@pytest.mark.parametrize("module", ["feature_repo.definitions", "features.store"])
def test_nothing_of_feast_is_type_checked_at_run_time(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0"]
