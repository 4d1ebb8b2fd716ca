from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.expressions import Vocabulary, compile_condition
from decisioning.expressions.syntax import (
    Call,
    Constant,
    Listed,
    Name,
    Node,
    Other,
    tree_of,
    within,
)

NAMES = Vocabulary.of(())


def tree(text: str) -> Node:
    return compile_condition(text, NAMES, "").tree


def test_names_are_those_that_the_compiler_resolved() -> None:
    expected = Call("_>_", (Name("profile.trips_91d"), Constant(3.0)))
    assert tree("profile.trips_91d > 3.0") == expected
    assert tree("(profile).trips_91d > // here\n 3.0") == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-2", -2),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0.0", 0.0),
        ("-1.5e300", -1.5e300),
        ("''", ""),
        ("'Ä'", "Ä"),
        ("true", True),
    ],
)
def test_a_constant_has_its_value_and_its_type(text: str, value: object) -> None:
    equal = tree(f"{text} == {text}")
    assert equal == Call("_==_", (Constant(value), Constant(value)))  # type: ignore[arg-type]
    assert isinstance(equal, Call)
    assert isinstance(equal.arguments[0], Constant)
    assert type(equal.arguments[0].value) is type(value)


def test_lists_and_nested_calls_keep_their_order() -> None:
    assert tree("!(request.hour in [1, 2]) && known.profile.trips_91d") == Call(
        "_&&_",
        (
            Call(
                "!_",
                (Call("@in", (Name("request.hour"), Listed((Constant(1), Constant(2))))),),
            ),
            Name("known.profile.trips_91d"),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "request.channel.startsWith('w')",
        "[1, 2].all(x, x > 0)",
        "request.contexts.page == 'a'",
        "null == null",
        "b'a' == b'a'",
        "1u == 1u",
        "{'a': 1} == {'a': 1}",
    ],
)
def test_everything_else_is_other(text: str) -> None:
    assert any(isinstance(one, Other) for one in within(tree(text)))


def test_of_nothing_there_is_no_tree() -> None:
    assert tree_of(b"") == Other()


@given(st.binary(max_size=60))
def test_what_is_no_compiled_expression_has_no_tree(message: bytes) -> None:
    checked = b"\x22" + bytes([len(message)]) + message
    try:
        tree_of(b"\x12" + bytes([len(checked)]) + checked)
    except ValueError as error:
        assert str(error)
