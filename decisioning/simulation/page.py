"""The report as one HTML page: no script, nothing from elsewhere, readable in light and dark."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from decisioning.simulation import pictures
from decisioning.simulation.health import no_action_ranges, optionality_ranges
from decisioning.simulation.notes import LIMITS, notes_on
from decisioning.simulation.report import Report
from decisioning.simulation.wins import AS_DECIDED

TEMPLATE = "report.html.jinja"
MOST_EDITS = 40


def report_page(report: Report) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("decisioning.simulation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = pictures.percent
    environment.filters["signed"] = "{:+,.3f}".format
    environment.filters["money"] = "{:,.3f}".format
    environment.filters["count"] = "{:,}".format
    environment.filters["short"] = short_number
    return environment.get_template(TEMPLATE).render(
        report=report,
        about=report.about,
        movement=report.movement,
        name=report.name_of,
        pictures=pictures,
        as_decided=AS_DECIDED,
        notes=notes_on(report),
        limits=LIMITS,
        edits=report.edits[:MOST_EDITS],
        optionality_ranges=optionality_ranges(),
        no_action_ranges=no_action_ranges(report.about.direction),
    )


def short_number(value: float) -> str:
    """Return a number with as many digits as help.

    >>> short_number(1234.5), short_number(12.34), short_number(0.01234)
    ('1,234', '12.3', '0.0123')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
