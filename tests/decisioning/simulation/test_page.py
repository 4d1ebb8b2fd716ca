from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from decisioning.simulation import report_page
from decisioning.simulation.bands import OTHERS, bands
from decisioning.simulation.bars import Panel, bars

NO_COFFEE = ("    category: COFFEE\n", "    category: COFFEE\n    enabled: false\n")
HOSTILE = ("name: {en: Eggs,", "name: {en: '<script>alert(1)</script> & \"co\"',")


@pytest.fixture
def page(bench: Any) -> str:
    after = bench.configuration(NO_COFFEE, HOSTILE, name="after")
    return report_page(bench.report(bench.configuration(), after))


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|javascript:|url\(|@import", page)
    assert re.findall(r"https?:", page) == []
    assert " style=" not in page
    assert page.count("<style>") == 1


def test_names_of_the_catalog_are_text_everywhere(page: str) -> None:
    assert "&lt;script&gt;" in page


def test_the_page_suits_light_and_dark(page: str) -> None:
    assert "color-scheme: light dark" in page
    assert "@media (prefers-color-scheme: dark)" in page


def test_every_picture_is_whole_and_says_what_it_shows(page: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 5
    for picture in pictures:
        assert ElementTree.fromstring(picture).attrib["aria-label"]


def test_the_page_is_whole(page: str) -> None:
    body = re.sub(r"<(meta|!doctype)[^>]*>", "", page)
    body = re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL)
    ElementTree.fromstring(body)


def test_the_page_states_its_limits_and_ranges(page: str) -> None:
    for said in (
        "no lift", "exploration is switched off", "good from 7 on, poor below 2",
        "good up to 10%, poor above 80%", "The ledger was not read", "lowest\n5%",
    ):  # fmt: skip
        assert said in page, said


def test_a_change_that_moves_nobody_has_a_page_too(bench: Any) -> None:
    page = report_page(bench.report(bench.configuration(), bench.configuration(name="copy")))
    assert "Nobody: every customer would get the same first action." in page
    assert "say the same as the current ones" in page


def test_nobody_reachable_has_a_page_too(bench: Any) -> None:
    closed = bench.configuration(policies="")
    assert "no_consent" in report_page(bench.report(closed, closed))


def test_bars_are_as_long_as_their_values() -> None:
    panel = Panel("", [0.4, 0.1], [0.2, 0.0])
    picture = ElementTree.fromstring(bars("t", ["a", "b"], [panel], "{:.1f}".format))
    first, second, third, _ = (float(bar.attrib["width"]) for bar in picture.iter("rect"))
    assert first == pytest.approx(2 * second, abs=0.2) == pytest.approx(4 * third, abs=0.4)


def test_bars_of_nothing_are_drawn() -> None:
    panel = Panel("", [0.0], [0.0])
    assert "<rect" in bars("t", ["a"], [panel], "{:.1f}".format)
    assert ElementTree.fromstring(bars("t", [], [], "{:.1f}".format)) is not None


def test_bands_keep_every_customer_and_gather_the_rare_names() -> None:
    ways = [(f"from {n}", f"to {n % 3}", 20 - n) for n in range(12)]
    picture = ElementTree.fromstring(bands("t", ways))
    told = [title.text or "" for title in picture.iter("title")]
    counts = [int(one.rsplit(": ", 1)[1]) for one in told if ": " in one]
    assert sum(counts) == sum(count for _, _, count in ways)
    assert sum(OTHERS in "".join(text.itertext()) for text in picture.iter("text")) == 1
