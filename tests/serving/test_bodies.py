"""What is no JSON is refused in words that its sender can use."""

from __future__ import annotations

import pytest

from serving.bodies import read_json
from serving.problems import ProblemError


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "the body is empty"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b'{"a": }', "Expecting value at line 1, column 7"),
        (b"NaN", "NaN is not JSON"),
        (b"1e999", "1e999 is too large a number"),
        (b"9" * 5_000, f"{'9' * 40}... is too large a number"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_told_in_plain_words(raw: bytes, told: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_json(raw)
    assert refused.value.detail == told


def test_a_name_that_stands_twice_is_told_with_both_its_values() -> None:
    with pytest.raises(ProblemError) as refused:
        read_json(b'{"a": {"customer_id": "1", "b": 0, "customer_id": "2"}}')
    (error,) = refused.value.errors
    assert (error.field, error.value) == ("customer_id", '["1", "2"]')


def test_whole_numbers_stay_whole_however_long() -> None:
    assert read_json(b"[7, -12, " + b"9" * 400 + b"]") == [7, -12, int("9" * 400)]
