from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from training.problem import load_problem

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "complete_journey"
GOOD = yaml.safe_load((CONFIGS / "adoption.yaml").read_text())


def written(folder: Path, **changes: object) -> Path:
    path = folder / "problem.yaml"
    content = {key: value for key, value in (GOOD | changes).items() if value != "left out"}
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("name", ["adoption", "response"])
def test_the_problems_of_the_demo_can_be_read(name: str) -> None:
    problem = load_problem(CONFIGS / f"{name}.yaml")
    assert problem.name == problem.label_model == name


def test_a_typo_in_a_key_names_the_file_the_key_and_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"problem\.yaml.*'windw_days'.*'window_days'"):
        load_problem(written(tmp_path, windw_days=28))


def test_a_typo_below_a_key_is_found_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tuning.*'trails'.*'trials'"):
        load_problem(written(tmp_path, tuning={"trails": 3}))


def test_a_random_split_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="slices"):
        load_problem(written(tmp_path, slices={"test_share": 0.2, "shuffle": True}))


def test_an_unknown_feature_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"trips_92d.*trips_91d"):
        load_problem(written(tmp_path, population=[{"feature": "trips_92d", "at_least": 2}]))
    with pytest.raises(ConfigError, match=r"inputs\.exclude.*'spent_7d'"):
        load_problem(written(tmp_path, inputs={"exclude": ["spent_7d"]}))


def test_a_response_problem_needs_presentations(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="presentations"):
        load_problem(written(tmp_path, label_model="response"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window_days", 0),
        ("name", "../elsewhere"),
        ("max_train_rows", -5),
        ("tuning", {"trials": 0}),
        ("label_model", "guess"),
        ("slices", "left out"),
        ("ceilings", {"accuracy": 0.9}),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_key(
    key: str, value: object, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=key):
        load_problem(written(tmp_path, **{key: value}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_problem(tmp_path / "nowhere.yaml")


def test_another_number_of_trials_leaves_the_rest_as_it_is() -> None:
    problem = load_problem(CONFIGS / "adoption.yaml")
    assert problem.with_trials(3).tuning.trials == 3
    assert problem.with_trials(3).tuning.space == problem.tuning.space
    assert problem.with_trials(None) is problem
