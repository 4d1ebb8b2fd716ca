"""The pictures of a training: drawn without a display, written as PNG."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.metrics import equal_mass_bins
from training.report import Report
from training.training_set import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _GREY, _ORANGE = "#1f5fa8", "#8a8a8a", "#d9772b"
_TOP_FEATURES = 20
_TOP_ACTIONS = 40
_ACTION_COLUMNS = ("action", "rows", "positives", "rate", "predicted", "auc", "first_share")


def draw_all(
    folder: Path,
    report: Report,
    y: Array,
    probability: Array,
    features: Sequence[str],
    gains: Array,
) -> tuple[Path, ...]:
    """Write every picture and the table of actions into the folder; return their paths."""
    return (
        draw_reliability(folder / "reliability.png", y, probability),
        draw_gain_and_lift(folder / "gain_and_lift.png", y, probability),
        draw_importance(folder / "feature_importance.png", features, gains),
        draw_actions(folder / "per_action.png", report),
        write_actions(folder / "per_action.csv", report),
    )


def draw_reliability(path: Path, y: Array, probability: Array) -> Path:
    """Draw observed over predicted rate in bins of equally many rows, with 95 % intervals."""
    predicted, observed, rows = reliability_points(y, probability)
    error = 1.96 * np.sqrt(observed * (1 - observed) / rows)
    with _axes(path, size=(6.0, 5.5)) as axes:
        top = 1.08 * max(float((observed + error).max()), float(predicted.max()), 1e-6)
        axes.plot([0, top], [0, top], color=_GREY, linestyle="--", label="perfectly calibrated")
        axes.errorbar(
            predicted,
            observed,
            yerr=error,
            color=_BLUE,
            marker="o",
            markersize=5,
            capsize=3,
            linewidth=1.2,
            label=f"model, {len(rows)} bins of about {int(rows.mean()):,} rows",
        )
        axes.set(xlim=(0, top), ylim=(0, top), title="Reliability on the test rows")
        axes.set(xlabel="predicted propensity", ylabel="observed rate of positive outcomes")
        axes.legend(loc="upper left", frameon=False)
    return path


def reliability_points(y: Array, probability: Array) -> tuple[Array, Array, Array]:
    """Return mean prediction, observed rate and rows of each bin, lowest prediction first."""
    bin_of = equal_mass_bins(probability)
    rows = np.bincount(bin_of).astype(np.float64)
    held = rows > 0
    predicted = np.bincount(bin_of, weights=probability)[held] / rows[held]
    return predicted, np.bincount(bin_of, weights=y)[held] / rows[held], rows[held]


def draw_gain_and_lift(path: Path, y: Array, score: Array) -> Path:
    """Draw which share of the positives the best rows hold, and how much denser they are."""
    share, gained = gain_points(y, score)
    with _figure(path, size=(11.0, 4.8), columns=2) as (left, right):
        left.plot(share, gained, color=_BLUE, label="model")
        left.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="at random")
        left.set(title="Cumulative gain", ylabel="share of the positives found")
        right.plot(share[1:], gained[1:] / share[1:], color=_BLUE, label="model")
        right.axhline(1.0, color=_GREY, linestyle="--", label="at random")
        right.set(title="Lift", ylabel="positives found / found at random")
        for axes in (left, right):
            axes.set(xlim=(0, 1), xlabel="share of the rows, best first")
            axes.set_ylim(bottom=0)
            axes.legend(frameon=False, loc="lower right" if axes is left else "upper right")
    return path


def gain_points(y: Array, score: Array, points: int = 200) -> tuple[Array, Array]:
    """Return the share of rows, best first, and the share of positives among them, from 0 to 1."""
    found = np.concatenate(([0.0], np.cumsum(y[np.argsort(-score, kind="stable")])))
    at = np.unique(np.linspace(0, len(y), points + 1).round().astype(int))
    return at / max(len(y), 1), found[at] / max(float(found[-1]), 1.0)


def draw_importance(path: Path, features: Sequence[str], gains: Array) -> Path:
    """Draw the shares of the gain of the features that matter most."""
    shares = np.asarray(gains, dtype=np.float64) / max(float(np.sum(gains)), 1e-12)
    order = np.argsort(-shares, kind="stable")[:_TOP_FEATURES][::-1]
    with _axes(path, size=(8.0, 1.2 + 0.3 * len(order))) as axes:
        bars = axes.barh([features[column] for column in order], 100 * shares[order], color=_BLUE)
        axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
        axes.set(title=f"Features by gain, first {len(order)} of {len(features)}")
        axes.set(xlabel="share of the gain, %")
        axes.margins(x=0.1)
    return path


def draw_actions(path: Path, report: Report) -> Path:
    """Draw each action's observed and predicted rate and how often it is ranked first."""
    entries = sorted(report.per_action, key=lambda entry: -entry["rows"])[:_TOP_ACTIONS]
    entries = sorted(entries, key=lambda entry: entry["rate"])
    at = np.arange(len(entries))
    with _figure(path, size=(11.0, 1.6 + 0.28 * len(entries)), columns=2) as (left, right):
        left.scatter(_percent(entries, "rate"), at, color=_ORANGE, label="observed", zorder=3)
        left.scatter(
            _percent(entries, "predicted"), at, color=_BLUE, marker="x", label="predicted", zorder=3
        )
        left.set_yticks(at, [entry["action"] for entry in entries], fontsize=8)
        left.set(title="Rate of positive outcomes", xlabel="%")
        left.set_xlim(left=0)
        left.legend(frameon=False, loc="lower right")
        right.barh(at, _percent(entries, "first_share"), color=_BLUE)
        right.set_yticks(at, [])
        right.set(title="Decisions in which it ranks first", xlabel="%")
        for axes in (left, right):
            axes.set_ylim(-0.7, len(entries) - 0.3)
    return path


def write_actions(path: Path, report: Report) -> Path:
    """Write the report's figures per action as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _ACTION_COLUMNS)
        writer.writeheader()
        writer.writerows(report.per_action)
    return path


def _percent(entries: Sequence[Any], key: str) -> Array:
    known = [np.nan if entry[key] is None else entry[key] for entry in entries]
    return 100 * np.asarray(known, dtype=np.float64)


@contextmanager
def _axes(path: Path, size: tuple[float, float]) -> Iterator[Axes]:
    with _figure(path, size, columns=1) as (axes,):
        yield axes


@contextmanager
def _figure(path: Path, size: tuple[float, float], columns: int) -> Iterator[tuple[Axes, ...]]:
    """Yield the axes of a new figure and write it as PNG afterwards.

    The figure is kept out of pyplot's registry, so that no backend is chosen for the process.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, columns, squeeze=False)
    for axes in grid[0]:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
    yield tuple(grid[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
