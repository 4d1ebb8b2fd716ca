"""Takes decisions of the ledger again, with what was in force when they were taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from decisioning.bundle import load_bundle
from decisioning.ledger.ledger import Ledger
from decisioning.propensity import Model
from decisioning.replay import Replayer
from decisioning.world import PropensityModel
from features.errors import ModelError, NbaError
from serving.settings import Settings


def replayer_of(ledger: Ledger, models: Path, live: PropensityModel | None = None) -> Replayer:
    """Return a replayer over a ledger and the bundles on this machine.

    Parameters
    ----------
    live : a model that is loaded already and need not be loaded again.
    """

    @lru_cache(maxsize=4)
    def load(version: str) -> Model:
        name, _, number = version.partition("/")
        folder = models / name / number
        if not folder.is_dir():
            raise ModelError(f"{folder}: the model of the decision is not there any more")
        return load_bundle(folder)

    def model(version: str) -> PropensityModel | None:
        if live is not None and f"{live.manifest.name}/{live.manifest.version}" == version:
            return live
        return load(version)

    return Replayer(ledger.snapshot, model)


@dataclass
class ReplayReport:
    """How many decisions were the same when they were taken again.

    Attributes
    ----------
    different : by decision id, what was not the same.
    failed : by decision id, why it could not be taken again.
    """

    compared: int = 0
    same: int = 0
    erased: int = 0
    different: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the same among those compared; 1 where there was nothing to compare."""
        return self.same / self.compared if self.compared else 1.0


def replay_all(
    settings: Settings,
    ledger: Ledger,
    start: float,
    end: float,
    most: int | None,
    progress: Callable[[int, int], None],
) -> ReplayReport:
    """Take all decisions from `start` on and before `end` again; at most `most` of them."""
    report = ReplayReport()
    replayer = replayer_of(ledger, settings.models)
    total = ledger.counts(start, end).decisions
    for done, row in enumerate(ledger.decisions_between(start, end, limit=most), start=1):
        progress(done, min(total, most or total))
        if not row.payload:
            report.erased += 1
            continue
        try:
            again = replayer.take_again(row.payload, row.vectors)
        except NbaError as error:
            report.failed[row.decision_id] = str(error)
            continue
        report.compared += 1
        if again.differences:
            report.different[row.decision_id] = again.differences
        else:
            report.same += 1
    return report
