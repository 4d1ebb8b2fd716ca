"""Random worlds ready for decisions, with a model whose propensities can be worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from random import Random
from typing import Any

import numpy as np
from generated_configuration import write_world
from generated_moments import Case
from generated_parts import CATEGORIES, Written

from decisioning.configuration import Configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import History
from decisioning.manifest import Priors
from decisioning.world import World, build_world
from features import declared
from features.calendar import Calendar
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block

LAYOUT = Layout.of(CATEGORIES, ())
POPULAR = declared.stored(Block.POPULARITY)


def propensity_of(trips: float | None, appeal: float) -> float:
    """Return what the model of every random world says."""
    return 1.0 / (1.0 + math.exp(2.5 - 0.25 * (trips or 0.0) - 2.0 * appeal))


@dataclass(frozen=True)
class Facts:
    """What the model says of itself."""

    evidence: Mapping[str, float]
    name: str = "fake"
    version: str = "1"
    label_model: str = "adoption"
    layout_hash: str = LAYOUT.hash
    priors: Priors | None = None

    @property
    def encodings(self) -> Mapping[str, Mapping[str, int]]:
        return {}


@dataclass(frozen=True)
class Said:
    """What the model says of rows."""

    raw: Any
    propensity: Any
    added: Any

    def path_contributions(self, rows: Any) -> Any:
        return self.added[rows]


@dataclass(frozen=True)
class FakeModel:
    """Log-odds that are 0.25 trips + 2 appeal - 2.5, row by row and in plain Python."""

    manifest: Facts
    features: tuple[str, ...] = ("trips_91d", "appeal")

    def score(self, matrix: Any) -> Said:
        rows = [(None if math.isnan(trips) else trips, appeal) for trips, appeal in matrix.tolist()]
        propensity = np.array([propensity_of(*row) for row in rows])
        added = self.exact_contributions(matrix)
        return Said(added.sum(axis=1), propensity, added)

    def exact_contributions(self, matrix: Any) -> Any:
        weighted = np.nan_to_num(matrix) * np.array([0.25, 2.0])
        return np.column_stack([weighted, np.full(len(matrix), -2.5)])


@dataclass(frozen=True)
class Generated:
    """A world, what was written for it, and the same world with its catalog in another order."""

    written: Written
    world: World

    @classmethod
    def of(cls, seed: int) -> Generated:
        written = write_world(seed)
        return cls(written, make_world(written, written.catalog))

    @cached_property
    def shuffled(self) -> World:
        other = dict(self.written.catalog)
        other["actions"] = list(self.written.actions)
        Random(f"order {self.written.seed}").shuffle(other["actions"])
        return make_world(self.written, other)

    def decide(self, case: Case, decision_id: str = "d", shuffled: bool = False) -> Decision:
        world = self.shuffled if shuffled else self.world
        return decide(
            case.request,
            profiles_of(case),
            popularity_of(case, world),
            world,
            case.now,
            as_the_ledger_reads_it(case, world),
            decision_id,
        )


def make_world(written: Written, catalog: dict[str, Any]) -> World:
    """Return the world of what was written, with a catalog."""
    parts = {
        "catalog": catalog,
        "policies": written.policies,
        "arbitration": written.arbitration,
    }
    configuration = Configuration.from_content(json.dumps(parts).encode())
    return build_world(configuration, model_of(written), LAYOUT, calendar_of(written.zone))


def model_of(written: Written) -> FakeModel | None:
    """Return the model of a world; its version is the number of the world."""
    facts = Facts(written.evidence, version=str(written.seed))
    return FakeModel(facts) if written.with_model else None


@cache
def calendar_of(zone: str) -> Calendar:
    """Return the calendar of a time zone, which takes long to make."""
    return Calendar(zone)


def profiles_of(case: Case) -> Profiles:
    """Return the profile of a case."""
    vectors = np.full((1, LAYOUT.size), np.nan)
    if case.profile:
        scalars, at = LAYOUT.scalar_block(vectors), case.now.timestamp() - 3600 * case.age_hours
        scalars[0, 0], scalars[0, 1] = at, at - 60
        for name, value in case.profile.items():
            scalars[0, LAYOUT.scalars.index(name)] = value
        categories = LAYOUT.category_block(vectors)
        for category, (trips, spend) in case.bought.items():
            mine = categories[0, LAYOUT.category_position[category]]
            mine[LAYOUT.category_features.index("category_trips_all")] = trips
            mine[LAYOUT.category_features.index("category_spend_all")] = spend
    return Profiles(LAYOUT, np.array([case.request.customer_id or ""], dtype=object), vectors)


def popularity_of(case: Case, world: World) -> Any:
    """Return the popularity of the actions by id."""
    values = np.full((1, len(world.catalog.action_ids), len(POPULAR)), np.nan)
    at = POPULAR.index("action_spend_per_trip_91d")
    for place, name in enumerate(world.catalog.action_ids):
        values[0, place, at] = case.popular.get(name, np.nan)
    return values


def as_the_ledger_reads_it(case: Case, world: World) -> History | None:
    """Return no more of a history than the world asks for."""
    history, needs = case.history, world.needs
    if history is None:
        return None
    since = case.now.timestamp() - needs.contact_seconds
    known = case.request.customer_id is not None
    return History(
        contacts=tuple(one for one in history.contacts if one.at >= since)
        if known and needs.contact_seconds
        else (),
        consents=history.consents if known and needs.consents else (),
        volumes=_asked_volumes(case, world),
        time_zone=history.time_zone,
    )


def _asked_volumes(case: Case, world: World) -> Any:
    assert case.history is not None
    needs = world.needs
    today = float(world.calendar.day(np.array([case.now.timestamp()]))[0])
    first = -math.inf if needs.volume_days is None else today - needs.volume_days + 1
    return tuple(
        one
        for one in case.history.volumes
        if one.action_id in needs.volume_action_ids and one.day >= first
    )
