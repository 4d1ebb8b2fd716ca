"""Nothing at or after `as_of` may change a profile, whatever it is."""

from pathlib import Path

import numpy as np
import pytest
from small_world import AS_OF, LINES, TOUCHES, profiles_of, write_world

from features import declared
from features.calendar import Calendar
from features.canonical.schemas import TOUCHPOINT_TYPES
from features.errors import LeakError
from features.matrix import ActionRows, Candidates, MatrixBuilder
from features.spec import Block

LATER = ["2024-03-10 12:00:00", "2024-03-10 12:00:01", "2024-03-11 09:00", "2025-01-01 00:00"]


def later_lines() -> list[tuple]:
    return [
        ("007", f"z{n}", "1", when, item, category, group, 99.0, 9.0, 5.0, channel)
        for n, (when, item, category, group, channel) in enumerate(
            (when, *what)
            for when in LATER
            for what in (("i1", "TEA", "DRINKS", "web"), ("i9", "NEW", "FOOD", "app"))
        )
    ]


def later_touches() -> list[tuple]:
    return [
        (f"z{n}", "007", when, channel, kind, "tea", 7.0, 1.0)
        for n, (when, kind, channel) in enumerate(
            (when, kind, channel)
            for when in LATER
            for kind in TOUCHPOINT_TYPES
            for channel in ("web", "bot", "advisor", "email", "mail")
        )
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, world):
    folder: Path = tmp_path_factory.mktemp("later")
    tables = write_world(folder, LINES + later_lines(), TOUCHES + later_touches())
    moments = np.array([AS_OF])
    return profiles_of(world, ["007"], moments), profiles_of(tables, ["007"], moments)


@pytest.mark.parametrize("block", [Block.CUSTOMER, Block.CATEGORY, Block.ACTION])
def test_no_feature_changes_when_events_at_or_after_as_of_are_added(block: Block, both) -> None:
    before, after = both
    layout = before.layout
    assert after.layout == layout
    views = {
        Block.CUSTOMER: layout.scalar_block,
        Block.CATEGORY: layout.category_block,
        Block.ACTION: layout.action_block,
    }
    for at, name in enumerate(
        {
            Block.CUSTOMER: layout.scalars,
            Block.CATEGORY: layout.category_features,
            Block.ACTION: layout.action_features,
        }[block]
    ):
        old, new = views[block](before.vectors)[..., at], views[block](after.vectors)[..., at]
        np.testing.assert_array_equal(old, new, err_msg=name)


def test_the_same_events_one_second_earlier_do_change_the_profile(tmp_path: Path, world) -> None:
    earlier = [(*line[:3], "2024-03-10 11:59:59", *line[4:]) for line in later_lines()[:1]]
    tables = write_world(tmp_path, LINES + earlier, TOUCHES)
    moments = np.array([AS_OF])
    changed = profiles_of(tables, ["007"], moments).vectors
    assert not np.array_equal(changed, profiles_of(world, ["007"], moments).vectors, equal_nan=True)


def test_a_profile_depends_on_no_other_customer(tmp_path: Path, world) -> None:
    others = [("e", f"e{n}", *line[2:]) for n, line in enumerate(LINES)]
    tables = write_world(tmp_path, LINES + others, TOUCHES)
    moments = np.array([AS_OF])
    np.testing.assert_array_equal(
        profiles_of(tables, ["007"], moments).vectors, profiles_of(world, ["007"], moments).vectors
    )


def test_windows_follow_the_business_day_through_a_daylight_saving_change() -> None:
    berlin = Calendar("Europe/Berlin")
    after_the_change = np.array([np.datetime64("2024-04-02T10:00", "us")])
    # A week earlier it was winter time: midnight in Berlin was 23:00 UTC, not 22:00.
    assert str(berlin.window_start(after_the_change, 7)[0]) == "2024-03-25T23:00:00.000000"
    assert str(berlin.window_start(after_the_change, 1)[0]) == "2024-03-31T22:00:00.000000"


def test_the_matrix_refuses_a_profile_that_was_computed_after_the_decision(world) -> None:
    profiles = profiles_of(world, ["007"], np.array([AS_OF]))
    builder = MatrixBuilder(
        ("trips_28d",), profiles.layout, ActionRows(("tea",), ("TEA",)), Calendar()
    )
    an_hour_before = profiles.profile_at - 3_600.0
    with pytest.raises(LeakError, match="'007'.*2024-03-10T12:00:00.*2024-03-10T11:00:00"):
        builder.build(one_row(profiles, an_hour_before))


def test_the_matrix_refuses_a_profile_that_holds_an_event_of_its_own_future(world) -> None:
    profiles = profiles_of(world, ["007"], np.array([AS_OF]))
    profiles.vectors[0, 1] = profiles.profile_at[0]
    builder = MatrixBuilder(
        ("trips_28d",), profiles.layout, ActionRows(("tea",), ("TEA",)), Calendar()
    )
    with pytest.raises(LeakError, match="holds an event of"):
        builder.build(one_row(profiles, profiles.profile_at + 60.0))


def one_row(profiles, decided_at: np.ndarray) -> Candidates:
    nothing = np.full((1, 1, len(declared.stored(Block.POPULARITY))), np.nan)
    zero = np.zeros(1, dtype=np.int64)
    return Candidates(profiles, decided_at, zero, zero, nothing)
