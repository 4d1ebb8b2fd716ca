"""Horizontal bars, one pair per row: what was and what would be. SVG without script or style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 720
_LABELS, _VALUE, _GAP = 190, 54, 14
_BAR, _ROW, _TOP = 9, 30, 24
_LONGEST = 27


@dataclass(frozen=True)
class Panel:
    """One column of bars.

    Attributes
    ----------
    before, after : one value per row, at least 0.
    """

    title: str
    before: Sequence[float]
    after: Sequence[float]


def bars(
    title: str,
    labels: Sequence[str],
    panels: Sequence[Panel],
    shown: Callable[[float], str],
) -> Markup:
    """Return a picture of panels side by side on one scale.

    Parameters
    ----------
    title : what it shows, for people who cannot see it.
    labels : one per row.
    shown : makes a text of a value.
    """
    head = _TOP if any(panel.title for panel in panels) else 4
    height = head + _ROW * len(labels)
    width = (WIDTH - _LABELS) / max(len(panels), 1)
    most = max((value for panel in panels for value in (*panel.before, *panel.after)), default=0.0)
    scale = (width - _VALUE - _GAP) / most if most else 0.0
    parts = [_label(text, head + _ROW * row + 17) for row, text in enumerate(labels)]
    for place, panel in enumerate(panels):
        left = _LABELS + place * width
        parts.append(_text(left, 14, "panel", panel.title))
        for row, (before, after) in enumerate(zip(panel.before, panel.after, strict=True)):
            top = head + _ROW * row + 4
            parts.append(_bar(left, top, before * scale, "before", shown(before)))
            parts.append(_bar(left, top + _BAR + 2, after * scale, "after", shown(after)))
    return picture(title, height, parts)


def picture(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    """Return an SVG that holds the parts and grows with its column."""
    return Markup(
        '<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}" preserveAspectRatio="xMinYMin">{}'
        "</svg>"
    ).format(WIDTH, height, title, Markup("").join(parts))


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a text that fits.

    >>> shortened("Breakfast cereal", 9)
    'Breakfas…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _label(text: str, y: float) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="end"><title>{}</title>{}</text>').format(
        _LABELS - 8, y, text, shortened(text)
    )


def _text(x: float, y: float, kind: str, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>').format(x, y, kind, text)


def _bar(x: float, y: float, width: float, kind: str, value: str) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="1.5" class="{}"/>'
    ).format(x, y, max(width, 0.8), _BAR, kind) + _text(
        x + max(width, 0.8) + 5, y + _BAR - 0.5, f"value {kind}", value
    )
