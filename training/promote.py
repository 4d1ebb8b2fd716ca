"""Making a registered version the champion: fetched, checked whole, then one atomic replacement."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from decisioning import champion
from decisioning.bundle import load_bundle, read_bundle
from decisioning.champion import Champion, read_champion
from features.errors import ModelError
from training import registry
from training.project import Project


def promote_version(project: Project, name: str, version: str) -> Champion:
    """Bring a version's bundle to models/NAME/VERSION, check it, and make it the champion.

    Parameters
    ----------
    version : a registry number, an alias such as `challenger`, or the bundle's own version.

    Raises
    ------
    ModelError : there is no such version, its bundle is not sound, or another promotion was first.
    """
    models, uri, now = project.models, project.tracking_uri, project.clock.now()
    live = read_champion(models, name)
    (models / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetched-", dir=models / name) as folder:
        fetched = registry.download_bundle(name, version, Path(folder) / "bundle", uri)
        found = load_bundle(fetched).manifest.version
        _put(fetched, models / name / found)
    before = live.version if live else None
    if live is None or live.version != found:
        live = champion.promote(models, name, found, now, expected=before)
    registry.promote(name, found, uri)
    return live


def roll_back(project: Project, name: str) -> Champion:
    """Make the former champion the champion again, in models/ first and then in the registry."""
    restored = champion.rollback(project.models, name, project.clock.now())
    registry.promote(name, restored.version, project.tracking_uri)
    return restored


def _put(fetched: Path, target: Path) -> None:
    """Put a sound bundle where serving looks for it; one that is there already must be the same."""
    if target.exists():
        try:
            if read_bundle(target).manifest_sha256 == read_bundle(fetched).manifest_sha256:
                return
        except ModelError:
            # What lies there is damaged, so nothing is lost by replacing it.
            pass
        shutil.rmtree(target)
    fetched.rename(target)
