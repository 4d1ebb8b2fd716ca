from __future__ import annotations

import pytest

from decisioning.treatments import Template, Wording, Words, inline, render, render_all

TEA = Words(en="Green tea", de="Grüner Tee")


def template(text: str) -> Template:
    return Template(
        en=Wording(title="{name}", text=text),
        de=Wording(title="{name}", text=text),
    )


def test_the_first_place_that_has_the_channel_wins() -> None:
    own, common = {"web": template("own")}, {"web": template("common"), "bot": template("common")}
    texts = render_all(TEA, {}, [("own", own), ("common", common)])
    assert texts["web", "en"].text == "own"
    assert texts["bot", "en"].text == "common"


def test_the_app_says_what_the_website_says_unless_it_has_its_own_text() -> None:
    assert render_all(TEA, {}, [("all", {"web": template("web")})])["app", "de"].text == "web"
    both = {"web": template("web"), "app": template("app")}
    assert render_all(TEA, {}, [("all", both)])["app", "de"].text == "app"


def test_a_channel_without_a_text_has_no_treatment() -> None:
    assert ("email", "en") not in render_all(TEA, {}, [("all", {"web": template("web")})])


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
        [("all", {"advisor": Template(en=wording, de=wording)})],
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
