from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from decisioning.catalog import Catalog, load_catalog
from decisioning.configuration import Configuration
from decisioning.manifest import Priors
from decisioning.policies.policy_file import ConsentRules, PolicyFile
from decisioning.world import World, build_world
from features import declared
from features.calendar import Calendar
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)

CATALOG = """
value: {kind: own_spend_per_trip, min_trips: 3, fallback: 1.0}
eligibility:
  - name: not_bought_in_56_days
    feature: days_since_category
    more_than: 56
    when_missing: pass
    reason: bought_recently
treatments:
  web:
    en: {title: "How about {inline_name}?", text: Have a look.}
    de: {title: "Schon an {name} gedacht?", text: Sehen Sie selbst.}
  advisor:
    en: {title: "Mention {inline_name}", text: Ask., talking_points: ["{name} once."]}
    de: {title: "{name} ansprechen", text: Fragen., talking_points: ["{name} einmal."]}
default_action:
  id: do_nothing
  name: {en: Do nothing, de: Nichts vorschlagen}
  treatments:
    web: {en: {title: Welcome, text: Hello.}, de: {title: Willkommen, text: Guten Tag.}}
    bot: {en: {title: Welcome, text: Hello.}, de: {title: Willkommen, text: Guten Tag.}}
    advisor: {en: {title: Nothing, text: Nothing.}, de: {title: Nichts, text: Nichts.}}
    email: {en: {title: Nothing, text: Nothing.}, de: {title: Nichts, text: Nichts.}}
actions:
  - id: coffee
    name: {en: Coffee, de: Kaffee}
    issue: win_back
    group: breakfast
    category: COFFEE
    attributes: {size: 2, kind: hot}
  - id: eggs
    name: {en: Eggs, de: Eier}
    issue: win_back
    group: dairy
    category: EGGS
    attributes: {kind: fresh}
  - id: pasta_sauce
    name: {en: Pasta sauce, de: Pastasauce}
    issue: win_back
    group: pantry
    category: PASTA SAUCE
  - id: tea
    name: {en: Tea, de: Tee}
    issue: win_back
    group: breakfast
    category: TEA
    attributes: {size: 1, kind: hot}
    value: {kind: fixed, amount: 2.5}
"""


@dataclass(frozen=True)
class FakeFacts:
    layout_hash: str
    name: str = "fake"
    version: str = "1"
    label_model: str = "adoption"
    encodings: dict[str, dict[str, int]] = field(default_factory=dict)
    evidence: dict[str, float] = field(default_factory=lambda: {"coffee": 7.0})
    priors: Priors | None = None


@dataclass(frozen=True)
class FakeScores:
    propensity: np.ndarray
    added: np.ndarray

    @property
    def raw(self) -> np.ndarray:
        return self.added.sum(axis=1)

    def path_contributions(self, rows: np.ndarray) -> np.ndarray:
        return self.added[rows]


@dataclass(frozen=True)
class LinearModel:
    """Log-odds that are a weighted sum: what each feature adds is known exactly."""

    manifest: FakeFacts
    weights: dict[str, float]
    bias: float = -2.0

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def score(self, matrix: np.ndarray) -> FakeScores:
        added = self.exact_contributions(matrix)
        return FakeScores(1.0 / (1.0 + np.exp(-added.sum(axis=1))), added)

    def exact_contributions(self, matrix: np.ndarray) -> np.ndarray:
        added = np.nan_to_num(matrix) * np.array(list(self.weights.values()))
        return np.column_stack([added, np.full(len(matrix), self.bias)])


def load(text: str, folder: Path) -> Catalog:
    path = folder / "actions.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def catalog_text() -> str:
    return CATALOG


@pytest.fixture
def read_catalog(tmp_path: Path) -> Callable[[str], Catalog]:
    return lambda text: load(text, tmp_path)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load(CATALOG, tmp_path)


@pytest.fixture
def configuration(catalog: Catalog) -> Configuration:
    """The catalog with consent assumed, so that nothing but the test turns anything down."""
    return Configuration(catalog, PolicyFile(consent=ConsentRules(assumed="demo")))


@pytest.fixture
def layout() -> Layout:
    return Layout.of(
        ("COFFEE", "EGGS", "PASTA SAUCE", "TEA"), ("coffee", "eggs", "pasta_sauce", "tea")
    )


@pytest.fixture
def model(layout: Layout, catalog: Catalog) -> LinearModel:
    facts = FakeFacts(layout.hash, encodings=catalog.encodings())
    weights = {"category_trips_all": 0.1, "days_since_category": 0.002, "action_code": 0.0}
    return LinearModel(facts, weights)


@pytest.fixture
def world(configuration: Configuration, model: LinearModel, layout: Layout) -> World:
    return build_world(configuration, model, layout, Calendar())


@pytest.fixture
def popularity() -> np.ndarray:
    names = declared.stored(Block.POPULARITY)
    values = np.full((1, 4, len(names)), 0.1)
    values[:, :, names.index("action_spend_per_trip_91d")] = [5.0, 1.5, 3.0, 2.0]
    return values


@pytest.fixture
def make_profile(layout: Layout) -> Callable[..., Profiles]:
    """A customer seen at midnight; `bought` says per category how often and how many days ago."""

    def make(bought: dict[str, tuple[int, int]], hours_ago: float = 6.0) -> Profiles:
        vectors = np.full((1, layout.size), np.nan)
        profile_at = NOW.timestamp() - hours_ago * 3_600
        scalars = layout.scalar_block(vectors)
        scalars[0, layout.scalars.index("trips_all")] = 40.0
        categories = layout.category_block(vectors)
        trips, spend, last = (
            layout.category_features.index(name)
            for name in ("category_trips_all", "category_spend_all", "category_last_at")
        )
        categories[0, :, trips] = 0.0
        ages = [days for _, days in bought.values()]
        for category, (times, days) in bought.items():
            place = layout.category_position[category]
            categories[0, place, trips] = times
            categories[0, place, spend] = 4.0 * times
            categories[0, place, last] = NOW.timestamp() - days * 86_400 - 6.5 * 3_600
        scalars[0, 0] = profile_at
        scalars[0, 1] = NOW.timestamp() - min(ages, default=9) * 86_400 - 6.5 * 3_600
        return Profiles(layout, np.array(["007"], dtype=object), vectors)

    return make


@pytest.fixture
def profile(make_profile: Callable[..., Profiles]) -> Profiles:
    return make_profile({"PASTA SAUCE": (14, 69), "COFFEE": (3, 99), "EGGS": (20, 9)})
