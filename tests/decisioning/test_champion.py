import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from decisioning.bundle import Golden, write_bundle
from decisioning.calibration import Calibration
from decisioning.champion import (
    Champion,
    champion_stamp,
    load_champion,
    promote,
    read_champion,
    rollback,
)
from decisioning.manifest import Manifest, ModelFeature, Priors
from decisioning.propensity import Model
from features.errors import ModelError

AT = datetime(2018, 1, 1, tzinfo=UTC)
VERSIONS = ("v1", "v2", "v3")


def manifest(name, version):
    return Manifest(
        name=name,
        version=version,
        problem="category_week",
        label_model="adoption",
        window_days=7,
        created_at=AT,
        features=(ModelFeature(name="price", block="attribute"),),
        encodings={},
        layout_hash="",
        calibration=Calibration(),
        actions=(),
        priors=Priors(overall=0.5, per_action={}, per_segment={}),
        evidence={},
        metrics={},
        training={},
        versions={},
    )


def write_model(models, name, version, folder=None):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 1))
    y = (x[:, 0] + rng.normal(size=200) > 0.0).astype(float)
    data = lgb.Dataset(x, y, feature_name=["price"])
    parameters = {"objective": "binary", "num_threads": 1, "verbosity": -1, "seed": 7}
    text = lgb.train(parameters, data, 2).model_to_string()
    scores = Model.from_text(manifest(name, version), text).score(x[:5])
    golden = Golden(x[:5], scores.raw, scores.propensity)
    write_bundle(folder or models / name / version, text, manifest(name, version), golden)


@pytest.fixture
def models(tmp_path):
    for version in VERSIONS:
        write_model(tmp_path / "models", "weekly", version)
    return tmp_path / "models"


def test_before_the_first_promotion_there_is_no_champion(models):
    assert read_champion(models, "weekly") is None
    assert read_champion(models, "unheard-of") is None
    assert champion_stamp(models, "weekly") is None
    with pytest.raises(ModelError, match="no champion yet"):
        load_champion(models, "weekly")


def test_a_promotion_is_read_back_and_remembers_the_version_before(models):
    first = promote(models, "weekly", "v1", AT)
    assert (first.version, first.previous) == ("v1", None)
    second = promote(models, "weekly", "v2", AT + timedelta(days=1))
    assert (second.version, second.previous) == ("v2", "v1")
    assert read_champion(models, "weekly") == second


def test_the_champion_loads_with_its_model(models):
    promote(models, "weekly", "v2", AT)
    champion, model = load_champion(models, "weekly")
    assert champion.version == model.manifest.version == "v2"


def test_rollback_goes_back_and_a_second_one_forth_again(models):
    promote(models, "weekly", "v1", AT)
    promote(models, "weekly", "v2", AT)
    assert rollback(models, "weekly", AT).version == "v1"
    assert rollback(models, "weekly", AT).version == "v2"


def test_there_is_nothing_to_go_back_to_from_the_first(models):
    promote(models, "weekly", "v1", AT)
    with pytest.raises(ModelError, match="no previous version"):
        rollback(models, "weekly", AT)


def test_the_stamp_changes_with_every_promotion_and_only_then(models):
    promote(models, "weekly", "v1", AT)
    stamps = [champion_stamp(models, "weekly")]
    assert champion_stamp(models, "weekly") == stamps[0]
    for version in ("v2", "v1", "v3"):
        promote(models, "weekly", version, AT)
        stamps.append(champion_stamp(models, "weekly"))
    assert all(earlier != later for earlier, later in zip(stamps, stamps[1:], strict=False))


def test_a_promotion_that_expects_another_champion_is_refused(models):
    promote(models, "weekly", "v1", AT)
    promote(models, "weekly", "v2", AT)
    for expected, told in (("v1", "'v2', no longer 'v1'"), (None, "'v2', no longer None")):
        with pytest.raises(ModelError, match=told):
            promote(models, "weekly", "v3", AT, expected=expected)
    with pytest.raises(ModelError, match="no longer 'v1'"):
        rollback(models, "weekly", AT, expected="v1")
    assert promote(models, "weekly", "v3", AT, expected="v2").previous == "v2"


