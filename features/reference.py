"""The reference page of the features, made from their declarations (`nba docs` writes it)."""

from __future__ import annotations

import math

from features.declared import FEATURES, is_moment
from features.spec import Block, Feature

_HEAD = """# Features

Made by `nba docs` from the declarations in `features/`; edit those, not this page.

Every value is computed from events strictly before the `as_of` of its row. A *stored* feature lies
in the feature store; a *derived* one is made of stored ones when a decision is taken, by the same
code for training and serving. A *moment* is stored as a time and never given to a model; it becomes
an age in business days. A stored row older than its maximum age at decision time counts as missing.
In the sentences `{action}` is the name of the action and `{value}` the feature's own value."""

_BLOCKS = {
    Block.CUSTOMER: ("Customer", "One value per customer."),
    Block.CATEGORY: ("Customer and category", "One value per customer and category."),
    Block.ACTION: ("Customer and action", "One value per customer and action."),
    Block.POPULARITY: ("Action", "One value per action and business day, over all customers."),
}

_COLUMNS = (
    "feature", "kind", "type", "unit", "default", "maximum age", "meaning", "English", "German",
)  # fmt: skip


def features_markdown() -> str:
    """Return the page: one section per block, one table row per declared feature.

    >>> "`trips_28d`" in features_markdown()
    True
    """
    return "\n\n".join((_HEAD, *(_section(block) for block in Block))) + "\n"


def _section(block: Block) -> str:
    title, grain = _BLOCKS[block]
    rows = [_row(feature) for feature in FEATURES if feature.block is block]
    table = "\n".join((_line(_COLUMNS), _line(("---",) * len(_COLUMNS)), *rows))
    return f"## {title}\n\n{grain} Block `{block.value}`, {len(rows)} features.\n\n{table}"


def _row(feature: Feature) -> str:
    return _line(
        (
            f"`{feature.name}`",
            _kind(feature),
            feature.dtype,
            feature.unit,
            "missing" if math.isnan(feature.default) else f"{feature.default:g}",
            f"{feature.max_age_hours:g} h",
            feature.meaning,
            feature.sentence.en,
            feature.sentence.de,
        )
    )


def _kind(feature: Feature) -> str:
    if feature.derive is not None:
        return "derived"
    return "moment" if is_moment(feature.name) else "stored"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
