"""A report for people: a table in the terminal, Markdown for the run."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from training.bootstrap import Interval
from training.report import LOWER_IS_BETTER, METRICS, PROPENSITY_ALONE, TIMES_VALUE, Report
from training.sources import lines_of


def render_text(report: Report) -> Table:
    """Return the report for a terminal: a row per metric, a column per model."""
    table = Table(title=_title(report), caption=_caption(report))
    table.add_column("metric")
    for name in ("model", *report.baselines):
        table.add_column(name, justify="right", no_wrap=name == "model")
    for cells in _cells(report):
        if any(cells[1:]):
            table.add_row(*cells)
    return table


def print_report(report: Report) -> None:
    """Print the report as a table, and below it where its rows came from."""
    print_table(render_text(report))
    for line in lines_of(report.sources):
        print(line)


def print_table(table: Table) -> None:
    """Print a table; where nobody looks at a screen, at its full width."""
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def render_markdown(report: Report) -> str:
    """Return the report as Markdown: metrics, paired differences, actions."""
    head = ("metric", "model", *report.baselines)
    actions = ("action", "rows", "positives", "rate", "predicted", "auc", "first_share")
    per_action = [tuple(_plain(entry[key]) for key in actions) for entry in report.per_action]
    paired = [(name, _with_range(figure)) for name, figure in report.paired.items()]
    parts = [
        f"# {_title(report)}",
        _caption(report),
        report.tried,
        "\n".join(f"- {line}" for line in lines_of(report.sources)),
        _markdown_table(head, _cells(report)),
        "## Model minus baseline, on the same resampled customers",
        _markdown_table(("metric - baseline", "difference [95 %]"), paired),
        "## Per action",
        _markdown_table(actions, per_action),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(report: Report) -> str:
    return f"{report.model}: {report.problem}, label model {report.label_model}"


def _caption(report: Report) -> str:
    counts = (
        f"{report.rows:,} rows, {report.decisions:,} decisions, {report.decisions_with_positive:,} "
        "with a positive (the ranking metrics see only these, revenue sees all). Revenue ranks the "
        "model by propensity x value, a baseline by its score alone. [95 %] over customers."
    )
    return f"{counts} {_losses(report)}"


def _losses(report: Report) -> str:
    """Say where a baseline is clearly better, so that nobody has to look for it."""
    lost = []
    for name, figure in report.paired.items():
        if figure is None:
            continue
        metric, _, baseline = name.partition(" - ")
        worse = figure.low > 0 if metric in LOWER_IS_BETTER else figure.high < 0
        # A prior that is right on average is calibrated and says nothing; log loss tells both.
        if worse and (metric, baseline) != ("ece", "prior"):
            lost.append(f"{metric} ({baseline})")
    if not lost:
        return "No baseline is clearly better in any metric."
    return f"A baseline is clearly better in: {', '.join(lost)}."


def _cells(report: Report) -> list[tuple[str, ...]]:
    rows = []
    for name in (*METRICS, PROPENSITY_ALONE, TIMES_VALUE):
        others = [_plain(_value(figures.get(name))) for figures in report.baselines.values()]
        rows.append((name, _with_range(report.metrics.get(name)), *others))
    return rows


def _value(figure: Interval | None) -> float | None:
    return None if figure is None else figure.value


def _with_range(figure: Interval | None) -> str:
    return "" if figure is None else f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _markdown_table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
