"""How a profile row lies in one vector: the order of its numbers, and a hash of that order.

A vector is `PREFIX`, then the customer's own values, then categories x category features, then
actions x action features; 64-bit floats, NaN for missing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.declared import BY_NAME, stored
from features.errors import FeatureError
from features.spec import Block

Array = npt.NDArray[np.float64]

PREFIX = ("profile_at", "newest_event_at")
"""When the row was computed for (exclusive), and its newest event; seconds since 1970, UTC."""


@dataclass(frozen=True)
class Layout:
    """The order of the numbers in a profile vector."""

    scalars: tuple[str, ...]
    category_features: tuple[str, ...]
    categories: tuple[str, ...]
    action_features: tuple[str, ...]
    actions: tuple[str, ...]

    @classmethod
    def of(cls, categories: tuple[str, ...], actions: tuple[str, ...]) -> Layout:
        """Return the layout of all declared features over these categories and actions.

        >>> Layout.of(("TEA",), ("tea",)).size == len(Layout.of((), ()).scalars) + 13 + 11
        True
        """
        return cls(
            scalars=PREFIX + stored(Block.CUSTOMER),
            category_features=stored(Block.CATEGORY),
            categories=tuple(sorted(categories)),
            action_features=stored(Block.ACTION),
            actions=tuple(sorted(actions)),
        )

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return self._category_end + len(self.actions) * len(self.action_features)

    @property
    def _category_end(self) -> int:
        return len(self.scalars) + len(self.categories) * len(self.category_features)

    @cached_property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with any name or order."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def category_position(self) -> dict[str, int]:
        """Where each category stands."""
        return {name: place for place, name in enumerate(self.categories)}

    @cached_property
    def action_position(self) -> dict[str, int]:
        """Where each action stands."""
        return {name: place for place, name in enumerate(self.actions)}

    @cached_property
    def age_limits(self) -> Array:
        """The maximum age in hours of every place in a vector, shape (size,)."""

        def of(names: tuple[str, ...]) -> list[float]:
            return [BY_NAME[n].max_age_hours if n in BY_NAME else np.inf for n in names]

        per_category = of(self.category_features) * len(self.categories)
        per_action = of(self.action_features) * len(self.actions)
        return np.array(of(self.scalars) + per_category + per_action)

    @cached_property
    def shortest_limit(self) -> float:
        """The smallest of the maximum ages, in hours."""
        return float(self.age_limits.min())

    def has_stale(self, age_s: float) -> bool:
        """Tell whether a profile of an age in seconds has a value beyond its maximum age."""
        return age_s / 3_600.0 > self.shortest_limit

    def scalar_block(self, vectors: Array) -> Array:
        """Return the customer's own values, shape (n, scalars)."""
        return vectors[:, : len(self.scalars)]

    def category_block(self, vectors: Array) -> Array:
        """Return the values per category, shape (n, categories, category features)."""
        block = vectors[:, len(self.scalars) : self._category_end]
        return block.reshape(len(vectors), len(self.categories), len(self.category_features))

    def action_block(self, vectors: Array) -> Array:
        """Return the values per action, shape (n, actions, action features)."""
        block = vectors[:, self._category_end :]
        return block.reshape(len(vectors), len(self.actions), len(self.action_features))

    def save(self, path: Path) -> None:
        """Write the layout as JSON."""
        path.write_text(json.dumps(asdict(self) | {"hash": self.hash}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Layout:
        """Read a layout and check its hash.

        Raises
        ------
        FeatureError : there is none, or it is not what was saved.
        """
        if not path.exists():
            raise FeatureError(f"{path}: no features were built yet; run `nba features build`")
        try:
            fields = json.loads(path.read_text())
            expected = fields.pop("hash")
            layout = cls(**{name: tuple(values) for name, values in fields.items()})
        except (ValueError, TypeError, KeyError) as error:
            raise FeatureError(f"{path}: not a profile layout ({error})") from error
        if layout.hash != expected:
            raise FeatureError(f"{path}: hash {expected} does not match its content")
        return layout
