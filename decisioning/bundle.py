"""A model bundle: a folder with LightGBM text and JSON, and the checks between it and a decision.

A damaged LightGBM text does not raise, it ends the process, loops, or scores differently. So
everything that can be told without LightGBM is told first, and then a child process loads the text
and answers the golden rows, before this process touches it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from decisioning.manifest import NAME_PATTERN, Manifest
from features.errors import ModelError
from features.spec import Array

if TYPE_CHECKING:
    from decisioning.propensity import Model

MODEL, GOLDEN, MANIFEST = "model.txt", "golden.json", "manifest.json"
LARGEST_FILE = 64 * 1024 * 1024
CHECK_SECONDS = 60.0

_CODE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".skops", ".dill", ".npy", ".npz", ".pt"})


@dataclass(frozen=True)
class Golden:
    """Rows with the answers the model gave when it was written.

    Attributes
    ----------
    rows : shape (rows, features), NaN for missing.
    raw, propensity : shape (rows,), log-odds and calibrated probability.
    """

    rows: Array
    raw: Array
    propensity: Array


@dataclass(frozen=True)
class Bundle:
    """The content of a bundle folder, read once, all of it as the manifest says."""

    folder: Path
    manifest: Manifest
    model_text: str
    golden: Golden
    manifest_sha256: str


class _GoldenFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: tuple[tuple[float | None, ...], ...]
    raw: tuple[float, ...]
    propensity: tuple[float, ...]


def write_bundle(folder: Path, model_text: str, manifest: Manifest, golden: Golden) -> Manifest:
    """Write a bundle as a new folder, whole or not at all; return the manifest with its hashes.

    Raises
    ------
    ModelError : the folder exists, its name is not allowed, or the parts do not fit each other.
    """
    _check_name(folder)
    if folder.exists():
        raise ModelError(f"{folder}: exists already; a version is never written twice")
    contents = {MODEL: model_text.encode(), GOLDEN: _golden_json(golden)}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    signed = manifest.model_copy(update={"files": hashes})
    contents[MANIFEST] = (signed.model_dump_json(indent=1) + "\n").encode()
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, content in contents.items():
            _write_durably(draft / name, content)
        _parse(folder, contents)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_folder(folder.parent)
    return signed


def load_bundle(
    folder: Path, check_in_child: bool = True, timeout_s: float = CHECK_SECONDS
) -> Model:
    """Return the model of a bundle after all checks.

    Parameters
    ----------
    check_in_child : load the text in a child process first; without it a damaged text ends this
        process. Only for a text that this process has just written itself.

    Raises
    ------
    ModelError : anything about the bundle is not as it should be; names folder, file and fault.
    """
    # LightGBM takes seconds to import, and a damaged bundle does not need it.
    from decisioning.bundle_check import answer_in_child, check_golden
    from decisioning.propensity import Model

    bundle = read_bundle(folder)
    check_declared(bundle)
    if check_in_child:
        answer_in_child(bundle, timeout_s)
    try:
        model = Model.from_text(bundle.manifest, bundle.model_text)
    except ModelError as error:
        raise ModelError(f"{folder}: {MODEL}: {error}") from error
    check_golden(model, bundle)
    return model


def read_bundle(folder: Path) -> Bundle:
    """Return the content of a bundle; every check that needs neither LightGBM nor features.

    Raises
    ------
    ModelError : name, files, sizes, hashes, schema or columns are not as they should be.
    """
    _check_name(folder)
    return _parse(folder, {name: _read(folder / name) for name in _list_files(folder)})


def check_declared(bundle: Bundle) -> None:
    """Refuse a model with inputs that nobody can compute, or that now mean something else.

    Raises
    ------
    ModelError : names the feature.
    """
    # Feature families import Ibis, which the child that answers the golden rows does not need.
    from features.declared import BY_NAME, is_moment

    for column in bundle.manifest.features:
        where = f"{bundle.folder}: {MANIFEST}: feature {column.name!r}"
        known = BY_NAME.get(column.name)
        block = "attribute" if known is None else known.block.value
        if column.block != block:
            raise ModelError(f"{where} is of block {column.block!r}, but declared as {block!r}")
        if is_moment(column.name):
            raise ModelError(f"{where} is a moment; models take its age")


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_name(folder: Path) -> None:
    if not re.fullmatch(NAME_PATTERN, folder.name):
        raise ModelError(f"{folder}: {folder.name!r} is not a name of the form {NAME_PATTERN}")


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _list_files(folder: Path) -> list[str]:
    """Return the names in the folder, plain files only and none that can carry code."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such bundle")
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if Path(entry.name).suffix.lower() in _CODE_SUFFIXES:
            raise ModelError(f"{folder}: {entry.name}: files that can carry code are refused")
        if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
            raise ModelError(f"{folder}: {entry.name}: only plain files are allowed, no links")
        if entry.name not in (MODEL, GOLDEN, MANIFEST):
            raise ModelError(f"{folder}: {entry.name}: does not belong into a bundle")
    return [MODEL, GOLDEN, MANIFEST]


