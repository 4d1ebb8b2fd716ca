"""Conditions as people might write them: random ones over a few names of each kind."""

from __future__ import annotations

from hypothesis import strategies as st

# The customer's and the request's own are the same in all rows.
DOUBLES = ("profile.trips_91d", "journey.days_since_complaint")
COLUMNS = ("action.category_trips_all", "action.category_trips_91d")
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.5, 1e308, -1e308, 5e-324, float("inf"), float("-inf"))


def numbers(depth: int = 2) -> st.SearchStrategy[str]:
    plain = st.sampled_from((*DOUBLES, *COLUMNS, "0.0", "-0.0", "1.0", "2.5", "-1.0", "1e308"))
    if depth == 0:
        return plain
    below = numbers(depth - 1)
    return st.one_of(
        plain,
        st.tuples(below, st.sampled_from("+-*/"), below).map(lambda one: f"({' '.join(one)})"),
        below.map(lambda one: f"-({one})"),
        st.tuples(leaves(), below, below).map(lambda one: "({} ? {} : {})".format(*one)),
    )


def leaves() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            *(f"known.{name}" for name in (*DOUBLES, *COLUMNS)),
            "true",
            "false",
            "action.mandatory",
            "action.group == 'tea'",
            "action.category < 'b'",
            "'web' != request.channel",
            "request.channel in ['web', 'app']",
            "request.hour >= 12",
            "request.hour in [1, 23]",
            "known.profile.trips_91d == false",
        ]
    )


def comparisons() -> st.SearchStrategy[str]:
    compared = st.tuples(
        numbers(), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers()
    ).map(" ".join)
    return st.one_of(compared, numbers().map(lambda one: f"({one}) in [1.0, -0.0, 2.5]"))


def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(leaves(), comparisons()),
        lambda below: st.one_of(
            below.map(lambda one: f"!({one})"),
            st.tuples(below, st.sampled_from(["&&", "||"]), below).map(
                lambda one: f"({one[0]}) {one[1]} ({one[2]})"
            ),
            st.tuples(leaves(), below, below).map(lambda one: "{} ? ({}) : ({})".format(*one)),
        ),
        max_leaves=6,
    )
