"""The report of a simulation for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from decisioning.simulation.health import no_action_ranges, optionality_ranges
from decisioning.simulation.notes import notes_on
from decisioning.simulation.page import short_number
from decisioning.simulation.pictures import name_of, pairs, percent
from decisioning.simulation.report import ActionFigures, Report
from decisioning.simulation.wins import AS_DECIDED, FORMULAS

_MOST_ROWS = 15

Row = Sequence[str]


def print_report(report: Report) -> None:
    """Print the report: what changes first, then where it comes from."""
    # Where nobody looks at a screen, nothing needs to be cut to its width.
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    about, changed = report.about, ", ".join(report.changed_files) or "nothing"
    console.print(
        f"[b]Simulation[/b]: {about.customers:,} of {about.known_customers:,} customers "
        f"(seed {about.seed}), {about.direction} on {about.channel}, "
        f"{about.decided_at:%Y-%m-%d %H:%M} UTC; changed: {changed}"
    )
    for table in (_summary, _edits, _flows, _wins, _funnel, _optionality, _reasons, _groups):
        console.print(table(report))
    for note in notes_on(report):
        console.print(f"note: {note}", markup=False)
    console.print("Expected value is what the model expects, not what the change adds (no lift).")


def _summary(report: Report) -> Table:
    before, after, movement = report.before, report.after, report.movement
    weak = "-" if report.weak_below is None else f"below {percent(report.weak_below)}"
    gained = f"{movement.worth.mean:+.3f}, standard error {movement.worth.error:.3f}"
    return _table(
        "What changes",
        ("", "current", "changed", ""),
        [
            ("first action changes", "", percent(movement.share), f"{movement.customers:,}"),
            (
                "expected value at rank 1",
                f"{before.worth.mean:.3f}",
                f"{after.worth.mean:.3f}",
                gained,
            ),
            (
                "actions left per customer",
                f"{before.optionality.mean:.1f} {before.optionality.health}",
                f"{after.optionality.mean:.1f} {after.optionality.health}",
                optionality_ranges(),
            ),
            (
                "customers without an action",
                f"{percent(before.no_action)} {before.no_action_health}",
                f"{percent(after.no_action)} {after.no_action_health}",
                no_action_ranges(report.about.direction),
            ),
            ("only weak actions", percent(before.weak), percent(after.weak), weak),
        ],
        numbers=(1, 2),
    )


def _edits(report: Report) -> Table:
    rows = [
        (edit.file, edit.place, edit.before or "not there", edit.after or "not there")
        for edit in report.edits
    ]
    return _table("What is changed", ("file", "place", "now", "changed"), rows)


def _flows(report: Report) -> Table:
    rows = [
        (
            report.name_of(flow.before),
            report.name_of(flow.after),
            f"{flow.customers:,}",
            percent(flow.share),
            flow.because,
        )
        for flow in report.movement.flows
    ]
    return _table(
        "Who would change", ("from", "to", "customers", "share", "mostly because"), rows, (2, 3)
    )


def _wins(report: Report) -> Table:
    formulas = (AS_DECIDED, *FORMULAS)

    def share(figures: ActionFigures | None, formula: str) -> str:
        return percent(figures.wins[formula]) if figures else "-"

    rows = [
        (
            name_of(pair),
            *(f"{share(pair[0], name)} → {share(pair[1], name)}" for name in formulas),
        )
        for pair in pairs(report)
        if any(one and one.wins[AS_DECIDED] for one in pair)
    ]
    return _table("Which action comes first", ("action", *formulas), rows, range(1, 5))


def _funnel(report: Report) -> Table:
    rows = [
        (
            old.stage,
            *(f"{value:.2f}" for one in (old, new) for value in (one.entered, one.removed)),
            f"{old.left:.2f} → {new.left:.2f}",
        )
        for old, new in zip(report.before.funnel, report.after.funnel, strict=True)
    ]
    head = ("stage", "entered", "removed", "entered, changed", "removed", "left")
    return _table("How candidates become fewer, per customer", head, rows, range(1, 6))


def _optionality(report: Report) -> Table:
    before, after = report.before.optionality.shares, report.after.optionality.shares
    rows = [(name, percent(before[name]), percent(after[name])) for name in before]
    return _table("Customers by actions left", ("actions", "current", "changed"), rows, (1, 2))


def _reasons(report: Report) -> Table:
    def told(figures: ActionFigures | None) -> str:
        if figures is None:
            return "not in the catalog"
        return "\n".join(
            f"{percent(one.share)} {one.stage} / {one.policy_id} / {one.reason}"
            for one in figures.turned_down[:2]
        )

    rows = [
        (
            name_of(pair),
            told(pair[0]),
            "the same" if told(pair[0]) == told(pair[1]) else told(pair[1]),
        )
        for pair in pairs(report)
    ]
    return _table("Why actions are turned down", ("action", "current", "changed"), rows)


def _groups(report: Report) -> Table:
    rows = []
    for group in report.groups:
        told = [
            f"{one.feature}: {short_number(one.mean)} (everybody {short_number(one.everybody)})"
            for one in group.traits
        ]
        who = f"{group.customers:,} ({percent(group.share)})"
        rows.append((group.title, who, "\n".join(told)))
    return _table("Who they are", ("customers", "how many", "in what they differ"), rows, (1,))


def _table(
    title: str, head: Sequence[str], rows: Sequence[Row], numbers: Iterable[int] = ()
) -> Table:
    table, right = Table(title=title, title_style="b", title_justify="left"), set(numbers)
    for place, heading in enumerate(head):
        table.add_column(heading, justify="right" if place in right else "left", overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    if len(rows) > _MOST_ROWS:
        table.caption, table.caption_justify = f"and {len(rows) - _MOST_ROWS} more", "left"
    return table
