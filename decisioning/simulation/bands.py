"""Bands from the first action of before to the one of after, as wide as customers go that way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from decisioning.simulation.bars import WIDTH, picture, shortened

OTHERS = "other actions"
_MOST, _HEIGHT, _SPACE, _NODE = 8, 340.0, 10.0, 10
_LEFT, _RIGHT, _TOP = 200, WIDTH - 200, 24.0

Way = tuple[str, str, int]


@dataclass(frozen=True)
class _Node:
    name: str
    customers: int
    top: float
    height: float


def bands(title: str, ways: Sequence[Way], quiet: str = "") -> Markup:
    """Return the picture of ways: name before, name after, customers.

    On each side the eight most frequent names have a place of their own.

    Parameters
    ----------
    quiet : a name that gets no colour.
    """
    gathered = _gathered(ways)
    customers = sum(gathered.values())
    before = Counter({name: 0 for name, _ in gathered})
    after = Counter({name: 0 for _, name in gathered})
    for (old, new), count in gathered.items():
        before[old] += count
        after[new] += count
    scale = _HEIGHT / max(customers, 1)
    left, right = _nodes(before, scale), _nodes(after, scale)
    colour = {name: place for place, name in enumerate(right) if name not in (OTHERS, quiet)}
    parts = [
        *_bands(gathered, left, right, colour, scale),
        *(_node(node, _LEFT - _NODE, -6, "end", "node") for node in left.values()),
        *(
            _node(node, _RIGHT, _NODE + 6, "start", f"node {_kind(node.name, colour)}")
            for node in right.values()
        ),
        _heading(_LEFT, "end", "first before"),
        _heading(_RIGHT, "start", "first after"),
    ]
    bottom = max(node.top + node.height for node in (*left.values(), *right.values()))
    return picture(title, bottom + 8, parts)


def _gathered(ways: Sequence[Way]) -> Counter[tuple[str, str]]:
    """Return the customers by way, the rare names as one."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for old, new, count in ways:
        before[old] += count
        after[new] += count
    known_before = {name for name, _ in before.most_common(_MOST)} - {OTHERS}
    known_after = {name for name, _ in after.most_common(_MOST)} - {OTHERS}
    gathered: Counter[tuple[str, str]] = Counter()
    for old, new, count in ways:
        place = (
            old if old in known_before else OTHERS,
            new if new in known_after else OTHERS,
        )
        gathered[place] += count
    return gathered


def _nodes(sizes: Counter[str], scale: float) -> dict[str, _Node]:
    """Return the names from the largest on, the others last, each with its place."""
    order = sorted(sizes.items(), key=lambda one: (one[0] == OTHERS, -one[1], one[0]))
    nodes, top = {}, _TOP
    for name, count in order:
        # A name needs a line of its own, however few customers it has.
        height = count * scale
        nodes[name] = _Node(name, count, top, height)
        top += max(height, 14.0) + _SPACE
    return nodes


def _bands(
    gathered: Counter[tuple[str, str]],
    left: dict[str, _Node],
    right: dict[str, _Node],
    colour: dict[str, int],
    scale: float,
) -> list[Markup]:
    used_left = {name: node.top for name, node in left.items()}
    used_right = {name: node.top for name, node in right.items()}
    places = {name: place for place, name in enumerate(left)}
    parts = []
    order = sorted(gathered, key=lambda way: (places[way[0]], list(right).index(way[1])))
    for old, new in order:
        height = gathered[old, new] * scale
        start, end = used_left[old], used_right[new]
        used_left[old] += height
        used_right[new] += height
        path = _path(start, end, height)
        parts.append(
            Markup('<path d="{}" class="band {}"><title>{} → {}: {:,}</title></path>').format(
                path, _kind(new, colour), old, new, gathered[old, new]
            )
        )
    return parts


def _path(start: float, end: float, height: float) -> str:
    middle = (_LEFT + _RIGHT) // 2
    there = f"M{_LEFT} {start:.1f}C{middle} {start:.1f} {middle} {end:.1f} {_RIGHT} {end:.1f}"
    start, end = start + height, end + height
    return f"{there}V{end:.1f}C{middle} {end:.1f} {middle} {start:.1f} {_LEFT} {start:.1f}Z"


def _node(node: _Node, x: float, beside: float, anchor: str, kind: str) -> Markup:
    height, middle = max(node.height, 1.5), node.top + max(node.height, 1.5) / 2 + 4
    text = f"{shortened(node.name, 22)} ({node.customers:,})"
    return Markup(
        '<rect x="{}" y="{:.1f}" width="{}" height="{:.1f}" class="{}"/>'
        '<text x="{}" y="{:.1f}" text-anchor="{}"><title>{}</title>{}</text>'
    ).format(x, node.top, _NODE, height, kind, x + beside, middle, anchor, node.name, text)


def _heading(x: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="14" text-anchor="{}" class="panel">{}</text>').format(
        x, anchor, text
    )


def _kind(name: str, colour: dict[str, int]) -> str:
    return f"c{colour[name] % 8}" if name in colour else "others"
