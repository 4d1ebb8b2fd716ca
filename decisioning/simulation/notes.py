"""What a reader of a report has to know before believing its numbers."""

from __future__ import annotations

from decisioning.simulation.report import Report, Side

LIMITS = (
    "Propensities are what the model expects of customers, not what an action adds: propensity x "
    "value is no lift, and no promise of more revenue. Only a control group shows that.",
    "A propensity or value that is written into the changed files counts as true: raising a number "
    "raises the expected value by itself.",
    "The model is the current champion in both runs. What it has not seen, such as a new action "
    "or other texts, it cannot judge.",
    "Customers do not react: nobody is offered something for the second time, and no budget is "
    "used up by the others of the sample.",
    "Nothing is tried out: exploration is switched off in both runs, so that what differs is the "
    "change and not chance. A change of exploration itself shows nothing here.",
)
"""What holds for every simulation."""


def notes_on(report: Report) -> tuple[str, ...]:
    """Return what is special about this one, the most important first."""
    about, notes = report.about, []
    if not report.edits:
        notes.append("The files in the folder say the same as the current ones.")
    if not about.model:
        notes.append("There was no model: only actions with a propensity of their own could rank.")
    if not about.with_history:
        notes.append(
            "The ledger was not read: everybody counts as somebody with whom nothing has happened "
            "yet, so contact policies and consents turn down what they would for a newcomer."
        )
    if any(one.startswith("exploration") for one in _places(report)):
        notes.append("The change touches exploration, which a simulation leaves out.")
    notes += _both(report, "control_group", "For {} of the customers a control group counts.")
    notes += _both(
        report, "consent_assumed", "For {} of the customers a missing consent was assumed."
    )
    codes = sorted({*report.before.degraded, *report.after.degraded})
    for code in codes:
        shares = [side.degraded.get(code, 0.0) for side in (report.before, report.after)]
        notes.append(f"Decided without everything ({code}): {_from_to(*shares)} of the customers.")
    return tuple(notes)


def _places(report: Report) -> list[str]:
    return [edit.place for edit in report.edits if edit.file == "arbitration.yaml"]


def _both(report: Report, name: str, said: str) -> list[str]:
    def of(side: Side) -> float:
        share: float = getattr(side, name)
        return share

    before, after = of(report.before), of(report.after)
    return [said.format(_from_to(before, after))] if before or after else []


def _from_to(before: float, after: float) -> str:
    shown = (f"{before:.1%}", f"{after:.1%}")
    return (
        shown[0] if shown[0] == shown[1] else f"{shown[0]} before and {shown[1]} after the change"
    )
