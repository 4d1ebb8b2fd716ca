import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from decisioning.bundle import Golden, load_bundle, write_bundle
from decisioning.calibration import Calibration
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from features.errors import ModelError

NAMES = ("price", "margin")


@pytest.fixture(scope="module")
def manifest():
    return Manifest(
        name="weekly",
        version="v1",
        problem="category_week",
        label_model="adoption",
        window_days=7,
        created_at=datetime(2018, 1, 1, tzinfo=UTC),
        features=tuple(ModelFeature(name=name, block="attribute") for name in NAMES),
        encodings={},
        layout_hash="",
        calibration=Calibration(kind="sigmoid", a=1.1, b=-0.3),
        actions=(),
        priors=Priors(overall=0.5, per_action={}, per_segment={}),
        evidence={},
        metrics={},
        training={},
        versions={},
    )


@pytest.fixture(scope="module")
def text():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, len(NAMES)))
    y = (x[:, 0] - x[:, 1] + rng.normal(size=400) > 0.0).astype(float)
    parameters = {"objective": "binary", "num_leaves": 7, "num_threads": 1, "verbosity": -1}
    data = lgb.Dataset(x, y, feature_name=list(NAMES))
    return lgb.train(parameters | {"seed": 7}, data, 30).model_to_string()


@pytest.fixture(scope="module")
def golden(text, manifest):
    rows = np.random.default_rng(5).normal(size=(40, len(NAMES)))
    rows[::5, 0] = np.nan
    scores = Model.from_text(manifest, text).score(rows)
    return Golden(rows, scores.raw, scores.propensity)


@pytest.fixture
def folder(tmp_path, text, manifest, golden):
    folder = tmp_path / "weekly" / "v1"
    write_bundle(folder, text, manifest, golden)
    return folder


def rehash(folder):
    """Make the manifest agree with whatever lies in the folder."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    for name in content["files"]:
        content["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(content))


def test_the_child_is_found_from_any_working_folder(folder, tmp_path):
    (tmp_path / "decisioning.py").write_text("raise SystemExit('the wrong package')")
    root = Path(__file__).parents[2]
    code = f"from pathlib import Path; from decisioning.bundle import load_bundle\n\
load_bundle(Path({str(folder.relative_to(tmp_path))!r})); print('loaded')"
    child = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert child.stdout == "loaded\n", child.stderr


def swap_leaf(content):
    return re.sub(rb"(?m)^leaf_value=(\S+) (\S+)", rb"leaf_value=\2 \1", content, count=1)


DAMAGES = {
    "a_cut_tree": lambda c: c[: c.index(b"\nTree=20")] + c[c.index(b"\nend of trees") :],
    "a_cut_array": lambda c: re.sub(rb"(?m)^threshold=\S+ ", b"threshold=", c, count=1),
    "a_child_out_of_range": lambda c: re.sub(
        rb"(?m)^left_child=\S+", b"left_child=999", c, count=1
    ),
    "a_loop": lambda c: re.sub(rb"(?m)^left_child=\S+", b"left_child=0", c, count=1),
    "a_feature_out_of_range": lambda c: re.sub(
        rb"(?m)^split_feature=\S+", b"split_feature=77", c, count=1
    ),
    "leaves_swapped": swap_leaf,
    "a_leaf_that_is_nan": lambda c: re.sub(rb"(?m)^leaf_value=\S+", b"leaf_value=nan", c),
    "a_word_for_a_number": lambda c: re.sub(rb"(?m)^num_leaves=\d+", b"num_leaves=many", c),
    "another_objective": lambda c: c.replace(b"objective=binary sigmoid:1", b"objective=poisson"),
    "two_classes": lambda c: c.replace(b"num_class=1", b"num_class=2"),
    "wrong_sizes": lambda c: re.sub(rb"(?m)^tree_sizes=\d+", b"tree_sizes=7", c),
    "many_leaves": lambda c: re.sub(rb"(?m)^num_leaves=\d+", b"num_leaves=2000000000", c),
}


def refusal(folder):
    try:
        load_bundle(folder, timeout_s=20.0)
    except ModelError as error:
        return str(error)
    return "loaded"


def test_a_text_damaged_before_it_was_hashed_is_refused_by_the_child(
    tmp_path, text, manifest, golden
):
    folders = {}
    for name, damage in DAMAGES.items():
        folders[name] = tmp_path / name
        write_bundle(folders[name], text, manifest, golden)
        damaged = damage(text.encode())
        assert damaged != text.encode(), name
        (folders[name] / "model.txt").write_bytes(damaged)
        rehash(folders[name])
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(folders, pool.map(refusal, folders.values()), strict=True))
    for name, answer in answers.items():
        assert answer.startswith(f"{folders[name]}: model.txt: refused in a child"), (name, answer)
    assert any("SIGABRT" in answer or "SIGSEGV" in answer for answer in answers.values())


def test_a_golden_answer_that_the_model_does_not_give_is_refused(folder):
    path = folder / "golden.json"
    content = json.loads(path.read_text())
    content["propensity"][3] += 2e-9
    path.write_text(json.dumps(content))
    rehash(folder)
    with pytest.raises(ModelError, match="row 3: propensity"):
        load_bundle(folder, check_in_child=False)


def test_a_child_that_does_not_answer_in_time_is_a_refusal(folder):
    with pytest.raises(ModelError, match=r"no answer within 0\.01 s"):
        load_bundle(folder, timeout_s=0.01)
