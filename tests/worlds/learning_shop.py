"""A shop whose catalog and profile layout change once, and what decisions are taken from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np

from decisioning.catalog import Catalog
from features import declared
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block

DAY = 86_400.0
START = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
ACTIONS = ("rice", "soap", "tea")
CHANCES = {"rice": 0.25, "soap": 0.1, "tea": 0.7}
"""How likely a customer is to accept each action when it is shown."""
OLD_DAYS, NEW_DAYS = {"rice": 7, "soap": 14, "tea": 7}, {"rice": 7, "soap": 14, "tea": 10}
"""Response windows before and after the catalog was changed."""
OLD_CLICK, NEW_CLICK = 0.25, 0.5
"""How much of a yes a click on tea is, before and after."""
NEW_LAYOUT = Layout.of(("RICE", "SOAP", "TEA"), ACTIONS)
UNKNOWN_THEN = "failures_28d"
"""An input that the older layout does not hold."""
OLD_LAYOUT = replace(
    NEW_LAYOUT, scalars=tuple(name for name in NEW_LAYOUT.scalars if name != UNKNOWN_THEN)
)
INPUTS = (*declared.model_inputs(), "size")
_POPULAR = declared.stored(Block.POPULARITY)
_SAID = {"en": {"title": "A", "text": "B"}, "de": {"title": "A", "text": "B"}}


def catalog_of(days: dict[str, int], click: float) -> Catalog:
    """Return the catalog with these windows; a click on tea counts so much."""
    graded = {"positive": {"accepted": 1.0, "converted": 1.0, "clicked": click}}
    actions = [
        {
            "id": name, "name": {"en": name, "de": name}, "issue": "sell", "group": name,
            "category": name.upper(), "response_window_days": days[name],
            "attributes": {"size": at + 1.0},
        }
        | ({"outcomes": graded} if name == "tea" else {})
        for at, name in enumerate(ACTIONS)
    ]  # fmt: skip
    return Catalog.model_validate(
        {
            "treatments": {"web": _SAID},
            "default_action": {
                "id": "nothing",
                "name": {"en": "Nothing", "de": "Nichts"},
                "treatments": dict.fromkeys(("web", "bot", "advisor", "email"), _SAID),
            },
            "actions": actions,
        }
    )


@dataclass
class Clock:
    """A clock that a test sets."""

    seconds: float = START

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class Model:
    """Scores rows by the action, and keeps the matrix that it was asked about."""

    layout: Layout
    features: tuple[str, ...]
    version: str
    matrix: Any = None

    @property
    def manifest(self) -> SimpleNamespace:
        codes = {name: at for at, name in enumerate(ACTIONS)}
        return SimpleNamespace(
            name="offers", version=self.version, label_model="response",
            layout_hash=self.layout.hash, encodings={"action_code": codes}, evidence={},
            priors=None,
        )  # fmt: skip

    def score(self, matrix: Any) -> SimpleNamespace:
        self.matrix = matrix.copy()
        return SimpleNamespace(
            raw=np.zeros(len(matrix)),
            propensity=0.2 + matrix[:, -1] / 10,
            path_contributions=lambda rows: np.zeros((len(rows), matrix.shape[1] + 1)),
        )

    def exact_contributions(self, matrix: Any) -> Any:
        return np.zeros((len(matrix), matrix.shape[1] + 1))


@dataclass
class Store:
    """Profiles that are other ones at every time they are read."""

    layout: Layout
    clock: Clock
    rng: np.random.Generator
    remote: bool = False

    def online(self, customer_id: str) -> Profiles:
        vectors = self.rng.gamma(2.0, 3.0, (1, self.layout.size))
        vectors[self.rng.random(vectors.shape) < 0.1] = np.nan
        moments = [at for at, n in enumerate(self.layout.scalars) if declared.is_moment(n)]
        vectors[0, moments] = self.clock.seconds - self.rng.gamma(2.0, 9.0 * DAY, len(moments))
        vectors[0, :2] = self.clock.seconds - 3_600.0, self.clock.seconds - 7_200.0
        return Profiles(self.layout, np.array([customer_id], dtype=object), vectors)

    def popularity_now(self, action_ids: tuple[str, ...]) -> Any:
        return self.rng.random((1, len(action_ids), len(_POPULAR)))
