import hashlib
import json
import os
import pickle
import random
import re
from dataclasses import replace
from datetime import UTC, datetime

import lightgbm as lgb
import numpy as np
import pytest

from decisioning.bundle import Golden, load_bundle, read_bundle, write_bundle
from decisioning.calibration import Calibration
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from features import declared
from features.errors import ModelError

DECLARED = ("trips_7d", "spend_7d", "trips_28d", "spend_28d")
NAMES = (*DECLARED, "action_code")
FILES = ("golden.json", "manifest.json", "model.txt")


def column(name):
    if name not in declared.BY_NAME:
        return ModelFeature(name=name, block="attribute")
    feature = declared.feature(name)
    return ModelFeature(name=name, block=feature.block, max_age_hours=feature.max_age_hours)


def manifest(**changes):
    fields = {
        "name": "weekly",
        "version": "v1",
        "problem": "category_week",
        "label_model": "adoption",
        "window_days": 7,
        "created_at": datetime(2018, 1, 1, tzinfo=UTC),
        "features": tuple(column(name) for name in NAMES),
        "encodings": {"action_code": {"tea": 0, "coffee": 1}},
        "layout_hash": "0123456789abcdef",
        "calibration": Calibration(kind="sigmoid", a=1.1, b=-0.3),
        "actions": ("tea", "coffee"),
        "priors": Priors(overall=0.1, per_action={"tea": 0.2}, per_segment={}),
        "evidence": {"tea": 31.0},
        "metrics": {"test": {"log_loss": 0.25}},
        "training": {"rows": 400},
        "versions": {"lightgbm": lgb.__version__},
    }
    return Manifest(**fields | changes)


def inputs(rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(NAMES)))
    x[rng.random(x.shape) < 0.2] = np.nan
    return x, rng


@pytest.fixture(scope="module")
def text():
    x, rng = inputs(400, 3)
    y = (np.nan_to_num(x[:, 0] - x[:, 2]) + rng.normal(size=400) > 0.0).astype(float)
    parameters = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "verbosity": -1}
    data = lgb.Dataset(x, y, feature_name=list(NAMES))
    return lgb.train(parameters | {"seed": 7}, data, 30).model_to_string()


@pytest.fixture(scope="module")
def golden(text):
    rows, _ = inputs(40, 5)
    scores = Model.from_text(manifest(), text).score(rows)
    return Golden(rows, scores.raw, scores.propensity)


@pytest.fixture
def folder(tmp_path, text, golden):
    folder = tmp_path / "weekly" / "v1"
    write_bundle(folder, text, manifest(), golden)
    return folder


