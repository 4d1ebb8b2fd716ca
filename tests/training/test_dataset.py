from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from small_world import LINES, TOUCHES, write_world

from decisioning.catalog import Action, Catalog, load_catalog
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.declared import stored
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block
from training.dataset import build_dataset
from training.problem import Inputs, Problem, Schedule, Slices

NOW = datetime(2024, 3, 20, tzinfo=UTC)
CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "complete_journey"


@dataclass(frozen=True)
class FakeStore:
    """Knows everybody at every time, and nothing about them."""

    layout: Layout

    def historical(self, label_model: str, customer_ids: np.ndarray, moments: np.ndarray):
        vectors = np.full((len(moments), self.layout.size), np.nan)
        vectors[:, 0] = moments.astype("datetime64[s]").astype(np.float64)
        return Profiles(self.layout, customer_ids, vectors)

    def popularity_at(self, action_ids: tuple[str, ...], midnights: np.ndarray) -> np.ndarray:
        return np.zeros((len(midnights), len(action_ids), len(stored(Block.POPULARITY))))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return write_world(tmp_path_factory.mktemp("world"), LINES, TOUCHES)


def problem() -> Problem:
    first, last = date(2024, 1, 1), date(2024, 2, 19)
    return Problem(
        name="a",
        label_model="adoption",
        catalog="actions.yaml",
        decisions=Schedule(kind="schedule", first=first, last=last, every_days=7),
        window_days=7,
        slices=Slices(
            validate_from=date(2024, 1, 15),
            calibrate_from=date(2024, 1, 29),
            test_from=date(2024, 2, 12),
        ),
        inputs=Inputs(action_code=True),
    )


def catalog(*more: dict[str, object]) -> Catalog:
    whole = load_catalog(CONFIGS / "actions.yaml")
    shared = {"name": {"en": "a", "de": "a"}, "issue": "win_back", "group": "drinks"}
    written = [{"id": "tea", "category": "TEA"}, {"id": "bread", "category": "BREAD"}, *more]
    actions = tuple(Action.model_validate({**shared, **one}) for one in written)
    return whole.model_copy(update={"actions": actions, "eligibility": ()})


def test_an_action_with_a_propensity_of_its_own_leaves_no_trace_in_training(
    tables: Tables,
) -> None:
    store, asked = FakeStore(Layout.of(("BREAD", "TEA"), ())), problem()
    plain = build_dataset(asked, catalog(), tables, store, Calendar(), NOW)
    service = {"id": "apology", "group": "care", "propensity": 0.5}
    fixed = {"id": "more_tea", "category": "TEA", "propensity": 0.9}
    both = build_dataset(asked, catalog(service, fixed), tables, store, Calendar(), NOW)
    assert plain.rows.y.sum() > 0
    assert both.rows.actions == plain.rows.actions == ("bread", "tea")
    assert both.digest == plain.digest
    assert both.encodings == plain.encodings
    np.testing.assert_array_equal(both.rows.action, plain.rows.action)
    np.testing.assert_array_equal(both.rows.group, plain.rows.group)
