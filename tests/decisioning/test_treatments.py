from __future__ import annotations

import pytest

from decisioning.border import Faults
from decisioning.decision import Objection
from decisioning.treatments import (
    ButtonLabels,
    Labels,
    ObjectionWords,
    Template,
    Wording,
    Words,
    inline,
    render,
    render_all,
)

TEA = Words(en="Green tea", de="Grüner Tee")


def template(text: str) -> Template:
    return Template(
        en=Wording(title="{name}", text=text),
        de=Wording(title="{name}", text=text),
    )


def test_the_first_place_that_has_the_channel_wins() -> None:
    own, common = {"web": template("own")}, {"web": template("common"), "bot": template("common")}
    texts = render_all(TEA, {}, [(("own",), own), (("common",), common)])
    assert texts["web", "en"].text == "own"
    assert texts["bot", "en"].text == "common"


def test_the_app_says_what_the_website_says_unless_it_has_its_own_text() -> None:
    assert render_all(TEA, {}, [(("all",), {"web": template("web")})])["app", "de"].text == "web"
    both = {"web": template("web"), "app": template("app")}
    assert render_all(TEA, {}, [(("all",), both)])["app", "de"].text == "app"


def test_a_channel_without_a_text_has_no_treatment() -> None:
    assert ("email", "en") not in render_all(TEA, {}, [(("all",), {"web": template("web")})])


def test_names_and_attributes_are_filled_into_every_part() -> None:
    wording = Wording(
        title="{name}",
        text="{inline_name}, {grams} g of {origin}",
        talking_points=("{name} first",),
        quick_replies=("More {inline_name}",),
    )
    filled = render_all(
        TEA,
        {"grams": 250.0, "origin": "Assam"},
        [(("all",), {"advisor": Template(en=wording, de=wording)})],
    )
    assert filled["advisor", "en"].text == "green tea, 250 g of Assam"
    assert filled["advisor", "de"].text == "Grüner Tee, 250 g of Assam"
    assert filled["advisor", "en"].talking_points == ("Green tea first",)
    assert filled["advisor", "en"].quick_replies == ("More green tea",)


@pytest.mark.parametrize("text", ["{0}", "{}", "{name.upper}", "{name:>9}", "{name!r}", "{Name}"])
def test_only_plain_variables_are_filled_in(text: str) -> None:
    with pytest.raises(ValueError, match="text: unknown variable"):
        render(Wording(title="t", text=text), "web", "en", {"name": "Tea"})


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Pasta sauce", "pasta sauce"),
        ("BBQ sauce", "BBQ sauce"),
        ("Gold Card", "Gold Card"),
        ("eggs", "eggs"),
    ],
)
def test_an_english_name_loses_its_capital_inside_a_sentence_unless_it_is_proper(
    name: str, inside: str
) -> None:
    assert inline(name, "en") == inside
    assert inline(name, "de") == name


def test_a_button_says_what_the_wording_else_the_catalog_else_the_product_says() -> None:
    wording = Wording(title="t", text="t", accept="Take {inline_name}")
    labels = Labels(en=ButtonLabels(accept="Sure", later="Soon"))
    both = {"web": Template(en=wording, de=wording)}
    said = render_all(TEA, {}, [(("all",), both)], labels)
    english, german = said["web", "en"], said["web", "de"]
    assert english.accept_label == "Take green tea"
    assert (english.decline_label, english.later_label) == ("No, thanks", "Soon")
    assert (german.decline_label, german.later_label) == ("Nein, danke", "Vielleicht später")


def test_objections_are_filled_in_too_and_placements_are_passed_on() -> None:
    no = ObjectionWords(objection="No {inline_name}!", answer="{name} it is not, then.")
    wording = Wording(title="t", text="t", objections=(no,))
    template_of_tea = Template(en=wording, de=wording, placements=("card",))
    said = render_all(TEA, {}, [(("all",), {"advisor": template_of_tea})])["advisor", "de"]
    assert said.objections == (Objection("No Grüner Tee!", "Grüner Tee it is not, then."),)
    assert said.placements == ("card",)


def test_only_the_channels_that_are_asked_for_are_said() -> None:
    both = {"web": template("web"), "advisor": template("advisor")}
    said = render_all(TEA, {}, [(("all",), both)], channels=("advisor",))
    assert {channel for channel, _ in said} == {"advisor"}


def test_all_faults_of_all_texts_are_told_with_their_places() -> None:
    wrong = Wording(title="{nam}", text="{", talking_points=("ok", "{x}"))
    right = Wording(title="t", text="t")
    with pytest.raises(Faults) as caught:
        render_all(TEA, {}, [(("all",), {"web": Template(en=wrong, de=right)})])
    assert [told.path for told in caught.value.found] == [
        ("all", "web", "en", "title"),
        ("all", "web", "en", "text"),
        ("all", "web", "en", "talking_points", 1),
    ]
