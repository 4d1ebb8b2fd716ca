from dataclasses import replace

import numpy as np
import pytest
from small_world import AS_OF, profiles_of

from features import declared
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.errors import FeatureError
from features.layout import Layout
from features.matrix import ActionRows, Candidates, MatrixBuilder, stale
from features.profiles import Profiles, no_profile
from features.spec import Block

ACTIONS = ActionRows(
    ("bread", "new", "tea"), ("BREAD", None, "TEA"), {"price": np.array([1.0, 2.0, 3.0])}
)
EVERYTHING = (*declared.model_inputs(), "price")
DAY = 86_400.0


@pytest.fixture(scope="module")
def profiles(world: Tables) -> Profiles:
    return profiles_of(world, ["007", "b"], np.array([AS_OF, AS_OF]))


def candidates(profiles: Profiles, later: float = 0.0) -> Candidates:
    rows = len(profiles) * len(ACTIONS)
    return Candidates(
        profiles=profiles,
        decided_at=profiles.profile_at + later,
        decision=np.repeat(np.arange(len(profiles)), len(ACTIONS)),
        action=np.tile(np.arange(len(ACTIONS)), len(profiles)),
        popularity=np.arange(rows * 6, dtype=float).reshape(len(profiles), len(ACTIONS), 6),
    )


def test_every_column_of_the_matrix_equals_the_column_of_that_name(profiles: Profiles) -> None:
    builder = MatrixBuilder(EVERYTHING, profiles.layout, ACTIONS, Calendar())
    asked = candidates(profiles)
    matrix, columns = builder.build(asked), builder.columns(asked)
    for place, name in enumerate(EVERYTHING):
        np.testing.assert_array_equal(matrix[:, place], columns[name], err_msg=name)


@pytest.mark.parametrize("later", [0.0, 3 * DAY])
def test_a_column_is_the_same_alone_and_as_one_of_a_model(profiles: Profiles, later: float) -> None:
    asked = candidates(profiles, later)
    together = MatrixBuilder(EVERYTHING, profiles.layout, ACTIONS, Calendar("Europe/Berlin"))
    alone = MatrixBuilder((), profiles.layout, ACTIONS, Calendar("Europe/Berlin"))
    for name in (*declared.BY_NAME, "price"):
        column = alone.columns(asked)[name]
        np.testing.assert_array_equal(together.columns(asked)[name], column, err_msg=name)


def test_a_decision_gets_the_same_rows_alone_and_among_others(profiles: Profiles) -> None:
    builder = MatrixBuilder(EVERYTHING, profiles.layout, ACTIONS, Calendar())
    asked = candidates(profiles)
    for row in range(len(profiles)):
        mine = np.flatnonzero(asked.decision == row)
        alone = Candidates(
            profiles.take(np.array([row])),
            asked.decided_at[[row]],
            np.zeros(len(mine), dtype=np.int64),
            asked.action[mine],
            asked.popularity[[row]],
        )
        np.testing.assert_array_equal(builder.build(asked)[mine], builder.build(alone))


def test_some_rows_of_the_matrix_are_those_rows(profiles: Profiles) -> None:
    builder = MatrixBuilder(EVERYTHING, profiles.layout, ACTIONS, Calendar())
    columns, some = builder.columns(candidates(profiles)), np.array([4, 1])
    np.testing.assert_array_equal(columns.matrix(some), columns.matrix()[some])


def test_a_stored_moment_is_in_seconds_and_its_column_in_days(profiles: Profiles) -> None:
    columns = MatrixBuilder((), profiles.layout, ACTIONS, Calendar()).columns(candidates(profiles))
    seconds = columns.stored("last_purchase_at")
    np.testing.assert_array_equal(columns["last_purchase_at"], np.floor(seconds / DAY))


def test_a_name_that_nobody_knows_is_no_column(profiles: Profiles) -> None:
    columns = MatrixBuilder((), profiles.layout, ACTIONS, Calendar()).columns(candidates(profiles))
    with pytest.raises(KeyError):
        columns["profile_at"]