def rehash(folder):
    """Make the manifest agree with whatever lies in the folder."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    for name in content["files"]:
        content["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(content))


def edit_manifest(folder, change):
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_written_bundle_loads_after_a_check_in_a_child_and_scores_alike(folder, golden):
    model = load_bundle(folder)
    scores = model.score(golden.rows)
    np.testing.assert_array_equal(scores.raw, golden.raw)
    np.testing.assert_array_equal(scores.propensity, golden.propensity)
    assert model.features == NAMES


def test_the_folder_holds_three_files_and_their_hashes(folder, text):
    assert tuple(sorted(path.name for path in folder.iterdir())) == FILES
    content = json.loads((folder / "manifest.json").read_text())
    assert content["files"]["model.txt"] == hashlib.sha256(text.encode()).hexdigest()
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


def test_golden_rows_survive_bit_for_bit(folder, golden):
    again = read_bundle(folder).golden
    for name in ("rows", "raw", "propensity"):
        np.testing.assert_array_equal(getattr(again, name), getattr(golden, name))
    assert "NaN" not in (folder / "golden.json").read_text()


def test_a_version_is_never_written_twice(folder, text, golden):
    before = {name: (folder / name).read_bytes() for name in FILES}
    with pytest.raises(ModelError, match="exists already"):
        write_bundle(folder, text, manifest(problem="other"), golden)
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_parts_that_do_not_fit_leave_nothing_behind(tmp_path, text, golden):
    for parts in (
        (text, manifest(features=manifest().features[::-1]), golden),
        (text, manifest(), replace(golden, rows=golden.rows[:, 1:])),
        (text, manifest(), replace(golden, raw=golden.raw[1:], propensity=golden.propensity[1:])),
        (text[: len(text) // 2], manifest(), golden),
    ):
        with pytest.raises(ModelError, match="v1"):
            write_bundle(tmp_path / "weekly" / "v1", *parts)
        assert list((tmp_path / "weekly").iterdir()) == []


def test_an_answer_that_is_not_finite_is_not_written(tmp_path, text, golden):
    for wrong in (np.nan, np.inf):
        with pytest.raises(ModelError, match="finite"):
            write_bundle(tmp_path / "v1", text, manifest(), replace(golden, raw=np.full(40, wrong)))


@pytest.mark.parametrize("name", ["..", "V1", ".v1", "-v1", "v 1", "v1\n", "a" * 65, "ä", "a\\b"])
def test_a_folder_name_of_another_form_is_refused(tmp_path, text, golden, name):
    with pytest.raises(ModelError, match="not a name of the form"):
        write_bundle(tmp_path / name, text, manifest(), golden)
    with pytest.raises(ModelError, match="not a name of the form"):
        load_bundle(tmp_path / name)


def mutations(content, count, seed):
    """Damage a file: cut it, flip a bit, exchange two numbers, or lose a piece."""
    rng = random.Random(seed)
    numbers = [match.span() for match in re.finditer(rb"-?\d+\.?\d*(e-?\d+)?", content)]
    for turn in range(count):
        (a, b), (c, d) = sorted(rng.sample(numbers, 2))
        flipped = bytes([content[a] ^ 1 << rng.randrange(8)])
        yield (
            content[:a],
            content[:a] + flipped + content[a + 1 :],
            content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:],
            content[:a] + content[c:],
        )[turn % 4]


@pytest.mark.parametrize("name", FILES[::2])
def test_every_damage_is_told_by_the_hash_before_anything_is_loaded(folder, name):
    content = (folder / name).read_bytes()
    for damaged in mutations(content, 200, seed=1):
        assert damaged != content
        (folder / name).write_bytes(damaged)
        with pytest.raises(ModelError, match=f"{re.escape(name)}: SHA-256 is"):
            load_bundle(folder, check_in_child=False)


def test_a_damaged_manifest_is_a_refusal_or_at_least_another_hash(folder):
    content = (folder / "manifest.json").read_bytes()
    whole = read_bundle(folder).manifest_sha256
    refused = 0
    for damaged in mutations(content, 200, seed=2):
        (folder / "manifest.json").write_bytes(damaged)
        try:
            assert read_bundle(folder).manifest_sha256 != whole or damaged == content
        except ModelError as error:
            assert f"{folder}: " in str(error)
            refused += 1
    assert refused > 100


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["model.pkl", "x.PICKLE", "x.joblib", "x.skops", "x.npy"])
def test_a_pickle_beside_the_model_is_refused_and_never_run(folder, tmp_path, name):
    (folder / name).write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(ModelError, match=f"{name}: files that can carry code"):
        load_bundle(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_in_the_place_of_a_file_is_refused_and_never_run(folder, tmp_path, name):
    (folder / name).write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    if name != "manifest.json":
        rehash(folder)
    with pytest.raises(ModelError, match=f"{name}: "):
        load_bundle(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["MLmodel", "notes.md", ".hidden", "model2.txt"])
def test_a_file_that_is_not_on_the_list_is_refused(folder, name):
    (folder / name).write_text("x")
    with pytest.raises(ModelError, match=f"{name}: does not belong"):
        load_bundle(folder)


def test_a_folder_or_a_pipe_inside_is_refused(folder):
    (folder / "golden.json").unlink()
    (folder / "golden.json").mkdir()
    with pytest.raises(ModelError, match=r"golden\.json: only plain files"):
        load_bundle(folder)
    (folder / "golden.json").rmdir()
    os.mkfifo(folder / "golden.json")
    with pytest.raises(ModelError, match=r"golden\.json: only plain files"):
        load_bundle(folder)


def test_a_link_that_leads_elsewhere_is_refused_even_with_the_right_content(folder, tmp_path):
    (folder / "model.txt").rename(tmp_path / "model.txt")
    (folder / "model.txt").symlink_to(tmp_path / "model.txt")
    with pytest.raises(ModelError, match=r"model\.txt: only plain files"):
        load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: cannot be read"):
        load_bundle(folder)


def test_a_missing_bundle_is_named(tmp_path):
    with pytest.raises(ModelError, match="v9: there is no such bundle"):
        load_bundle(tmp_path / "v9")


def test_a_file_beyond_the_largest_size_is_refused_unread(folder):
    with (folder / "model.txt").open("ab") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(ModelError, match="67108865 bytes, at most 67108864"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda m: m.update(format=2), "format"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m.pop("priors"), "priors: Field required"),
        (lambda m: m.update(window_days="7"), "window_days"),
        (lambda m: m.update(version="../v1"), "version"),
        (lambda m: m["files"].pop("golden.json"), "files: lists model.txt"),
        (lambda m: m["files"].update({"../x": "0" * 64}), "files: lists ../x"),
        (lambda m: m["features"].reverse(), "model.txt: feature 0 is 'trips_7d'"),
        (lambda m: m["features"].pop(), "model.txt: 5 features, the manifest has 4"),
        (lambda m: m["features"][0].update(dtype="float32"), "dtype"),
        (lambda m: m["features"][0].update(block="action"), "'trips_7d' is of block 'action'"),
        (lambda m: m["features"][0].update(block="attribute"), "declared as 'customer'"),
        (lambda m: m["features"][4].update(block="customer"), "'action_code' is of block"),
        (lambda m: m["calibration"].update(kind="sigmoid", a=-1), "calibration"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_with_its_reason(folder, change, fault):
    edit_manifest(folder, change)
    with pytest.raises(ModelError, match=re.escape(fault)) as refused:
        load_bundle(folder)
    assert str(folder) in str(refused.value)


def test_a_model_that_takes_a_moment_for_a_number_is_refused(tmp_path, text, golden):
    names = ("last_purchase_at", *NAMES[1:])
    write_bundle(
        tmp_path / "v1",
        text.replace("trips_7d", "last_purchase_at"),
        manifest(features=tuple(column(name) for name in names)),
        golden,
    )
    with pytest.raises(ModelError, match="'last_purchase_at' is a moment"):
        load_bundle(tmp_path / "v1")
