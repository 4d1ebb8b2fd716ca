"""`python -m benchmarks [NAME ...] [--json FILE]`: measure and show the figures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measure import Figure, Sample

BENCHMARKS = {
    "features": "benchmarks.profile_rows",
    "train": "benchmarks.final_fit",
    "request": "benchmarks.whole_request",
    "request_capped": "benchmarks.capped_request",
    "decide": "benchmarks.one_decision",
    "width": "benchmarks.decision_width",
    "read": "benchmarks.online_read",
    "ledger": "benchmarks.durable_writes",
    "freshness": "benchmarks.freshness",
    "freshness_redis": "benchmarks.freshness",
    "redis_faults": "benchmarks.redis_faults",
}
"""Which module measures what; each has a function of the benchmark's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 2 where the demo was not built."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(BENCHMARKS)}")
    # Both before NumPy, LightGBM and MLflow are read.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    warnings.simplefilter("ignore")
    figures = _run(asked.names or list(BENCHMARKS))
    if figures is None:
        return 2
    if asked.json:
        told = [figure.as_dict() for figure in figures]
        asked.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


def _run(names: Sequence[str]) -> list[Figure] | None:
    from benchmarks.demo_home import open_demo_home
    from features.errors import ConfigError

    try:
        home = open_demo_home()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None
    # Builds of one version of Python differ by a sixth and more (docs/decisions/0027).
    build = Path(sys.executable).resolve()
    print(f"Python {platform.python_version()} ({build}), {os.cpu_count()} processors", flush=True)
    figures: list[Figure] = []
    for name in names:
        for figure in getattr(import_module(BENCHMARKS[name]), name)(home):
            _show(figure)
            figures.append(figure)
    return figures


def _show(figure: Figure) -> None:
    verdict = "" if figure.met is None else (" (met)" if figure.met else " (MISSED)")
    target = "none yet" if figure.target is None else f"at most {figure.target:g}{verdict}"
    cpu = "" if figure.cpu_ratio is None else f"; processor time {figure.cpu_ratio:.2f}"
    print(f"{figure.name}: {figure.workload}")
    print(f"  ours      {_times(figure.ours)}")
    print(f"  baseline  {_times(figure.baseline)}  {figure.against}")
    print(f"  ratio     {figure.ratio:.2f}{cpu}; target {target}", flush=True)


def _times(sample: Sample) -> str:
    (low, high), scale, unit = sample.quartiles, 1.0, "s"
    if sample.median < 1.0:
        scale, unit = 1_000.0, "ms"
    return (
        f"{sample.median * scale:8.3f} {unit}  (quartiles {low * scale:.3f} to "
        f"{high * scale:.3f}, {len(sample.wall):,} times)"
    )


if __name__ == "__main__":
    sys.exit(main())
