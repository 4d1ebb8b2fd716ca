from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from decisioning.calibration import Calibration
from decisioning.manifest import Manifest, ModelFeature, Priors

FIELDS = {
    "name": "weekly",
    "version": "2018-01-01.1",
    "problem": "category_week",
    "label_model": "adoption",
    "window_days": 7,
    "created_at": datetime(2018, 1, 1, tzinfo=UTC),
    "features": (
        ModelFeature(name="trips_28d", block="customer", max_age_hours=48.0),
        ModelFeature(name="action_code", block="attribute"),
    ),
    "encodings": {"action_code": {"tea": 0, "coffee": 1}},
    "layout_hash": "0123456789abcdef",
    "calibration": Calibration(kind="sigmoid", a=0.1 + 0.2, b=-1e-17),
    "actions": ("tea", "coffee"),
    "priors": Priors(
        overall=0.1, per_action={"tea": 0.2}, per_segment={"2": {"tea": 0.3, "coffee": 0.0}}
    ),
    "evidence": {"tea": 31.0, "coffee": 0.0},
    "metrics": {"test": {"log_loss": 0.123456789012345678, "auc": 0.7}},
    "training": {"rows": 10, "parameters": {"num_leaves": 31}},
    "versions": {"python": "3.11"},
    "files": {"model.txt": "0" * 64},
}


def test_a_manifest_survives_json_exactly():
    manifest = Manifest(**FIELDS)
    assert Manifest.model_validate_json(manifest.model_dump_json(), strict=True) == manifest


def test_the_feature_names_keep_their_order():
    assert Manifest(**FIELDS).feature_names == ("trips_28d", "action_code")


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/b", "/etc", "A", "ä", "-a", ".hidden", "a\n", "a" * 65, "a b", "a\x00"],
)
@pytest.mark.parametrize("field", ["name", "version"])
def test_a_name_that_could_leave_its_folder_is_refused(field, name):
    with pytest.raises(ValidationError, match="pattern"):
        Manifest(**FIELDS | {field: name})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 2}, "format"),
        ({"label_model": "click"}, "label_model"),
        ({"window_days": 0}, "window_days"),
        ({"created_at": datetime(2018, 1, 1)}, "timezone"),
        ({"features": ()}, "features"),
        ({"features": FIELDS["features"] * 2}, "'action_code' is listed twice"),
        ({"actions": ("tea", "coffee", "tea")}, "'tea' is listed twice"),
        ({"evidence": {"milk": 1.0}}, "evidence: 'milk' is not one"),
        ({"evidence": {"tea": -1.0}}, "greater than or equal to 0"),
        ({"priors": Priors(overall=0, per_action={"milk": 0}, per_segment={})}, "per_action: 'mil"),
        (
            {"priors": Priors(overall=0, per_action={}, per_segment={"1": {"milk": 0}})},
            r"per_segment\.1: 'milk'",
        ),
        ({"encodings": {"issue": {"grow": -1}}}, "encodings"),
        ({"files": {"model.txt": "abc"}}, "files"),
        ({"note": "x"}, "note"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change, fault):
    with pytest.raises(ValidationError, match=fault):
        Manifest(**FIELDS | change)


def test_a_prior_is_a_share():
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Priors(overall=1.5, per_action={}, per_segment={})
