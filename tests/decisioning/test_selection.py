"""What of an order is returned: slots, quotas and placements, with the reason for the rest."""

from __future__ import annotations

import numpy as np
import pytest

from decisioning.selection import Place, Quota, Refusal, Selection

ALL = np.ones(5, dtype=bool)
ORDER = np.array([3, 1, 4, 0, 2])


def rows(*chosen: int) -> np.ndarray:
    mask = np.zeros(5, dtype=bool)
    mask[list(chosen)] = True
    return mask


def test_the_first_of_the_order_are_taken_and_the_rest_is_outranked() -> None:
    chosen = Selection(2).choose(ORDER)
    assert chosen.rows == (3, 1)
    assert chosen.places == (None, None)
    assert chosen.refusals == (Refusal((4, 0, 2), "max_results", "outranked"),)


def test_an_empty_order_gives_nothing() -> None:
    chosen = Selection(2).choose(np.array([], dtype=np.int64))
    assert (chosen.rows, chosen.places, chosen.refusals) == ((), (), ())


def test_a_quota_lets_through_as_many_as_are_left_and_names_itself_for_the_others() -> None:
    quota = Quota("two_a_week", "limit_used_up", 1, rows(3, 1, 0))
    chosen = Selection(3, (quota,)).choose(ORDER)
    assert chosen.rows == (3, 4, 2)
    assert chosen.refusals == (Refusal((1, 0), "two_a_week", "limit_used_up"),)


def test_a_row_in_two_quotas_needs_room_in_both_and_takes_it_from_both() -> None:
    narrow = Quota("narrow", "limit_used_up", 1, rows(3, 4))
    wide = Quota("wide", "group_full", 2, rows(3, 4, 0, 2))
    chosen = Selection(5, (narrow, wide)).choose(ORDER)
    assert chosen.rows == (3, 1, 0)
    # Row 4 is stopped by the narrow one and costs the wide one nothing.
    assert chosen.refusals == (
        Refusal((4,), "narrow", "limit_used_up"),
        Refusal((2,), "wide", "group_full"),
    )


def test_a_quota_without_room_lets_nothing_through() -> None:
    chosen = Selection(5, (Quota("none", "limit_used_up", 0, ALL),)).choose(ORDER)
    assert chosen.rows == ()
    assert [len(one.rows) for one in chosen.refusals] == [5]


def test_placements_are_filled_in_the_order_of_the_request() -> None:
    places = (Place("hero", 1, rows(1, 4)), Place("row", 2, ALL))
    chosen = Selection(5, places=places).choose(ORDER)
    assert list(zip(chosen.rows, chosen.places, strict=True)) == [
        (3, "row"), (1, "hero"), (4, "row"),
    ]  # fmt: skip
    assert chosen.refusals == (Refusal((0, 2), "placements", "placements_full"),)


def test_a_row_that_fits_no_placement_is_left_out_and_takes_no_slot() -> None:
    chosen = Selection(5, places=(Place("hero", 1, rows(4)),)).choose(ORDER)
    assert (chosen.rows, chosen.places) == ((4,), ("hero",))
    assert {one.reason for one in chosen.refusals} == {"placements_full"}


def test_a_row_refused_for_its_place_takes_nothing_from_a_quota() -> None:
    quota = Quota("one", "limit_used_up", 1, rows(3, 1))
    chosen = Selection(5, (quota,), (Place("hero", 2, rows(1, 4)),)).choose(ORDER)
    assert chosen.rows == (1, 4)


@pytest.mark.parametrize(
    ("selection", "plain", "room"),
    [
        (Selection(3), True, 3),
        (Selection(3, places=(Place("hero", 2, ALL),)), True, 2),
        (Selection(1, places=(Place("hero", 2, ALL),)), True, 1),
        (Selection(3, places=(Place("hero", 2, rows(1)),)), False, 2),
        (Selection(9, places=(Place("hero", 2, ALL), Place("row", 3, ALL))), False, 5),
        (Selection(3, (Quota("q", "r", 9, rows(0)),)), False, 3),
    ],
)
def test_plain_is_what_only_cuts_the_order(selection: Selection, plain: bool, room: int) -> None:
    assert (selection.plain, selection.room) == (plain, room)


def test_rows_are_those_that_choose_returns_and_no_limit_is_ever_broken() -> None:
    random = np.random.default_rng(5)
    for _ in range(300):
        size = int(random.integers(0, 9))
        quotas = tuple(
            Quota(f"q{at}", "limit_used_up", int(random.integers(0, 3)), random.random(size) < 0.5)
            for at in range(int(random.integers(0, 3)))
        )
        places = tuple(
            Place(f"p{at}", int(random.integers(1, 3)), random.random(size) < 0.7)
            for at in range(int(random.integers(0, 3)))
        )
        selection = Selection(int(random.integers(1, 6)), quotas, places)
        order = random.permutation(size)
        chosen = selection.choose(order)
        assert selection.rows(order).tolist() == list(chosen.rows)
        assert len(chosen.rows) <= selection.room
        assert len(set(chosen.rows)) == len(chosen.rows)
        everybody = sorted([*chosen.rows, *(row for one in chosen.refusals for row in one.rows)])
        assert everybody == list(range(size))
        for quota in quotas:
            assert sum(quota.rows[row] for row in chosen.rows) <= quota.remaining
        for place in places:
            mine = [
                row for row, at in zip(chosen.rows, chosen.places, strict=True) if at == place.id
            ]
            assert len(mine) <= place.slots and all(place.fits[row] for row in mine)
