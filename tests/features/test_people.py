"""Who is one person follows from the rows alone: in any order, and as before once taken back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.people import Merge, People

NAMES = st.sampled_from(["1", "2", "3", "4", "5", "anonymous:a", "anonymous:b"])
ROWS = st.lists(
    st.builds(
        Merge,
        absorbed_id=NAMES,
        customer_id=NAMES,
        status=st.sampled_from(["merged", "merged", "unmerged"]),
        rule=st.just("explicit"),
        recorded_at=st.integers(0, 4).map(float),
        source=st.sampled_from(["api", "request"]),
    ),
    max_size=14,
)
EVERYBODY = ("1", "2", "3", "4", "5", "anonymous:a", "anonymous:b")


def merge(absorbed: str, customer: str, at: float, status: str = "merged") -> Merge:
    return Merge(absorbed, customer, status, "explicit", at, "api")


def persons(people: People) -> dict[str, tuple[str, ...]]:
    return {one: people.aliases(one) for one in EVERYBODY}


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 10_000))
def test_persons_do_not_depend_on_the_order_of_the_rows(rows: list[Merge], seed: int) -> None:
    mixed = [*rows, *rows[:3]]
    random.Random(seed).shuffle(mixed)
    assert persons(People(mixed)) == persons(People(rows))
    assert People(mixed).applied == People(rows).applied


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, absorbed=NAMES, customer=NAMES)
def test_taking_a_merge_back_restores_what_was_before(
    rows: list[Merge], absorbed: str, customer: str
) -> None:
    before = People(rows)
    if before.root(absorbed) == before.root(customer):
        return
    merged = People([*rows, merge(absorbed, customer, 10.0)])
    assert merged.root(absorbed) == merged.root(customer) == before.root(customer)
    back = People(
        [*rows, merge(absorbed, customer, 10.0), merge(absorbed, customer, 11.0, "unmerged")]
    )
    assert persons(back) == persons(before)


@settings(max_examples=300, deadline=None)
@given(rows=ROWS)
def test_no_rows_make_a_circle_and_every_alias_leads_to_its_root(rows: list[Merge]) -> None:
    people = People(rows)
    for one in EVERYBODY:
        aliases = people.aliases(one)
        assert aliases[0] == people.root(one)
        assert one in aliases
        assert {people.root(alias) for alias in aliases} == {aliases[0]}
        for other in EVERYBODY:
            chain = people.chain(one, other)
            assert (chain is not None) == (people.root(one) == people.root(other))
            assert chain is None or len(chain) < len(EVERYBODY)


def test_a_merge_that_closes_a_circle_changes_nothing() -> None:
    rows = [merge("1", "2", 1.0), merge("2", "3", 2.0)]
    assert persons(People([*rows, merge("3", "1", 3.0), merge("2", "2", 4.0)])) == persons(
        People(rows)
    )


def test_of_rows_of_the_same_moment_the_one_that_takes_back_counts_last() -> None:
    rows = [merge("1", "2", 1.0, "unmerged"), merge("1", "2", 1.0)]
    assert People(rows).applied == ()


def test_the_root_is_whom_others_were_merged_into() -> None:
    people = People([merge("anonymous:a", "1", 1.0), merge("1", "2", 2.0)])
    assert people.aliases("anonymous:a") == ("2", "1", "anonymous:a")
    assert people.of(["1", "5"]) == {"2": ("2", "1", "anonymous:a"), "5": ("5",)}


def test_the_chain_names_every_merge_between_two_ids() -> None:
    rows = [merge("anonymous:a", "1", 1.0), merge("1", "2", 2.0), merge("3", "2", 3.0)]
    assert People(rows).chain("anonymous:a", "3") == tuple(rows)
    assert People(rows).chain("anonymous:a", "4") is None


@pytest.mark.parametrize("size", [20_000])
def test_a_long_chain_is_followed(size: int) -> None:
    rows = [merge(str(at), str(at + 1), float(at)) for at in range(size, 0, -1)]
    assert People(rows).root("1") == str(size + 1)
