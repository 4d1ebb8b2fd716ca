from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from small_world import LINES, TOUCHES, write_world

from decisioning.catalog import Action, Catalog, load_catalog
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import DataError
from training.decisions import adoptions, decision_points, presented
from training.problem import Presentations, Problem, Schedule, Slices

NOW = datetime(2024, 3, 20, tzinfo=UTC)
SLICES = Slices(
    validate_from=date(2024, 1, 1), calibrate_from=date(2024, 1, 2), test_from=date(2024, 1, 3)
)
CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "complete_journey"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return write_world(tmp_path_factory.mktemp("world"), LINES, TOUCHES)


def response(**changes: object) -> Problem:
    return Problem(
        name="r",
        label_model="response",
        catalog="actions.yaml",
        decisions=Presentations(kind="presentations"),
        slices=SLICES,
    ).model_copy(update=changes)


def adoption(first: date, last: date) -> Problem:
    return Problem(
        name="a",
        label_model="adoption",
        catalog="actions.yaml",
        decisions=Schedule(kind="schedule", first=first, last=last, every_days=7),
        window_days=7,
        slices=SLICES,
    )


def two_teas() -> Catalog:
    whole = load_catalog(CONFIGS / "actions.yaml")
    actions = tuple(
        Action(
            id=name,
            name=whole.actions[0].name,
            issue="win_back",
            group="drinks",
            category=category,
        )
        for name, category in (("bread", "BREAD"), ("nothing_of_the_kind", None), ("tea", "TEA"))
    )
    return whole.model_copy(update={"actions": actions})


def test_every_customer_is_decided_for_at_every_beat(world: Tables) -> None:
    points = decision_points(adoption(date(2024, 1, 1), date(2024, 1, 20)), world, Calendar(), NOW)
    assert sorted(set(points.customer_ids)) == ["007", "b", "c", "d"]
    assert [str(m)[:10] for m in np.unique(points.moments)] == [
        "2024-01-01", "2024-01-08", "2024-01-15",
    ]  # fmt: skip
    assert len(points) == 12


def test_a_beat_whose_window_is_still_open_is_left_out(world: Tables) -> None:
    early = datetime(2024, 1, 14, 23, 59, tzinfo=UTC)
    points = decision_points(
        adoption(date(2024, 1, 1), date(2024, 1, 20)), world, Calendar(), early
    )
    assert [str(m)[:10] for m in np.unique(points.moments)] == ["2024-01-01"]


def test_without_any_closed_window_the_message_says_so(world: Tables) -> None:
    with pytest.raises(DataError, match="closed window of 7 days"):
        decision_points(adoption(date(2030, 1, 1), date(2030, 1, 20)), world, Calendar(), NOW)


def test_a_category_bought_in_the_window_is_an_adoption_with_its_money(world: Tables) -> None:
    points = decision_points(adoption(date(2024, 1, 8), date(2024, 1, 8)), world, Calendar(), NOW)
    bought, revenue = adoptions(points, two_teas(), world, window_days=7)
    rows = dict(
        zip(points.customer_ids, zip(bought.tolist(), revenue.tolist(), strict=True), strict=True)
    )
    # 007 buys tea for 5 on the 10th; c buys bread on the 15th, just after the window.
    assert rows["007"] == ([0.0, 0.0, 1.0], [0.0, 0.0, 5.0])
    assert rows["c"] == ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0])


def test_a_return_is_no_adoption(tmp_path: Path) -> None:
    tables = write_world(
        tmp_path,
        [("x", "t", "1", "2024-01-10", "i1", "TEA", "DRINKS", -4.0, 0.0, 0.0, "store")],
        [],
    )
    points = decision_points(adoption(date(2024, 1, 8), date(2024, 1, 8)), tables, Calendar(), NOW)
    bought, _ = adoptions(points, two_teas(), tables, window_days=7)
    assert not bought.any()


def test_presentations_with_a_closed_window_are_the_decisions(world: Tables) -> None:
    shown = presented(response(window_days=28), world, NOW)
    assert shown.action_ids.tolist() == ["tea", "tea", "bread"]
    assert shown.y.tolist() == [0.0, 1.0, 0.0]
    assert shown.revenue.tolist() == [0.0, 5.0, 0.0]


def test_a_presentation_whose_window_is_open_is_not_yet_a_negative(world: Tables) -> None:
    shown = presented(response(window_days=60), world, NOW)
    assert shown.action_ids.tolist() == ["tea", "tea"]


def test_the_latest_presentation_owns_the_outcome(tmp_path: Path) -> None:
    touches = [
        ("p1", "x", "2024-01-01", "web", "presented", "tea", None, None),
        ("p2", "x", "2024-01-05", "web", "presented", "tea", None, None),
        ("p3", "x", "2024-01-06", "web", "accepted", "tea", 3.0, None),
        ("p4", "x", "2024-01-20", "web", "accepted", "tea", 4.0, None),
    ]
    shown = presented(response(window_days=7), write_world(tmp_path, [], touches), NOW)
    assert shown.y.tolist() == [0.0, 1.0]
    assert shown.revenue.tolist() == [0.0, 3.0]


def test_an_outcome_of_another_action_or_customer_counts_for_nobody(tmp_path: Path) -> None:
    touches = [
        ("p1", "x", "2024-01-01", "web", "presented", "tea", None, None),
        ("p2", "x", "2024-01-02", "web", "accepted", "bread", None, None),
        ("p3", "y", "2024-01-02", "web", "accepted", "tea", None, None),
    ]
    assert presented(response(), write_world(tmp_path, [], touches), NOW).y.tolist() == [0.0]


def test_an_outcome_after_the_window_comes_too_late(tmp_path: Path) -> None:
    touches = [
        ("p1", "x", "2024-01-01 12:00", "web", "presented", "tea", None, None),
        ("p2", "x", "2024-01-08 12:00", "web", "accepted", "tea", None, None),
    ]
    tables = write_world(tmp_path, [], touches)
    assert presented(response(window_days=7), tables, NOW).y.tolist() == [0.0]
    assert presented(response(window_days=8), tables, NOW).y.tolist() == [1.0]


def test_without_presentations_the_message_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'presented'"):
        presented(response(), write_world(tmp_path, LINES, []), NOW)


def test_what_is_learnt_from_the_log_is_not_learnt_from_touchpoints_too(tmp_path: Path) -> None:
    touches = [
        ("p1", "x", "2024-01-01", "web", "presented", "tea", None, None),
        ("p2", "x", "2024-01-03", "web", "presented", "tea", None, None),
    ]
    tables = write_world(tmp_path, [], touches)
    of_log = tables.touchpoints.mutate(
        decision_id=(tables.touchpoints.touchpoint_id == "p1").ifelse("d1", None)
    )
    tables = replace(tables, touchpoints=of_log)
    assert presented(response(window_days=7), tables, NOW, {"d1"}).y.tolist() == [0.0]
    assert presented(response(window_days=7), tables, NOW, {"d9"}).y.tolist() == [0.0, 0.0]
