import json
from pathlib import Path

import numpy as np
import pytest

from features.errors import FeatureError
from features.layout import Layout

LAYOUT = Layout.of(("TEA", "BREAD"), ("tea", "bread", "milk"))


def test_the_blocks_of_a_vector_are_views_that_cover_it_once() -> None:
    vectors = np.zeros((4, LAYOUT.size))
    LAYOUT.scalar_block(vectors)[:] += 1
    LAYOUT.category_block(vectors)[:] += 1
    LAYOUT.action_block(vectors)[:] += 1
    assert (vectors == 1).all()


def test_the_order_of_categories_and_actions_does_not_depend_on_how_they_were_listed() -> None:
    assert Layout.of(("BREAD", "TEA"), ("milk", "tea", "bread")).hash == LAYOUT.hash


@pytest.mark.parametrize(
    "other", [Layout.of(("TEA",), ("tea", "bread", "milk")), Layout.of(("TEA", "BREAD"), ("tea",))]
)
def test_the_hash_changes_with_what_is_in_a_vector(other: Layout) -> None:
    assert other.hash != LAYOUT.hash


def test_a_saved_layout_comes_back_equal(tmp_path: Path) -> None:
    LAYOUT.save(tmp_path / "layout.json")
    assert Layout.load(tmp_path / "layout.json") == LAYOUT


def test_an_edited_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    LAYOUT.save(path)
    content = json.loads(path.read_text())
    content["categories"].reverse()
    path.write_text(json.dumps(content))
    with pytest.raises(FeatureError, match=r"layout\.json.*does not match"):
        Layout.load(path)


def test_without_features_the_message_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="nba features build"):
        Layout.load(tmp_path / "layout.json")
