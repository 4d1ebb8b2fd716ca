"""The model registry: which versions of a model there are, and which of them is the champion.

A registered model `nba.NAME` holds one version per training; `challenger` names the newest,
`champion` the one to serve. MLflow is imported when it is first needed, its telemetry switched off.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm as lgb

from features.errors import ModelError
from features.places import without_password
from training.training_set import TrainingSet

CHAMPION, CHALLENGER = "champion", "challenger"
BUNDLE = "bundle"
"""The folder of a run that holds the bundle."""

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_NEEDED_TO_LOAD = ("lightgbm", "numpy")


def register(
    name: str,
    booster: lgb.Booster,
    example: TrainingSet,
    bundle_version: str,
    tags: Mapping[str, str],
) -> str:
    """Register the booster from within the open run and return the number of its version.

    The version becomes `challenger`, and `champion` when there is none.
    """
    registered = registered_name(name)
    number = str(_log_booster(booster, example, registered).registered_model_version)
    client = mlflow_client()
    own = {"bundle_version": bundle_version, "validation_status": "pending"}
    for key, value in {**own, **tags}.items():
        client.set_model_version_tag(registered, number, key, value)
    client.set_registered_model_alias(registered, CHALLENGER, number)
    if CHAMPION not in _aliases(name):
        client.set_registered_model_alias(registered, CHAMPION, number)
    return number


def promote(name: str, version_or_alias: str, uri: str) -> str | None:
    """Make a version the champion and return the number of the champion before it.

    Raises
    ------
    ModelError : there is no such model or version at the tracking server.
    """
    number = _resolve(name, version_or_alias, uri)
    before = _aliases(name).get(CHAMPION)
    client = mlflow_client()
    client.set_model_version_tag(registered_name(name), number, "validation_status", "promoted")
    client.set_registered_model_alias(registered_name(name), CHAMPION, number)
    return before


def champion_version(name: str, uri: str) -> str | None:
    """Return the number of the champion; None when there is none."""
    load_mlflow().set_tracking_uri(uri)
    return _aliases(name).get(CHAMPION)


def download_bundle(name: str, version_or_alias: str, target: Path, uri: str) -> Path:
    """Write the bundle of a version to `target`, a folder that does not exist yet; return it.

    Parameters
    ----------
    version_or_alias : a registry number, an alias, or the bundle's own version.

    Raises
    ------
    ModelError : no such version, it has no bundle, or `target` exists.
    """
    if target.exists():
        raise ModelError(f"{target}: exists already, a bundle is never written over")
    number = _resolve(name, version_or_alias, uri)
    run_id = mlflow_client().get_model_version(registered_name(name), number).run_id
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        got = _download(run_id, folder)
        if not got.is_dir() or not any(got.iterdir()):
            raise ModelError(
                f"{registered_name(name)} version {number}: run {run_id} has no bundle"
            )
        shutil.move(got, target)
    return target


def registered_name(name: str) -> str:
    """Return what the model is called in the registry."""
    return f"nba.{name}"


def load_mlflow() -> Any:
    """Import MLflow without telemetry or chatter, its retries ending before patience does."""
    for setting, value in _ENVIRONMENT.items():
        os.environ.setdefault(setting, value)
    import mlflow

    # Otherwise creating the tables of a new tracking database fills the screen.
    for talkative in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"mlflow\.")

    return mlflow


def mlflow_client() -> Any:
    """Return a client of the tracking server that is set at the moment."""
    return load_mlflow().MlflowClient()


def _log_booster(booster: lgb.Booster, example: TrainingSet, registered: str) -> Any:
    with warnings.catch_warnings():
        # While it is loaded MLflow warns of type hints of its own.
        warnings.filterwarnings("ignore", message=".*inferred as AnyType", category=UserWarning)
        import mlflow.pyfunc
    import mlflow.lightgbm
    import pandas as pd
    from mlflow.models import infer_signature

    frame = pd.DataFrame(example.x[:5], columns=list(example.features))
    return mlflow.lightgbm.log_model(
        booster,
        name="model",
        signature=infer_signature(frame, booster.predict(example.x[:5])),
        input_example=frame,
        # Given, since finding them out would load the model in a process of its own.
        pip_requirements=[f"{name}=={version(name)}" for name in _NEEDED_TO_LOAD],
        registered_model_name=registered,
    )


def _aliases(name: str) -> dict[str, str]:
    """Return the registry number that each alias of the model names; empty without the model."""
    from mlflow.exceptions import MlflowException

    try:
        model = mlflow_client().get_registered_model(registered_name(name))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise ModelError(
            f"{registered_name(name)}: the registry does not answer ({error})"
        ) from error
    return {alias: str(number) for alias, number in model.aliases.items()}


def _resolve(name: str, version_or_alias: str, uri: str) -> str:
    """Return the registry number of an alias, of a bundle's version or of such a number."""
    load_mlflow().set_tracking_uri(uri)
    aliases = _aliases(name)
    if version_or_alias in aliases:
        return aliases[version_or_alias]
    versions = mlflow_client().search_model_versions(f"name='{registered_name(name)}'")
    for known in versions:
        if known.tags.get("bundle_version") == version_or_alias:
            return str(known.version)
    if version_or_alias in {str(known.version) for known in versions}:
        return version_or_alias
    raise ModelError(
        f"{registered_name(name)} at {without_password(uri)}: no version or alias "
        f"{version_or_alias!r}; it has {len(versions)} versions and the aliases {sorted(aliases)}"
    )


def _download(run_id: str, folder: str) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        return Path(download_artifacts(run_id=run_id, artifact_path=BUNDLE, dst_path=folder))
    except (MlflowException, OSError) as error:
        raise ModelError(f"run {run_id}: its bundle cannot be downloaded ({error})") from error
