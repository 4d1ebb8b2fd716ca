"""A home with features of four customers and a model that was promoted, small enough to build."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
from small_world import AS_OF, LINES, TOUCHES, write_world

from decisioning.bundle import Golden, write_bundle
from decisioning.calibration import Calibration
from decisioning.champion import promote
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.clock import pin_clock
from features.errors import FeatureError
from features.known_actions import layout_of
from features.places import Places
from features.store import ProfileStore, open_store

REPO = Path(__file__).resolve().parents[2] / "feature_repo"
CUSTOMERS = np.array(["007", "b", "c", "d"], dtype=object)
NOW = datetime(2024, 3, 10, 13, tzinfo=UTC)

_SAID = "{en: {title: T, text: T.}, de: {title: T, text: T.}}"
CATALOG = f"""
value: {{kind: fixed, amount: 1.0}}
treatments: {{web: {_SAID}, advisor: {_SAID}}}
default_action:
  id: nothing
  name: {{en: Nothing, de: Nichts}}
  treatments: {{web: {_SAID}, bot: {_SAID}, advisor: {_SAID}, email: {_SAID}}}
actions:
  - {{id: tea, name: {{en: Tea, de: Tee}}, issue: sell, group: food, category: TEA}}
  - {{id: bread, name: {{en: Bread, de: Brot}}, issue: sell, group: food, category: BREAD}}
  - {{id: call, name: {{en: Call, de: Anruf}}, issue: help, group: help, propensity: 0.01}}
"""
POLICIES = "consent: {assumed: demo}\n"
FULL, BY_PRIORS = ["tea", "bread", "call"], ["bread", "tea", "call"]
"""The order for customer 007: the model likes what was bought often, the priors like bread."""


def build_features(folder: Path, home: Path, register: bool = True) -> None:
    """Build profiles and, if told so, register them in the home's own registry."""
    tables, now = write_world(folder, LINES, TOUCHES), Spine(CUSTOMERS, np.repeat(AS_OF, 4))
    backfill(build.prepare(tables), layout_of(tables), Calendar(), now, now, home / "features")
    if register:
        open_store(home, REPO).apply(define(home).everything())
    pin_clock(home / "clock.json", NOW)


def materialized(home: Path, places: Places | None = None) -> ProfileStore:
    """Open the store at its places, with the definitions and the profiles put there."""
    store = open_store(home, REPO, places)
    store.apply(define(home).everything())
    store.materialize(datetime(2024, 3, 11, tzinfo=UTC))
    return store


def promote_model(models: Path, version: str = "v1") -> Model:
    """Write a bundle of a model that likes what was bought often, and make it the champion."""
    trips = np.repeat(np.arange(6.0), 50)[:, None]
    data = lgb.Dataset(trips, (trips[:, 0] >= 3).astype(float), feature_name=["category_trips_all"])
    settings = {"objective": "binary", "num_threads": 1, "verbosity": -1, "seed": 7}
    text = lgb.train(settings, data, 5).model_to_string()
    manifest = Manifest(
        name="adoption",
        version=version,
        problem="adoption",
        label_model="adoption",
        window_days=28,
        created_at=NOW,
        features=(ModelFeature(name="category_trips_all", block="customer_category"),),
        encodings={},
        layout_hash="",
        calibration=Calibration(),
        actions=("bread", "tea"),
        priors=Priors(overall=0.1, per_action={"bread": 0.3, "tea": 0.2}, per_segment={}),
        evidence={"bread": 30.0, "tea": 20.0},
        metrics={},
        training={},
        versions={},
    )
    model = Model.from_text(manifest, text)
    scores = model.score(trips[::50])
    golden = Golden(trips[::50], scores.raw, scores.propensity)
    write_bundle(models / "adoption" / version, text, manifest, golden)
    promote(models, "adoption", version, NOW)
    return model


def warmed(store: ProfileStore) -> ProfileStore:
    """Warm up what the first read of a process needs, however slow the machine is just now."""
    for _ in range(20):
        try:
            store.online("007")
            return store
        except FeatureError:
            continue
    return store
