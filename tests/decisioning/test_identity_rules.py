"""What people write in identity.yaml; every fault is told with its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisioning.identity_rules import IdentityRules, load_identity_rules
from features.errors import IdentityError

ROOT = Path(__file__).parents[2]


def read(tmp_path: Path, text: str) -> IdentityRules:
    (tmp_path / "identity.yaml").write_text(text)
    return load_identity_rules(tmp_path / "identity.yaml")


def test_without_a_file_the_usual_namespaces_are_known(tmp_path: Path) -> None:
    rules = load_identity_rules(tmp_path / "identity.yaml")
    assert rules.of("email").strength == "strong"
    assert (rules.of("cookie").strength, rules.of("cookie").on_login) == ("weak", "merge")
    assert (rules.of("campaign").strength, rules.of("campaign").on_login) == ("weak", "keep_apart")
    assert rules.place("loyalty") < rules.place("email") < rules.place("cookie")
    assert rules.place("cookie") < rules.place("campaign")


def test_the_rules_of_the_demo_can_be_read() -> None:
    rules = load_identity_rules(ROOT / "configs" / "complete_journey" / "identity.yaml")
    assert rules.of("loyalty_card").in_data == "namespace_sha256"


def test_an_empty_file_is_the_usual_rules(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n").known == IdentityRules().known


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("namespaces:\n  - id: cookie\n    strenght: weak\n", r"identity.yaml:3:5: .*strenght"),
        ("namespaces:\n  - {id: cookie, strength: soft}\n", r"identity.yaml:2:28: .*soft"),
        ("namespaces:\n  - {id: a}\n  - {id: a}\n", r"identity.yaml:3:10: .*'a' is there twice"),
        ("namespaces:\n  - {id: customer_id}\n", r"identity.yaml:2:10: .*always comes first"),
        (
            "namespaces:\n  - {id: card, strength: strong, shared: first}\n",
            r"identity.yaml:2:4\d: .*only a weak id can be shared",
        ),
        ("most_aliases: 1\n", r"identity.yaml:1:15: most_aliases"),
        ("others: {on_login: mix}\n", r"identity.yaml:1:20: others.on_login"),
        ("namespaces: [\n", r"identity.yaml:\d+:\d+: .*not a readable YAML file"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(IdentityError, match=told):
        read(tmp_path, text)
