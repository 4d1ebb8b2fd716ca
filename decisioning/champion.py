"""Which version of a model is live: `models/NAME/champion.json`, replaced in one step."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from decisioning.bundle import Bundle, check_declared, load_bundle, read_bundle, sync_folder
from decisioning.manifest import NAME_PATTERN, Digest, Name
from features.errors import ModelError

if TYPE_CHECKING:
    from decisioning.propensity import Model

FILE: Final = "champion.json"
WHOEVER: Final = "*"
"""As `expected`: whichever version is champion when the promotion begins."""

Stamp = tuple[int, int, int]


class Champion(BaseModel):
    """The live version of a model.

    Attributes
    ----------
    previous : the version that was live before; None for the first.
    manifest_sha256 : of the version's manifest.json, which holds the hashes of all other files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Name
    previous: Name | None
    promoted_at: AwareDatetime
    manifest_sha256: Digest


def read_champion(models: Path, name: str) -> Champion | None:
    """Return the champion of a model, None if none was promoted yet.

    Raises
    ------
    ModelError : the name is not allowed, or the file is not what a promotion writes.
    """
    path = _home(models, name) / FILE
    try:
        return Champion.model_validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path}: not a champion ({error})") from error


def champion_stamp(models: Path, name: str) -> Stamp | None:
    """Return what changes with every promotion, at the price of one stat; None without one."""
    try:
        found = (_home(models, name) / FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load_champion(models: Path, name: str) -> tuple[Champion, Model]:
    """Return the champion and its model, checked in a child process.

    Raises
    ------
    ModelError : there is no champion, its bundle is not as it should be, or not what was promoted.
    """
    champion = read_champion(models, name)
    if champion is None:
        raise ModelError(f"{models / name / FILE}: {name!r} has no champion yet")
    _check_is_promoted(_bundle(models, name, champion.version), champion)
    model = load_bundle(models / name / champion.version)
    return champion, model


def load_former(models: Path, name: str) -> Model:
    """Return the model that was champion before this one, checked in a child process.

    Raises
    ------
    ModelError : there was none before, or its bundle is not as it should be.
    """
    champion = read_champion(models, name)
    if champion is None or champion.previous is None:
        raise ModelError(f"{models / name / FILE}: there is no previous version")
    return load_bundle(_bundle(models, name, champion.previous).folder)


def promote(
    models: Path, name: str, version: str, at: datetime, *, expected: str | None = WHOEVER
) -> Champion:
    """Make a version the champion, whole or not at all; the one before stays as `previous`.

    The bundle's files, hashes and features are checked; its model is not loaded.

    Parameters
    ----------
    at : the injected clock's time, aware.
    expected : the version that has to be champion now, None for no champion; else it is refused.

    Raises
    ------
    ModelError : the bundle is not as it should be, another promotion is under way or came first,
        or the version is champion already.
    """
    path = _home(models, name) / FILE
    wanted = _live_version(models, name) if expected == WHOEVER else expected
    bundle = _bundle(models, name, version)
    check_declared(bundle)
    with _lock(models, name):
        live = _live_version(models, name)
        if live != wanted:
            raise ModelError(
                f"{path}: version is {live!r}, no longer {wanted!r}: another was first"
            )
        if live == version:
            raise ModelError(f"{path}: version is {version!r} already")
        champion = Champion(
            version=version,
            previous=live,
            promoted_at=at,
            manifest_sha256=bundle.manifest_sha256,
        )
        _replace(path, champion)
    return champion


def rollback(models: Path, name: str, at: datetime, *, expected: str | None = WHOEVER) -> Champion:
    """Make the previous version the champion again; a second rollback goes forth again.

    Raises
    ------
    ModelError : there is no previous version, or as `promote`.
    """
    live = read_champion(models, name)
    if live is None or live.previous is None:
        raise ModelError(f"{models / name / FILE}: there is no previous version to go back to")
    return promote(
        models, name, live.previous, at, expected=live.version if expected == WHOEVER else expected
    )


def _home(models: Path, name: str) -> Path:
    if not re.fullmatch(NAME_PATTERN, name):
        raise ModelError(f"{models}: {name!r} is not a name of the form {NAME_PATTERN}")
    return models / name


def _bundle(models: Path, name: str, version: str) -> Bundle:
    """Return the bundle of a version; it lies under `models` and says so itself."""
    folder = _home(models, name) / version
    if not re.fullmatch(NAME_PATTERN, version):
        raise ModelError(f"{models / name}: {version!r} is not a name of the form {NAME_PATTERN}")
    if folder.resolve() != models.resolve() / name / version:
        raise ModelError(f"{folder}: a link that leads to {folder.resolve()}")
    bundle = read_bundle(folder)
    own = (bundle.manifest.name, bundle.manifest.version)
    if own != (name, version):
        raise ModelError(f"{folder}: manifest.json: says it is {own[0]!r} version {own[1]!r}")
    return bundle


def _check_is_promoted(bundle: Bundle, champion: Champion) -> None:
    if bundle.manifest_sha256 != champion.manifest_sha256:
        raise ModelError(
            f"{bundle.folder}: manifest.json: SHA-256 is {bundle.manifest_sha256}, "
            f"{champion.manifest_sha256} was promoted"
        )


def _live_version(models: Path, name: str) -> str | None:
    champion = read_champion(models, name)
    return None if champion is None else champion.version


@contextmanager
def _lock(models: Path, name: str) -> Iterator[None]:
    """Hold the right to promote; the system gives it back even if this process dies."""
    path = models / name / ".champion.lock"
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError(f"{path}: another promotion of {name!r} is under way") from error
        yield


def _replace(path: Path, champion: Champion) -> None:
    handle, draft = tempfile.mkstemp(prefix=".champion-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write((champion.model_dump_json(indent=1) + "\n").encode())
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    sync_folder(path.parent)
