from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import yaml

from decisioning.catalog import Catalog, dump_catalog, load_catalog
from features.errors import CatalogError

DEMO = Path(__file__).parents[2] / "configs" / "complete_journey" / "actions.yaml"


@pytest.fixture
def refuse(catalog_text: str, tmp_path: Path) -> Callable[..., str]:
    """The message about the catalog after one change of its text."""

    def refuse(old: str, new: str) -> str:
        assert old in catalog_text
        path = tmp_path / "actions.yaml"
        path.write_text(catalog_text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(CatalogError) as caught:
            load_catalog(path)
        return str(caught.value).replace(str(path), "FILE")

    return refuse


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "issue: win_back",
            "isue: win_back",
            "actions.coffee: unknown key 'isue'; did you mean 'i",
        ),
        ("group: pantry", "", "actions.pasta_sauce.group: Field required"),
        ("id: tea", "id: two words", "actions.two words.id: String should match pattern"),
        ("id: tea", "id: 7", "actions.3.id: Input should be a valid string (value 7)"),
        ("id: tea", "id: coffee", "the id 'coffee' is there twice"),
        ("id: tea", "id: do_nothing", "the id 'do_nothing' is there twice"),
        (", de: Kaffee}", "}", "actions.coffee.name.de: the German text is missing"),
        ("amount: 2.5", "amount: -1", "actions.tea.value.amount: Input should be greater than"),
        ("amount: 2.5", "amount: .nan", "actions.tea.value.amount: Input should be a finite num"),
        ("amount: 2.5", "amout: 2.5", "actions.tea.value: unknown key 'amout'; did you mean 'am"),
        ("kind: fixed", "kind: fix", "actions.tea.value: Input tag 'fix' found using 'kind' does"),
        ("group: pantry", "group: pantry\n    response_window_days: 0", "(value 0)"),
        ("feature: days_since_category", "feature: days_since_categry", "unknown feature 'days_si"),
        ("feature: days_since_category", "feature: kind", "unknown feature 'kind'; it is a text"),
        ("feature: days_since_category", "feature: category_last_at", "unknown feature 'category"),
        ("more_than: 56", "more_than: 56\n    less_than: 80", "found more_than and less_than"),
        ("more_than: 56", "", "needs exactly one of at_least, at_most, more_than, less_than, eq"),
        ("more_than: 56", "more_than: many", "eligibility.0.more_than: Input should be a valid n"),
        (
            "{inline_name}?",
            "{inlinename}?",
            "treatments.web.en.title: unknown variable 'inlinename",
        ),
        ("{inline_name}?", "{name!r}?", "treatments.web.en.title: unknown variable 'name'"),
        ("{inline_name}?", "{inline_name?", "treatments.web.en.title: expected '}'"),
        ("    bot: {en: {title: W", "    fax: {en: {title: W", "default_action.treatments.fax"),
        ("attributes: {kind: fresh}", "attributes: {kind: 3}", "actions.eggs.attributes.kind: a"),
        ("attributes: {kind: fresh}", "attributes: {spend_91d: 3}", "'spend_91d' is taken"),
        (
            "group: pantry",
            "group: pantry\n    valid_from: 2018-02-01\n    valid_to: 2018-01-01",
            "actions.pasta_sauce: valid_from 2018-02-01T00:00:00+00:00 is not before valid_to",
        ),
    ],
)
def test_a_fault_is_named_with_its_place_and_value(
    refuse: Callable[..., str], old: str, new: str, says: str
) -> None:
    assert says in refuse(old, new)


def test_a_key_that_is_there_twice_is_refused(refuse: Callable[..., str]) -> None:
    message = refuse("group: pantry", "group: pantry\n    group: snacks")
    assert "the key 'group' is there twice" in message
    assert "line" in message


def test_all_faults_are_told_at_once(refuse: Callable[..., str]) -> None:
    message = refuse("issue: win_back\n    group: breakfast", "issue: WIN\n    group: 9")
    first, second, third = message.split("\n")
    assert first == "FILE: 2 faults"
    assert second.startswith("  FILE:27:12: actions.coffee.issue: ")
    assert third.startswith("  FILE:28:12: actions.coffee.group: ")


def test_a_default_action_has_something_to_say_on_every_channel(refuse) -> None:
    message = refuse("    email: {en: {title: Nothing", "    app: {en: {title: Nothing")
    assert message == "FILE:20:5: default_action.treatments: the channel 'email' is missing"


@pytest.mark.parametrize("text", ["", "[]", "actions: [", "just words", "? [a]\n: b", "1: 2"])
def test_what_is_not_a_catalog_at_all_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "actions.yaml"
    path.write_text(text)
    with pytest.raises(CatalogError, match=r"actions\.yaml:1:\d+: "):
        load_catalog(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"none\.yaml: not a readable YAML file"):
        load_catalog(tmp_path / "none.yaml")


def test_a_catalog_is_the_same_after_being_written_and_read(
    catalog: Catalog, tmp_path: Path
) -> None:
    dump_catalog(catalog, tmp_path / "copy.yaml")
    copy = load_catalog(tmp_path / "copy.yaml")
    assert copy == catalog
    assert copy.version == catalog.version


