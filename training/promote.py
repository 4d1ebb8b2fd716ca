"""Making a registered version the champion: fetched, checked whole, then one atomic replacement."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from decisioning import champion
from decisioning.bundle import load_bundle, read_bundle
from decisioning.champion import Champion, read_champion
from training import registry


def promote_version(name: str, version: str, models: Path, uri: str, now: datetime) -> Champion:
    """Bring a version's bundle to models/NAME/VERSION, check it, and make it the champion.

    Parameters
    ----------
    version : a registry number, an alias such as `challenger`, or the bundle's own version.

    Raises
    ------
    ModelError : there is no such version, its bundle is not sound, or another promotion was first.
    """
    live = read_champion(models, name)
    fetched = models / name / ".fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    registry.download_bundle(name, version, fetched, uri)
    try:
        bundle = read_bundle(fetched)
        target = models / name / bundle.manifest.version
        if not target.exists():
            fetched.rename(target)
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    load_bundle(target)
    if live is not None and live.version == bundle.manifest.version:
        promoted = live
    else:
        before = live.version if live else None
        promoted = champion.promote(models, name, bundle.manifest.version, now, expected=before)
    registry.promote(name, bundle.manifest.version, uri)
    return promoted


def roll_back(name: str, models: Path, uri: str, now: datetime) -> Champion:
    """Make the former champion the champion again, in models/ first and then in the registry."""
    restored = champion.rollback(models, name, now)
    registry.promote(name, restored.version, uri)
    return restored
