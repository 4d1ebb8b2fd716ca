from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import pytest

from features.errors import ModelError
from training.registry import champion_version, download_bundle, mlflow_client, promote
from training.track import track_training
from training.training_set import TrainingSet


@pytest.fixture(scope="module")
def uri(train: TrainingSet, booster: lgb.Booster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a registry with two versions of `demo`; the second has no bundle."""
    folder = tmp_path_factory.mktemp("registry")
    store = f"sqlite:///{folder}/mlflow.db"
    bundle = folder / "bundle"
    (bundle / "more").mkdir(parents=True)
    (bundle / "model.txt").write_text(booster.model_to_string())
    (bundle / "more" / "manifest.json").write_text("{}")
    with track_training("demo", store) as run:
        run.log_bundle(bundle)
        run.register(booster, train, "v1.20180101", {"feast.project": "nba"})
    with track_training("demo", store) as run:
        run.register(booster, train, "v2.20180102")
    return store


def test_the_first_version_is_champion_and_the_newest_is_challenger(uri: str) -> None:
    promote("demo", "1", uri)
    aliases = mlflow_client().get_registered_model("nba.demo").aliases
    assert {alias: str(number) for alias, number in aliases.items()} == {
        "champion": "1",
        "challenger": "2",
    }
    tags = mlflow_client().get_model_version("nba.demo", "1").tags
    assert tags["bundle_version"] == "v1.20180101"
    assert tags["feast.project"] == "nba"


def test_a_promotion_moves_the_champion_and_returns_the_one_before(uri: str) -> None:
    promote("demo", "1", uri)
    assert promote("demo", "challenger", uri) == "1"
    assert champion_version("demo", uri) == "2"
    assert (
        mlflow_client().get_model_version("nba.demo", "2").tags["validation_status"] == "promoted"
    )
    assert promote("demo", "v1.20180101", uri) == "2"
    assert champion_version("demo", uri) == "1"


@pytest.mark.parametrize("asked", ["1", "champion", "v1.20180101"])
def test_a_bundle_comes_back_as_it_was_logged(uri: str, asked: str, tmp_path: Path) -> None:
    promote("demo", "1", uri)
    target = download_bundle("demo", asked, tmp_path / "models" / "demo" / "v1", uri)
    files = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert files == {"model.txt", "more/manifest.json"}
    assert lgb.Booster(model_file=str(target / "model.txt")).num_trees() == 40
    assert [path.name for path in target.parent.iterdir()] == ["v1"]


def test_a_bundle_is_never_written_over_another(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="exists already"):
        download_bundle("demo", "1", tmp_path, uri)


def test_a_version_without_a_bundle_is_refused_and_leaves_nothing(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="bundle"):
        download_bundle("demo", "2", tmp_path / "v2", uri)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_version_is_refused_with_what_there_is(uri: str) -> None:
    with pytest.raises(ModelError, match=r"nba\.demo.*'9'; it has 2 versions.*challenger"):
        promote("demo", "9", uri)


def test_a_model_that_is_not_registered_has_no_champion(uri: str) -> None:
    assert champion_version("unknown", uri) is None
