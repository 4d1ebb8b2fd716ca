"""Whether a bundle's model still answers as it did when it was written.

As a program it loads the bundle in a process of its own, which may end badly:
`python -m decisioning.bundle_check FOLDER` prints the SHA-256 of the manifest it has found right.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from decisioning.bundle import CHECK_SECONDS, GOLDEN, MANIFEST, MODEL, Bundle, read_bundle
from features.errors import ModelError

if TYPE_CHECKING:
    from decisioning.propensity import Model

TOLERANCE = 1e-9

LARGEST_MEMORY = 4 * 1024**3
"""Address space in bytes: the libraries reserve far more than they use."""


def main(folder: Path) -> int:
    """Return 0 if the bundle is whole and its model answers as it did when written, else 1."""
    _bound_resources()
    _import_lightgbm_alone()
    from decisioning.propensity import Model

    try:
        bundle = read_bundle(folder)
        check_golden(Model.from_text(bundle.manifest, bundle.model_text), bundle)
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(bundle.manifest_sha256)
    return 0


def check_golden(model: Model, bundle: Bundle) -> None:
    """Refuse a model that no longer answers its golden rows, or whose reasons do not add up.

    Raises
    ------
    ModelError : names the first row.
    """
    golden, where = bundle.golden, f"{bundle.folder}: {GOLDEN}"
    scores = model.score(golden.rows)
    sums = model.path_contributions(golden.rows).sum(axis=1)
    for what, found, expected in (
        ("raw score", scores.raw, golden.raw),
        ("propensity", scores.propensity, golden.propensity),
        ("sum of contributions", sums, golden.raw),
    ):
        # Written so that NaN counts as wrong.
        wrong = np.flatnonzero(~(np.abs(found - expected) <= TOLERANCE))
        if len(wrong):
            row = int(wrong[0])
            raise ModelError(f"{where}: row {row}: {what} {found[row]}, expected {expected[row]}")
    if not ((scores.propensity >= 0.0) & (scores.propensity <= 1.0)).all():
        raise ModelError(f"{where}: a propensity lies outside of [0, 1]")


def answer_in_child(bundle: Bundle, timeout_s: float) -> None:
    """Let another process load the very same content and answer the golden rows.

    Raises
    ------
    ModelError : it ended badly, answered otherwise, or not within `timeout_s` seconds.
    """
    root = Path(__file__).resolve().parents[1]
    paths = (str(root), *filter(None, [os.environ.get("PYTHONPATH")]))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    where = f"{bundle.folder}: {MODEL}: refused in a child process"
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "decisioning.bundle_check", str(bundle.folder.resolve())],
            env=os.environ | one_thread | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{where}: no answer within {timeout_s:g} s") from error
    if child.returncode != 0:
        said = _last_words(child).removeprefix(f"{bundle.folder.resolve()}: ")
        raise ModelError(f"{where}: {said}")
    if child.stdout.decode(errors="replace").split()[-1:] != [bundle.manifest_sha256]:
        raise ModelError(f"{where}: {MANIFEST} changed while it was checked")


def _last_words(child: subprocess.CompletedProcess[bytes]) -> str:
    if child.returncode < 0:
        return f"the text ended the process ({signal.Signals(-child.returncode).name})"
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {child.returncode}"


def _import_lightgbm_alone() -> None:
    # LightGBM imports these if it can; here they would be three quarters of the waiting time.
    for name in ("sklearn", "pandas", "joblib"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def _bound_resources() -> None:
    if sys.platform == "win32":
        return
    import resource

    for what, limit in (
        (resource.RLIMIT_AS, LARGEST_MEMORY),
        (resource.RLIMIT_CPU, int(CHECK_SECONDS)),
        (resource.RLIMIT_CORE, 0),
    ):
        # A hard limit that is already lower stays.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (limit, limit))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
