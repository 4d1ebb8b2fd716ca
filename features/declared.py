"""All declared features, found by name and by block: the one list that everything reads."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

from features import action_history, affinity, contacts, popularity, purchases
from features.errors import FeatureError
from features.spec import Block, Feature, declare_in, journey_stage

_STAGE = declare_in(Block.CUSTOMER)(
    "journey_stage", "stage (0 to 4)",
    "0 prospect, 1 new (28 days), 2 active (28 days), 3 cooling (91 days), 4 lapsed.",
    "stage {value:.0f} of 4 on the customer journey", "Phase {value:.0f} von 4 der Kundenreise",
    derive=journey_stage)  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    *purchases.STORED,
    *affinity.BREADTH,
    *contacts.STORED,
    *purchases.DERIVED,
    *contacts.DERIVED,
    _STAGE,
    *affinity.STORED,
    *affinity.DERIVED,
    *action_history.STORED,
    *action_history.DERIVED,
    *popularity.STORED,
)

BY_NAME = MappingProxyType({feature.name: feature for feature in FEATURES})


@lru_cache
def stored(block: Block) -> tuple[str, ...]:
    """Return the names of the stored columns of a block, in layout order."""
    return tuple(f.name for f in FEATURES if f.block is block and f.derive is None)


def is_moment(name: str) -> bool:
    """Tell whether a stored column holds a point in time (seconds since 1970, UTC)."""
    return name.endswith("_at")


def model_inputs() -> tuple[str, ...]:
    """Return every feature that a model may use: all but the raw moments."""
    return tuple(f.name for f in FEATURES if not is_moment(f.name))


def feature(name: str) -> Feature:
    """Return the declaration of a feature.

    >>> feature("trips_28d").unit
    'trips'
    """
    if name not in BY_NAME:
        raise FeatureError(f"unknown feature {name!r}")
    return BY_NAME[name]
