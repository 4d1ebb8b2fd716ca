"""The leak alarm: rows that know the future, and figures that are too good to be true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from features.errors import LeakError
from training.baselines import sample_decisions
from training.fit import DEFAULTS, fit
from training.metrics import roc_auc
from training.report import Report
from training.training_set import Array, TrainingSet

SUSPICIOUS_AUC = 0.75
"""A single column that ranks the rows better than this by itself is named as a suspect."""

_TOP = 15
_REFIT_ROWS = 50_000
_REFIT_ROUNDS = 60


@dataclass(frozen=True)
class Suspect:
    """A feature with its part in the model.

    Attributes
    ----------
    gain_share : of the booster's total gain, 0 to 1.
    auc : of the column alone on the test rows, whichever way round; missing ranks lowest.
    """

    feature: str
    gain_share: float
    auc: float


@dataclass(frozen=True)
class LeakReport:
    """Why a model is under suspicion, and where to look.

    Attributes
    ----------
    exceeded : by metric, the figure and its ceiling.
    strongest : the feature with the most gain; `auc_without_strongest` is of a quick fit without
        it, to be compared with `auc_quick`, the same fit with it.
    unseen_customers : customers of the test rows without a training row; `auc_unseen` is the
        model's on them: far below its AUC it means that customers were learnt by heart.
    """

    model: str
    exceeded: Mapping[str, tuple[float, float]]
    top: tuple[Suspect, ...]
    suspects: tuple[Suspect, ...]
    strongest: str
    auc: float | None
    auc_quick: float | None
    auc_without_strongest: float | None
    unseen_customers: int
    unseen_rows: int
    auc_unseen: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return asdict(self)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write leak_report.json and leak_report.md into the folder and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        as_json, as_text = folder / "leak_report.json", folder / "leak_report.md"
        as_json.write_text(json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")
        as_text.write_text(render_markdown(self))
        return as_json, as_text


def refuse_late_events(newest_event_at: Array, decided_at: Array) -> None:
    """Raise LeakError unless each row's features saw only events before its decision.

    Parameters
    ----------
    newest_event_at : seconds since 1970 in UTC, shape (rows,) or one for all; NaN for no event.
    decided_at : shape (rows,), seconds since 1970 in UTC.
    """
    newest, decided = np.broadcast_arrays(np.asarray(newest_event_at), np.asarray(decided_at))
    late = np.flatnonzero(newest >= decided)
    if len(late):
        first = late[0]
        raise LeakError(
            f"{len(late)} of {len(decided)} rows saw an event at or after their decision; the "
            f"first is row {first}: event at {newest[first]:.0f}, decided_at {decided[first]:.0f}"
        )


def leak_report(
    report: Report,
    ceilings: Mapping[str, float],
    train: TrainingSet,
    test: TrainingSet,
    booster: lgb.Booster,
    seed: int = 0,
) -> LeakReport | None:
    """Return where to look when a metric of the report lies above its ceiling; else None."""
    exceeded = exceeded_ceilings(report, ceilings)
    if not exceeded:
        return None
    ranked = _ranked_features(test, booster)
    strongest = ranked[0].feature
    unseen = ~np.isin(test.customer, train.customer)
    return LeakReport(
        model=report.model,
        exceeded=exceeded,
        top=ranked[:_TOP],
        suspects=tuple(sorted((s for s in ranked if s.auc > SUSPICIOUS_AUC), key=lambda s: -s.auc)),
        strongest=strongest,
        auc=_auc_of(booster, test),
        auc_quick=_quick_auc(train, test, seed, without=None),
        auc_without_strongest=_quick_auc(train, test, seed, without=strongest),
        unseen_customers=len(np.unique(test.customer[unseen])),
        unseen_rows=int(unseen.sum()),
        auc_unseen=_auc_of(booster, test.take(unseen)),
    )


def exceeded_ceilings(
    report: Report, ceilings: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Return (figure, ceiling) of each metric of the model above its ceiling."""
    figures = {name: report.metrics.get(name) for name in ceilings}
    return {
        name: (figure.value, ceilings[name])
        for name, figure in figures.items()
        if figure is not None and figure.value > ceilings[name]
    }


def render_markdown(found: LeakReport) -> str:
    """Return the leak report in words."""
    lines = [f"# {found.model}: better than it should be, suspect a leak first", ""]
    for metric, (value, ceiling) in found.exceeded.items():
        lines.append(f"- {metric} is {value:.3f}, the ceiling is {ceiling:.3f}")
    lines += ["", "## Columns that rank the test rows by themselves", ""]
    lines += [_line(suspect) for suspect in found.suspects] or ["None."]
    lines += ["", "## Columns with the most gain", ""]
    lines += [_line(suspect) for suspect in found.top]
    lines += [
        "",
        "## What it hangs on",
        "",
        f"- AUC of the model {_figure(found.auc)}",
        f"- AUC of a quick fit {_figure(found.auc_quick)}, without `{found.strongest}` "
        f"{_figure(found.auc_without_strongest)}",
        f"- customers without a training row: {found.unseen_customers:,} with "
        f"{found.unseen_rows:,} rows, AUC on them {_figure(found.auc_unseen)}",
    ]
    return "\n".join(lines) + "\n"


def _ranked_features(test: TrainingSet, booster: lgb.Booster) -> tuple[Suspect, ...]:
    gains = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    shares = gains / max(gains.sum(), np.finfo(float).tiny)
    found = [
        Suspect(name, float(shares[column]), _single_auc(test.y, test.x[:, column]))
        for column, name in enumerate(test.features)
    ]
    return tuple(sorted(found, key=lambda s: (-s.gain_share, s.feature)))


def _single_auc(y: Array, column: Array) -> float:
    known = np.nan_to_num(column, nan=-np.inf)
    ranks: Array = np.unique(known, return_inverse=True)[1].astype(np.float64)
    auc = roc_auc(y, ranks)
    return max(auc, 1 - auc) if np.isfinite(auc) else 0.5


def _quick_auc(
    train: TrainingSet, test: TrainingSet, seed: int, without: str | None
) -> float | None:
    """Return the test AUC of a small model, fitted without one of the features when asked."""
    rows = sample_decisions(train, _REFIT_ROWS, seed)
    if without is not None:
        rows, test = _without(rows, without), _without(test, without)
    if not rows.features:
        return None
    return _auc_of(fit(rows, {**DEFAULTS, "learning_rate": 0.1}, _REFIT_ROUNDS, seed), test)


def _without(rows: TrainingSet, feature: str) -> TrainingSet:
    column = rows.features.index(feature)
    kept = tuple(name for name in rows.features if name != feature)
    return replace(rows, features=kept, x=np.delete(rows.x, column, axis=1))


def _auc_of(booster: lgb.Booster, rows: TrainingSet) -> float | None:
    return _defined(roc_auc(rows.y, np.asarray(booster.predict(rows.x)))) if len(rows) else None


def _defined(auc: float) -> float | None:
    return auc if np.isfinite(auc) else None


def _line(suspect: Suspect) -> str:
    return f"- `{suspect.feature}`: {suspect.gain_share:.1%} of the gain, alone {suspect.auc:.3f}"


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
