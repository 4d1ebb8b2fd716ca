"""From the registry to models/NAME: only a sound bundle becomes the champion."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from decisioning.bundle import Golden, write_bundle
from decisioning.calibration import Calibration
from decisioning.champion import load_champion, read_champion
from decisioning.manifest import Manifest, ModelFeature, Priors
from features.calendar import Calendar
from features.clock import FixedClock
from features.errors import ModelError
from training.fit import fit
from training.project import Project
from training.promote import promote_version, roll_back
from training.registry import champion_version
from training.track import track_training
from training.training_set import TrainingSet

NOW = datetime(2018, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(
        home=tmp_path / "home",
        feature_repo=tmp_path,
        models=tmp_path / "models",
        tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        calendar=Calendar(),
        clock=FixedClock(NOW),
    )


def trained(project: Project, rows: TrainingSet, version: str, broken: bool = False) -> str:
    """Register a version whose golden rows hold, or do not."""
    rows = rows.select(rows.features[:2])
    rows = replace(rows, features=("trips_28d", "spend_28d"))
    booster = fit(rows, {"num_leaves": 4}, 5, seed=len(version))
    x = np.ascontiguousarray(rows.x[:8])
    raw = np.asarray(booster.predict(x, raw_score=True, num_threads=1))
    golden = Golden(rows=x, raw=raw + broken, propensity=Calibration().apply(raw + broken))
    manifest = Manifest(
        name="tiny",
        version=version,
        problem="tiny",
        label_model="adoption",
        window_days=28,
        created_at=NOW,
        features=tuple(
            ModelFeature(name=name, block="customer", max_age_hours=48.0) for name in rows.features
        ),
        encodings={},
        layout_hash="0" * 16,
        calibration=Calibration(),
        actions=rows.actions,
        priors=Priors(overall=0.1, per_action={}, per_segment={}),
        evidence={},
        metrics={},
        training={},
        versions={},
    )
    folder = project.home / "bundles" / "tiny" / version
    write_bundle(folder, booster.model_to_string(), manifest, golden)
    with track_training("tiny", project.tracking_uri) as run:
        run.log_bundle(folder)
        return run.register(booster, rows, version)


def test_the_challenger_becomes_the_champion_and_can_be_loaded(
    project: Project, train: TrainingSet
) -> None:
    number = trained(project, train, "v1")
    champion = promote_version(project, "tiny", "challenger")
    assert (champion.version, champion.previous, champion.promoted_at) == ("v1", None, NOW)
    assert champion_version("tiny", project.tracking_uri) == number
    assert load_champion(project.models, "tiny")[1].manifest.version == "v1"


def test_promoting_again_changes_nothing(project: Project, train: TrainingSet) -> None:
    trained(project, train, "v1")
    first = promote_version(project, "tiny", "challenger")
    assert promote_version(project, "tiny", "v1") == first


def test_a_rollback_brings_the_former_champion_back_in_both_places(
    project: Project, train: TrainingSet
) -> None:
    first = trained(project, train, "v1")
    promote_version(project, "tiny", "challenger")
    trained(project, train, "v2-later")
    assert promote_version(project, "tiny", "challenger").previous == "v1"
    assert roll_back(project, "tiny").version == "v1"
    assert champion_version("tiny", project.tracking_uri) == first


def test_a_bundle_whose_golden_rows_do_not_hold_never_becomes_the_champion(
    project: Project, train: TrainingSet
) -> None:
    trained(project, train, "v1")
    promote_version(project, "tiny", "challenger")
    trained(project, train, "v2", broken=True)
    with pytest.raises(ModelError, match="golden"):
        promote_version(project, "tiny", "challenger")
    live = read_champion(project.models, "tiny")
    assert live is not None
    assert live.version == "v1"
    assert not (project.models / "tiny" / "v2").exists()


def test_an_unknown_version_is_named(project: Project, train: TrainingSet) -> None:
    trained(project, train, "v1")
    with pytest.raises(ModelError, match="'v9'"):
        promote_version(project, "tiny", "v9")


def test_promoting_again_repairs_a_bundle_that_was_damaged_where_it_lies(
    project: Project, train: TrainingSet
) -> None:
    trained(project, train, "v1")
    promote_version(project, "tiny", "challenger")
    model = project.models / "tiny" / "v1" / "model.txt"
    model.write_text(model.read_text()[:300])
    assert promote_version(project, "tiny", "challenger").version == "v1"
    assert load_champion(project.models, "tiny")[1].manifest.version == "v1"