def test_profiles_without_a_feature_of_the_model_are_refused(profiles: Profiles) -> None:
    older = replace(profiles.layout, scalars=profiles.layout.scalars[:-1])
    with pytest.raises(FeatureError, match=f"do not hold '{profiles.layout.scalars[-1]}'"):
        MatrixBuilder(EVERYTHING, older, ACTIONS, Calendar())


def test_a_model_with_its_features_in_another_order_gets_the_same_numbers_by_name(
    profiles: Profiles,
) -> None:
    mixed = tuple(np.random.default_rng(3).permutation(EVERYTHING))
    straight = MatrixBuilder(EVERYTHING, profiles.layout, ACTIONS, Calendar())
    permuted = MatrixBuilder(mixed, profiles.layout, ACTIONS, Calendar())
    asked = candidates(profiles)
    np.testing.assert_array_equal(
        straight.build(asked)[:, [EVERYTHING.index(name) for name in mixed]], permuted.build(asked)
    )


def test_each_row_carries_its_own_customer_and_action(profiles: Profiles) -> None:
    names = ("trips_all", "category_trips_all", "price")
    matrix = MatrixBuilder(names, profiles.layout, ACTIONS, Calendar()).build(candidates(profiles))
    nan = np.nan
    expected = [[5, 2, 1], [5, nan, 2], [5, 4, 3], [1, 0, 1], [1, nan, 2], [1, 1, 3]]
    np.testing.assert_array_equal(matrix, np.array(expected, dtype=float))


def test_an_age_grows_with_the_decision_not_with_the_row(profiles: Profiles) -> None:
    builder = MatrixBuilder(("days_since_purchase",), profiles.layout, ACTIONS, Calendar())
    now, tomorrow = builder.build(candidates(profiles)), builder.build(candidates(profiles, DAY))
    np.testing.assert_array_equal(tomorrow - now, 1.0)


def test_a_row_beyond_its_maximum_age_counts_as_missing_but_the_action_stays(
    profiles: Profiles,
) -> None:
    builder = MatrixBuilder(("trips_all", "price"), profiles.layout, ACTIONS, Calendar())
    old = candidates(profiles, 3 * DAY)
    matrix = builder.build(old)
    assert stale(profiles, old.decided_at).all()
    assert np.isnan(matrix[:, 0]).all()
    assert not np.isnan(matrix[:, 1]).any()


def test_a_row_within_its_maximum_age_is_used(profiles: Profiles) -> None:
    builder = MatrixBuilder(("trips_all",), profiles.layout, ACTIONS, Calendar())
    young = candidates(profiles, 1.9 * DAY)
    assert not stale(profiles, young.decided_at).any()
    assert not np.isnan(builder.build(young)).any()


def test_a_customer_nobody_knows_has_only_missing_values(profiles: Profiles) -> None:
    nobody = no_profile(profiles.layout, "nobody")
    builder = MatrixBuilder(
        ("trips_all", "category_trips_all"), profiles.layout, ACTIONS, Calendar()
    )
    asked = candidates(profiles)
    only = np.arange(3)
    rows = Candidates(
        nobody, asked.decided_at[:1], np.zeros(3, dtype=np.int64), only, asked.popularity[:1]
    )
    assert np.isnan(builder.build(rows)).all()


def test_a_feature_that_nobody_declared_is_refused_by_name(profiles: Profiles) -> None:
    with pytest.raises(FeatureError, match=r"'trips_29d'.*price"):
        MatrixBuilder(("trips_29d",), profiles.layout, ACTIONS, Calendar())


def test_every_input_a_model_may_have_is_of_a_known_block() -> None:
    assert {declared.feature(name).block for name in declared.model_inputs()} == set(Block)


def test_a_feature_declared_since_the_profiles_were_built_is_missing() -> None:
    now = Layout.of(("TEA",), ())
    then = replace(now, scalars=tuple(n for n in now.scalars if n != "open_complaints"))
    builder = MatrixBuilder((), then, ActionRows(("tea",), ("TEA",)), Calendar())
    one, nobody = np.zeros(1, dtype=np.int64), no_profile(then, "7")
    popularity = np.zeros((1, 1, len(declared.stored(Block.POPULARITY))))
    seen = builder.columns(Candidates(nobody, np.array([1.5e9]), one, one, popularity))
    assert np.isnan(seen["open_complaints"]).all()