def _read(path: Path) -> bytes:
    try:
        # Not through a link that was put there since the listing.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as f:
            size = os.fstat(f.fileno())
            if not stat.S_ISREG(size.st_mode) or size.st_size > LARGEST_FILE:
                raise ModelError(
                    f"{path.parent}: {path.name}: {size.st_size} bytes, at most {LARGEST_FILE}"
                )
            return f.read(LARGEST_FILE)
    except OSError as error:
        raise ModelError(f"{path.parent}: {path.name}: cannot be read ({error})") from error


def _parse(folder: Path, contents: dict[str, bytes]) -> Bundle:
    try:
        manifest = Manifest.model_validate_json(contents[MANIFEST], strict=True)
    except ValidationError as error:
        raise ModelError(f"{folder}: {MANIFEST}: {_first(error)}") from error
    _check_hashes(folder, manifest, contents)
    try:
        golden = _golden_of(_GoldenFile.model_validate_json(contents[GOLDEN], strict=True))
    except ValidationError as error:
        raise ModelError(f"{folder}: {GOLDEN}: {_first(error)}") from error
    except ValueError as error:
        raise ModelError(f"{folder}: {GOLDEN}: {error}") from error
    text = _model_text(folder, contents[MODEL], manifest)
    if not len(golden.rows) or golden.rows.shape[1] != len(manifest.features):
        raise ModelError(
            f"{folder}: {GOLDEN}: rows of shape {golden.rows.shape}, the model takes "
            f"{len(manifest.features)} features and at least one row is needed"
        )
    digest = hashlib.sha256(contents[MANIFEST]).hexdigest()
    return Bundle(folder, manifest, text, golden, digest)


def _check_hashes(folder: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    if set(manifest.files) != {MODEL, GOLDEN}:
        listed = ", ".join(sorted(manifest.files)) or "nothing"
        raise ModelError(f"{folder}: {MANIFEST}: files: lists {listed}, not {GOLDEN} and {MODEL}")
    for name, expected in manifest.files.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != expected:
            raise ModelError(f"{folder}: {name}: SHA-256 is {found}, the manifest says {expected}")


def _model_text(folder: Path, content: bytes, manifest: Manifest) -> str:
    """Return the text if its head names the manifest's features in the manifest's order."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{folder}: {MODEL}: not UTF-8 text ({error})") from error
    columns = re.search(r"^feature_names=(.*)$", text.partition("\nTree=")[0], re.MULTILINE)
    if not text.startswith("tree\n") or columns is None or "\nend of trees\n" not in text:
        raise ModelError(f"{folder}: {MODEL}: not a whole LightGBM model text")
    names = tuple(columns[1].split(" "))
    if len(names) != len(manifest.features):
        raise ModelError(
            f"{folder}: {MODEL}: {len(names)} features, the manifest has {len(manifest.features)}"
        )
    for place, (found, expected) in enumerate(zip(names, manifest.feature_names, strict=True)):
        if found != expected:
            raise ModelError(
                f"{folder}: {MODEL}: feature {place} is {found!r}, the manifest says {expected!r}"
            )
    return text


def _golden_json(golden: Golden) -> bytes:
    if np.isinf(golden.rows).any() or not np.isfinite([golden.raw, golden.propensity]).all():
        raise ModelError(f"{GOLDEN}: an answer is not a finite number, or a row holds infinity")
    rows = [[None if np.isnan(v) else v for v in row] for row in golden.rows.tolist()]
    answers = {"raw": golden.raw.tolist(), "propensity": golden.propensity.tolist()}
    return (json.dumps({"rows": rows} | answers, allow_nan=False) + "\n").encode()


def _golden_of(file: _GoldenFile) -> Golden:
    rows = np.array([[np.nan if v is None else v for v in row] for row in file.rows], ndmin=2)
    if not len(file.rows) == len(file.raw) == len(file.propensity):
        raise ValueError(
            f"{len(file.rows)} rows, but {len(file.raw)} raw scores and "
            f"{len(file.propensity)} propensities"
        )
    return Golden(rows, np.array(file.raw), np.array(file.propensity))


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the file"
    return f"{where}: {fault['msg']} (got {str(fault['input'])[:80]!r})"