def test_the_champion_is_not_promoted_over_itself(models):
    promote(models, "weekly", "v1", AT)
    with pytest.raises(ModelError, match="'v1' already"):
        promote(models, "weekly", "v1", AT)


def test_of_many_promotions_at_once_exactly_one_wins(models):
    promote(models, "weekly", "v1", AT)

    def attempt(turn):
        try:
            return promote(models, "weekly", ("v2", "v3")[turn % 2], AT, expected="v1").version
        except ModelError as error:
            return str(error)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(50)))
    won = [answer for answer in answers if answer in VERSIONS]
    assert len(won) == 1
    assert read_champion(models, "weekly").version == won[0]
    told = re.compile("under way|no longer|already")
    assert all(told.search(answer) for answer in answers if answer not in VERSIONS)


def test_while_another_process_promotes_a_promotion_is_refused(models):
    root = Path(__file__).parents[2]
    code = """
import sys
from pathlib import Path
from decisioning.champion import _lock
with _lock(Path(sys.argv[1]), "weekly"):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(models)],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ModelError, match="another promotion of 'weekly' is under way"):
            promote(models, "weekly", "v1", AT)
        other.kill()
    assert promote(models, "weekly", "v1", AT).version == "v1"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../weekly", "weekly/../weekly", "/weekly", "Weekly", "weekly\n", "a" * 65],
)
def test_a_name_or_version_that_could_leave_the_folder_is_refused(models, name):
    for call in (read_champion, champion_stamp, load_champion):
        with pytest.raises(ModelError, match="not a name of the form"):
            call(models, name)
    with pytest.raises(ModelError, match="not a name of the form"):
        promote(models, name, "v1", AT)
    with pytest.raises(ModelError, match="not a name of the form"):
        promote(models, "weekly", name, AT)


def test_a_version_that_is_a_link_to_elsewhere_is_refused(models, tmp_path):
    write_model(models, "weekly", "v9", tmp_path / "elsewhere" / "v9")
    (models / "weekly" / "v9").symlink_to(tmp_path / "elsewhere" / "v9")
    with pytest.raises(ModelError, match="a link that leads to"):
        promote(models, "weekly", "v9", AT)


def test_a_bundle_of_another_name_or_version_is_refused(models):
    (models / "weekly" / "v3").rename(models / "weekly" / "v4")
    with pytest.raises(ModelError, match="says it is 'weekly' version 'v3'"):
        promote(models, "weekly", "v4", AT)


def test_a_damaged_bundle_is_not_promoted(models):
    (models / "weekly" / "v2" / "golden.json").write_text("{}")
    with pytest.raises(ModelError, match=r"golden\.json: SHA-256"):
        promote(models, "weekly", "v2", AT)
    assert read_champion(models, "weekly") is None


def test_a_bundle_that_was_rewritten_after_its_promotion_is_not_loaded(models):
    promote(models, "weekly", "v1", AT)
    path = models / "weekly" / "v1" / "manifest.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ModelError, match="was promoted"):
        load_champion(models, "weekly")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "v1"}', b"\xff", b"null"])
def test_a_champion_file_that_no_promotion_wrote_is_refused(models, content):
    (models / "weekly" / "champion.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"champion\.json: not a champion"):
        read_champion(models, "weekly")


def test_a_promotion_leaves_nothing_but_the_champion_and_its_lock(models):
    promote(models, "weekly", "v1", AT)
    names = {path.name for path in (models / "weekly").iterdir()}
    assert names == {*VERSIONS, "champion.json", ".champion.lock"}


def test_a_time_without_a_zone_is_refused(models):
    with pytest.raises(ValueError, match="timezone"):
        Champion(
            version="v1", previous=None, promoted_at=datetime(2018, 1, 1), manifest_sha256="0" * 64
        )
