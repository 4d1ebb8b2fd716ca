from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationInfo, model_validator

from decisioning.border import Border, Faults, Told, find_faults, read_border
from features.errors import ConfigError


class Cup(Border):
    id: str
    colour: str
    size: int = 1


class Shelf(Border):
    owner: str
    cups: tuple[Cup, ...] = ()

    @model_validator(mode="after")
    def _is_sound(self, info: ValidationInfo) -> Shelf:
        banned = info.context or ()
        found = [
            Told(("cups", at, "colour"), f"no {cup.colour} here", unknown=cup.colour)
            for at, cup in enumerate(self.cups)
            if cup.colour in banned
        ]
        if found:
            raise Faults(found)
        return self


class Nothing(Border):
    size: int = 1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shelf.yaml"


def told(file: Path, text: str | bytes, context: object = None) -> list[str]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    _, faults = find_faults(file, Shelf, context)
    return [str(fault).replace(str(file), "FILE") for fault in faults]


def test_a_fault_stands_at_its_value_and_a_missing_key_where_it_is_lacking(file: Path) -> None:
    text = "owner: Ann\ncups:\n  - id: mug\n    colour: red\n    size: big\n  - {id: jug}\n"
    assert told(file, text) == [
        "FILE:5:11: cups.mug.size: Input should be a valid integer, unable to parse string as an "
        "integer (value 'big')",
        "FILE:6:5: cups.jug.colour: Field required",
    ]


def test_an_unknown_key_is_told_once_and_not_again_as_the_missing_one(file: Path) -> None:
    text = "owner: Ann\ncups: [{id: mug, color: red, x: 1}]\n"
    assert told(file, text) == [
        "FILE:2:18: cups.mug: unknown key 'color'; did you mean 'colour'? "
        "(known: id, colour, size)",
        "FILE:2:30: cups.mug: unknown key 'x' (known: id, colour, size)",
    ]


def test_keys_that_are_there_twice_are_all_told(file: Path) -> None:
    text = "owner: Ann\nowner: Bob\ncups:\n  - id: mug\n    colour: red\n    id: jug\nowner: Cy\n"
    assert told(file, text) == [
        "FILE:2:1: the key 'owner' is there twice (first in line 1)",
        "FILE:6:5: cups.jug: the key 'id' is there twice (first in line 4)",
        "FILE:7:1: the key 'owner' is there twice (first in line 1)",
    ]


def test_whole_model_checks_are_told_beside_the_faults_of_other_entries(file: Path) -> None:
    text = (
        "owner: Ann\ncups:\n  - {id: a, colour: 1}\n  - {id: b, colour: red}\n"
        "  - {id: c, colour: [x]}\n  - {id: d, colour: blue}\n"
    )
    assert told(file, text, context=("red", "blue")) == [
        "FILE:3:21: cups.a.colour: Input should be a valid string (value 1)",
        "FILE:4:21: cups.b.colour: no red here",
        "FILE:5:21: cups.c.colour: Input should be a valid string (value ['x'])",
        "FILE:6:21: cups.d.colour: no blue here",
    ]


def test_a_name_that_a_faulty_entry_has_is_not_told_as_unknown(file: Path) -> None:
    text = "owner: Ann\ncups:\n  - {id: red, colour: 1}\n  - {id: b, colour: red}\n"
    assert told(file, text, context=("red",)) == [
        "FILE:3:23: cups.red.colour: Input should be a valid string (value 1)"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "FILE:1:1: the file is empty; it needs owner"),
        ("# nothing\n", "FILE:1:1: the file is empty; it needs owner"),
        ("[]", "FILE:1:1: should hold keys, each with a value (value [])"),
        ("owner: Ann\ncups: mug", "FILE:2:7: cups: should be a list (value 'mug')"),
        (
            "owner: Ann\n\tcups: []\n",
            "FILE:2:1: not a readable YAML file (while scanning for the next token found "
            "character '\\t' that cannot start any token)",
        ),
        ("owner: [Ann\n", "FILE:2:1: not a readable YAML file (while parsing a flow sequence "),
        ("owner: Ann\n--- \nowner: Bob", "FILE:2:1: not a readable YAML file (expected a single"),
        ("owner: *ann", "FILE:1:8: not a readable YAML file (found undefined alias 'ann')"),
        ("? [a]\n: b", "FILE:1:3: not a readable YAML file (while constructing a mapping found"),
        (b"owner: Ann\ncups: \xff", "FILE:2:7: not a readable YAML file (not UTF-8)"),
        ("owner: Ann\nx: \x01", "FILE:2:4: not a readable YAML file (the character #x0001 is n"),
        ("[" * 5_000, "FILE:1:1: not a readable YAML file (too many things inside one another)"),
    ],
)
def test_what_cannot_be_read_has_a_place_too(text: str | bytes, says: str, file: Path) -> None:
    found = told(file, text)
    assert len(found) == 1
    assert found[0].startswith(says)


def test_a_text_that_only_looks_like_a_date_is_left_as_it_is(file: Path) -> None:
    file.write_text("owner: 2018-02-30\n")
    assert read_border(file, Shelf, ConfigError).owner == "2018-02-30"


def test_an_anchor_may_be_used_again(file: Path) -> None:
    text = "owner: Ann\ncups:\n  - &mug {id: mug, colour: red}\n  - *mug\n"
    file.write_text(text)
    assert len(read_border(file, Shelf, ConfigError).cups) == 2


def test_an_empty_file_is_enough_where_nothing_is_needed(file: Path) -> None:
    file.write_text("")
    assert read_border(file, Nothing, ConfigError) == Nothing()


def test_one_fault_is_one_line_and_several_are_counted(file: Path) -> None:
    file.write_text("owner: 1\n")
    with pytest.raises(ConfigError) as one:
        read_border(file, Shelf, ConfigError)
    assert str(one.value) == f"{file}:1:8: owner: Input should be a valid string (value 1)"
    file.write_text("owner: 1\ncups: 2\n")
    with pytest.raises(ConfigError) as two:
        read_border(file, Shelf, ConfigError)
    assert str(two.value).split("\n") == [
        f"{file}: 2 faults",
        f"  {file}:1:8: owner: Input should be a valid string (value 1)",
        f"  {file}:2:7: cups: should be a list (value 2)",
    ]


def test_a_check_of_the_reader_names_entries_by_id_or_position(file: Path) -> None:
    file.write_text("owner: Ann\ncups:\n  - {id: mug, colour: red}\n  - {id: jug, colour: red}\n")

    def check(shelf: Shelf) -> None:
        raise Faults([(("cups", "jug"), "is cracked"), (("cups", 0, "lid"), "is missing")])

    with pytest.raises(ConfigError) as caught:
        read_border(file, Shelf, ConfigError, check=check)
    assert str(caught.value).split("\n")[1:] == [
        f"  {file}:3:5: cups.mug.lid: is missing",
        f"  {file}:4:5: cups.jug: is cracked",
    ]


def test_a_long_value_is_cut(file: Path) -> None:
    file.write_text(f"owner: Ann\ncups: {'x' * 200}\n")
    with pytest.raises(ConfigError, match=r"\(value 'x{79}\.\.\.\)$"):
        read_border(file, Shelf, ConfigError)
