"""The whole product on the demo data: each step a verb of the command line, run as a user would.

A finished step is remembered with what it depended on and is not repeated; an interrupted demo goes
on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console

from features.clock import open_clock
from features.errors import NbaError
from serving.demo_requests import ask_three_times, show_what_to_try
from serving.demo_service import ensure_running, refuse_other_port, stop_service
from serving.settings import ROOT, Settings

console = Console(highlight=False, soft_wrap=True)

_CODE = ("features", "decisioning", "training", "feature_repo", "requirements/runtime.txt")


@dataclass(frozen=True)
class Step:
    """One verb of the demo.

    Attributes
    ----------
    needs : files and folders whose content it depends on, relative to the repository.
    daily : whether a new business day calls for it again.
    leaves : a file in the home that tells whether what it left there was replaced since.
    """

    name: str
    what: str
    verb: tuple[str, ...]
    needs: tuple[str, ...]
    daily: bool = False
    leaves: str = ""


STEPS = (
    Step(
        "ingest",
        "read The Complete Journey into canonical tables",
        ("ingest", "complete-journey"),
        ("features",),
        leaves="data/ingest.json",
    ),
    Step(
        "features",
        "compute profile features as of every decision time, and as of now",
        ("features", "build"),
        ("features", "configs/complete_journey"),
        daily=True,
    ),
    Step(
        "online",
        "register them in Feast and copy the newest to the online store",
        ("features", "materialize"),
        ("features", "feature_repo", "configs/complete_journey"),
        daily=True,
    ),
    Step(
        "train adoption",
        "who buys a category again by itself: tune, calibrate, fit, judge, register",
        ("train", "--config", "configs/complete_journey/adoption.yaml"),
        (*_CODE, "configs/complete_journey"),
    ),
    Step(
        "train response",
        "who answers a campaign: the same, learnt from touchpoint history",
        ("train", "--config", "configs/complete_journey/response.yaml"),
        (*_CODE, "configs/complete_journey"),
    ),
    Step(
        "promote adoption",
        "check the bundle and make it the champion",
        ("promote", "--config", "configs/complete_journey/adoption.yaml"),
        (*_CODE, "configs/complete_journey"),
    ),
    Step(
        "promote response",
        "check the bundle and make it the champion",
        ("promote", "--config", "configs/complete_journey/response.yaml"),
        (*_CODE, "configs/complete_journey"),
    ),
)


def run_demo(settings: Settings) -> None:
    """Run every step that is not done yet, start the service and ask it three questions.

    Raises
    ------
    NbaError : the port is taken, before anything else is done; a step failed, or an answer is
        degraded.
    """
    started = perf_counter()
    refuse_other_port(settings)
    _run_steps(settings, STEPS)
    _timed("service", "start it in the background", lambda: ensure_running(settings))
    _timed("requests", "a web visitor, a bot and an advisor", lambda: ask_three_times(settings))
    console.print(f"\n[b]done in {perf_counter() - started:.0f} s[/b]\n")
    show_what_to_try(settings)


def stop_demo(settings: Settings) -> None:
    """Stop the demo's service, if it runs."""
    console.print("stopped" if stop_service(settings) else "no service of the demo is running")


def _run_steps(settings: Settings, steps: Iterable[Step]) -> None:
    memory = settings.home / "demo.json"
    done: dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
    changed = False
    for step in steps:
        mark = _mark(step, settings)
        if done.get(step.name) == mark and not changed:
            console.print(f"[b]{step.name}[/b]: done before, nothing has changed")
            continue
        # What comes after builds on this, except that a new day leaves the models as they are.
        changed = changed or not (step.daily and step.name in done)
        done = {name: kept for name, kept in done.items() if name != step.name}
        _timed(step.name, step.what, lambda step=step: _run(step, settings))  # type: ignore[misc]
        done[step.name] = _mark(step, settings)
        settings.home.mkdir(parents=True, exist_ok=True)
        draft = memory.with_suffix(".tmp")
        draft.write_text(json.dumps(done, indent=1) + "\n")
        os.replace(draft, memory)


def _run(step: Step, settings: Settings) -> None:
    environment = os.environ | {"NBA_HOME": str(settings.home.resolve())}
    command = [sys.executable, str(ROOT / "nba.py"), *step.verb]
    finished = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if finished.returncode != 0:
        raise NbaError(f"the step {step.name!r} failed: nba {' '.join(step.verb)}")


def _timed(name: str, what: str, act: Callable[[], object]) -> None:
    console.print(f"\n[b]{name}[/b]: {what}")
    started = perf_counter()
    act()
    console.print(f"[dim]{name} took {perf_counter() - started:.1f} s[/dim]")


def _mark(step: Step, settings: Settings) -> str:
    """Return what the step depends on, as a digest."""
    digest = hashlib.sha256()
    for need in step.needs:
        for file in _files(ROOT / need):
            digest.update(str(file.relative_to(ROOT)).encode())
            digest.update(file.read_bytes())
    if step.daily:
        now: datetime = open_clock(settings.clock_file).now()
        digest.update(now.date().isoformat().encode())
    if step.leaves:
        left = settings.home / step.leaves
        digest.update(left.read_bytes() if left.exists() else b"")
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.suffix in (".py", ".yaml"))
