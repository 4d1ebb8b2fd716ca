from __future__ import annotations

import pytest

from decisioning.catalog import Catalog
from decisioning.expressions import Vocabulary
from features import contacts, declared
from features.spec import Block

NAMES = Vocabulary.of(())


@pytest.fixture
def names(catalog: Catalog) -> Vocabulary:
    return Vocabulary.of(catalog.ordered)


def test_every_declared_input_has_exactly_one_name_and_can_be_asked_for() -> None:
    named = list(NAMES.columns.values())
    assert sorted(named) == sorted(declared.model_inputs())
    assert all(NAMES.kinds[f"known.{name}"] == "bool" for name in NAMES.columns)


def test_touchpoints_are_the_journey_and_purchases_the_profile() -> None:
    of_contacts = {feature.name for feature in (*contacts.STORED, *contacts.DERIVED)}
    for name, feature in NAMES.columns.items():
        if declared.feature(feature).block is not Block.CUSTOMER:
            assert name == f"action.{feature}"
        else:
            assert name == f"{'journey' if feature in of_contacts else 'profile'}.{feature}"


def test_attributes_of_actions_are_names_with_their_own_type(names: Vocabulary) -> None:
    assert (names.kinds["action.size"], names.kinds["action.kind"]) == ("double", "string")
    assert names.kinds["known.action.size"] == names.kinds["known.action.kind"] == "bool"
    assert [facts.get("action.size") for facts in names.facts] == [2.0, None, None, 1.0]
    assert [facts["action.category"] for facts in names.facts][:2] == ["COFFEE", "EGGS"]


def test_an_attribute_with_a_name_that_nobody_can_write_is_no_name(catalog: Catalog) -> None:
    odd = catalog.ordered[0].model_copy(update={"attributes": {"size of pack": 1.0, "in": 2.0}})
    assert {name for name in Vocabulary.of((odd,)).kinds if "pack" in name or ".in" in name} == {
        name for name in NAMES.kinds if "pack" in name or ".in" in name
    }


def test_an_attribute_never_hides_what_the_catalog_says_of_every_action(catalog: Catalog) -> None:
    odd = catalog.ordered[0].model_copy(update={"attributes": {"id": 7.0, "cost": "much"}})
    names = Vocabulary.of((odd,))
    assert (names.kinds["action.id"], names.kinds["action.cost"]) == ("string", "double")
    assert (names.facts[0]["action.id"], names.facts[0]["action.cost"]) == ("coffee", 0.0)
    assert "known.action.cost" not in names.kinds
