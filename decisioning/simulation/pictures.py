"""The pictures of a report."""

from __future__ import annotations

from markupsafe import Markup

from decisioning.simulation.bands import OTHERS, Way, bands
from decisioning.simulation.bars import Panel, bars
from decisioning.simulation.report import ActionFigures, Report
from decisioning.simulation.wins import AS_DECIDED, FORMULAS

MOST_ACTIONS = 20

Pair = tuple[ActionFigures | None, ActionFigures | None]
"""An action before and after; None where the catalog does not have it."""


def win_picture(report: Report) -> Markup:
    """Return how often which action comes first."""
    return _wins(report, (AS_DECIDED,), MOST_ACTIONS)


def formula_picture(report: Report) -> Markup:
    """Return the same by formula."""
    return _wins(report, tuple(FORMULAS), MOST_ACTIONS)


def funnel_picture(report: Report) -> Markup:
    """Return how many actions are left after each stage that turns any down."""
    before, after = report.before.funnel, report.after.funnel
    stages = [
        place
        for place, pair in enumerate(zip(before, after, strict=True))
        if any(one.removed for one in pair)
    ]
    panel = Panel(
        "",
        [before[0].entered, *(before[place].left for place in stages)],
        [after[0].entered, *(after[place].left for place in stages)],
    )
    labels = ["all actions", *(f"after {before[place].stage}" for place in stages)]
    return bars("Actions left per customer after each stage", labels, [panel], "{:.1f}".format)


def optionality_picture(report: Report) -> Markup:
    """Return how many customers have how many actions."""
    before, after = report.before.optionality.shares, report.after.optionality.shares
    labels = [f"{name} action{'' if name == '1' else 's'}" for name in before]
    panel = Panel("", list(before.values()), list(after.values()))
    return bars("Customers by the number of actions left", labels, [panel], percent)


def movement_picture(report: Report) -> Markup:
    """Return from which action to which customers go."""
    movement = report.movement
    ways: list[Way] = [
        (report.name_of(flow.before), report.name_of(flow.after), flow.customers)
        for flow in movement.flows
    ]
    rest = movement.customers - sum(count for _, _, count in ways)
    if rest:
        ways.append((OTHERS, OTHERS, rest))
    quiet = report.name_of(report.default_action_id)
    return bands("First action before and after the change", ways, quiet)


def percent(share: float) -> str:
    """Return a share as people read it; what is more than nothing never looks like nothing.

    >>> percent(0.1234), percent(0.0004), percent(0.0)
    ('12.3%', '<0.1%', '0%')
    """
    if share == 0.0:
        return "0%"
    return "<0.1%" if share < 0.001 else f"{share:.1%}"


def name_of(pair: Pair) -> str:
    """Return what people call the action of a pair."""
    return next(one.name for one in pair if one is not None)


def pairs(report: Report) -> list[Pair]:
    """Return every action of either catalog before and after, those that come first often first."""
    before = {one.action_id: one for one in report.before.actions}
    after = {one.action_id: one for one in report.after.actions}

    def rank(action_id: str) -> tuple[float, str]:
        found = [side[action_id] for side in (before, after) if action_id in side]
        return -max(one.wins[AS_DECIDED] for one in found), action_id

    ids = sorted({*before, *after}, key=rank)
    return [(before.get(action_id), after.get(action_id)) for action_id in ids]


def _wins(report: Report, formulas: tuple[str, ...], most: int) -> Markup:
    def most_often(pair: Pair) -> float:
        return max(_share(one, name) for one in pair for name in formulas)

    known = sorted(filter(most_often, pairs(report)), key=most_often, reverse=True)[:most]
    labels = [name_of(pair) for pair in known]
    panels = [
        Panel(
            "" if len(formulas) == 1 else formula.replace("x", "×"),
            [_share(before, formula) for before, _ in known],
            [_share(after, formula) for _, after in known],
        )
        for formula in formulas
    ]
    return bars("Share of customers for whom an action comes first", labels, panels, percent)


def _share(figures: ActionFigures | None, formula: str) -> float:
    return figures.wins[formula] if figures else 0.0