def test_a_version_changes_with_the_content_and_not_with_the_order(
    catalog: Catalog, catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    content = yaml.safe_load(catalog_text)
    content["actions"].reverse()
    assert read_catalog(yaml.safe_dump(content)).version == catalog.version
    content["actions"][0]["enabled"] = False
    assert read_catalog(yaml.safe_dump(content)).version != catalog.version


def test_actions_stand_by_id_in_every_array(catalog: Catalog) -> None:
    rows = catalog.action_rows(catalog.encodings())
    assert rows.action_ids == catalog.action_ids == ("coffee", "eggs", "pasta_sauce", "tea")
    assert rows.categories == ("COFFEE", "EGGS", "PASTA SAUCE", "TEA")
    assert rows.attributes["action_code"].tolist() == [0.0, 1.0, 2.0, 3.0]
    np.testing.assert_array_equal(rows.attributes["size"], [2.0, np.nan, np.nan, 1.0])
    np.testing.assert_array_equal(rows.attributes["kind"], [1.0, 0.0, np.nan, 1.0])


def test_a_text_that_the_model_has_not_seen_is_missing(catalog: Catalog) -> None:
    rows = catalog.action_rows({"action_code": {"tea": 5}, "kind": {"hot": 2}})
    np.testing.assert_array_equal(rows.attributes["action_code"], [np.nan, np.nan, np.nan, 5.0])
    np.testing.assert_array_equal(rows.attributes["kind"], [2.0, np.nan, np.nan, 2.0])


def test_without_codes_there_is_no_action_code(catalog: Catalog) -> None:
    assert sorted(catalog.action_rows({}).attributes) == ["kind", "size"]


def test_an_exported_action_has_naive_utc_times(
    catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    bounded = catalog_text.replace(
        "group: pantry", "group: pantry\n    valid_from: 2018-01-01T02:00:00+02:00"
    )
    row = read_catalog(bounded).export_actions()[2]
    assert row["action_id"] == "pasta_sauce"
    assert (row["name"], row["category"]) == ("Pasta sauce", "PASTA SAUCE")
    assert row["valid_from"] == datetime(2018, 1, 1)
    assert row["valid_to"] is None


def test_a_time_without_offset_is_utc(
    catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    dated = catalog_text.replace("group: pantry", "group: pantry\n    valid_to: 2018-03-01")
    assert read_catalog(dated).ordered[2].valid_to == datetime(2018, 3, 1, tzinfo=UTC)


def test_the_demo_has_the_32_categories_and_3_services_in_both_languages() -> None:
    demo = load_catalog(DEMO)
    learnt = demo.learnable
    assert len(learnt.actions) == len({action.category for action in learnt.actions}) == 32
    assert {action.issue for action in learnt.actions} == {"win_back"}
    services = {*demo.action_ids} - {*learnt.action_ids}
    assert services == {"apology_and_fix", "retention_talk", "service_follow_up"}
    for action_id in (*demo.action_ids, "do_nothing"):
        only_advisor = action_id == "retention_talk"
        for channel in ("advisor",) if only_advisor else ("web", "app", "bot", "advisor", "email"):
            english = demo.treatment(action_id, channel, "en")
            german = demo.treatment(action_id, channel, "de")
            assert english and german and english.text != german.text
            assert "{" not in english.title + english.text + german.title + german.text
    assert demo.treatment("retention_talk", "web", "en") is None
    assert all(math.isfinite(row["cost"]) for row in demo.export_actions())


def test_a_service_of_the_demo_needs_a_reason() -> None:
    demo = load_catalog(DEMO)
    features = {rule.feature for rule in demo.rule_book.rules}
    ordinary = {name: np.full(len(demo.actions), np.nan) for name in features}
    passed = demo.rule_book.passes(ordinary, np.arange(len(demo.actions)))
    assert {demo.action_ids[at] for at in np.flatnonzero(passed)} == {*demo.learnable.action_ids}


def test_what_can_be_learnt_leaves_out_actions_with_a_propensity_of_their_own(
    catalog: Catalog, catalog_text: str, read_catalog: Callable[[str], Catalog]
) -> None:
    assert catalog.learnable == catalog
    fixed = read_catalog(
        catalog_text.replace("group: pantry", "group: pantry\n    propensity: 0.5")
    )
    assert fixed.action_ids == ("coffee", "eggs", "pasta_sauce", "tea")
    assert fixed.learnable.action_ids == ("coffee", "eggs", "tea")
    assert fixed.learnable.encodings()["action_code"] == {"coffee": 0, "eggs": 1, "tea": 2}


def test_the_demo_tells_an_advisor_what_to_say_and_a_bot_what_can_be_tapped() -> None:
    demo = load_catalog(DEMO)
    advice = demo.treatment("pasta_sauce", "advisor", "en")
    assert advice is not None
    assert "Mention pasta sauce once; a no is fine." in advice.talking_points
    chat = demo.treatment("pasta_sauce", "bot", "de")
    assert chat is not None
    assert chat.quick_replies == ("Ja, bitte", "Vielleicht später", "Nein, danke")
    assert (chat.accept_label, chat.later_label) == ("Ja, bitte", "Vielleicht später")
    assert "I buy that elsewhere now." in [one.objection for one in advice.objections]
