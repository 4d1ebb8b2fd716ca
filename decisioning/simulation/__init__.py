"""What a change of configuration would do, found out on real profiles before it goes live."""

from decisioning.simulation.answered import Answered
from decisioning.simulation.audience import Audience, draw
from decisioning.simulation.changes import Changes, load_changes
from decisioning.simulation.compare import compare
from decisioning.simulation.page import report_page
from decisioning.simulation.report import Report
from decisioning.simulation.run import HistoryOf, Variant, question, run

__all__ = [
    "Answered",
    "Audience",
    "Changes",
    "HistoryOf",
    "Report",
    "Variant",
    "compare",
    "draw",
    "load_changes",
    "question",
    "report_page",
    "run",
]
