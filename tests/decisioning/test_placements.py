from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from decisioning.catalog import Catalog
from decisioning.placements import Placement

PLACEMENTS = """
placements:
  - {id: hero, channel: web, slots: 2, time_to_live_minutes: 5}
  - {id: start, channel: app}
  - {id: card, channel: advisor}
  - {id: main, channel: email}
"""


@pytest.fixture
def placed(catalog_text: str, read_catalog: Callable[[str], Catalog]) -> Catalog:
    own = """
    treatments:
      web:
        placements: [start]
        en: {title: a, text: b}
        de: {title: a, text: b}"""
    text = catalog_text.replace("group: pantry", "group: pantry" + own)
    return read_catalog(
        PLACEMENTS + text.replace("group: dairy", "group: dairy\n    channels: [web]")
    )


def fitting(catalog: Catalog, placement: str) -> set[str]:
    return {catalog.action_ids[at] for at in np.flatnonzero(catalog.arrays.fits(placement))}


def test_an_action_fits_where_it_has_a_text_that_may_stand_there(placed: Catalog) -> None:
    assert fitting(placed, "hero") == {"coffee", "eggs", "tea"}
    assert fitting(placed, "start") == {"coffee", "pasta_sauce", "tea"}
    assert fitting(placed, "card") == {"coffee", "pasta_sauce", "tea"}
    assert fitting(placed, "main") == set()


def test_into_a_placement_that_is_not_declared_fits_what_may_stand_anywhere(
    placed: Catalog,
) -> None:
    assert fitting(placed, "nowhere") == {"coffee", "eggs", "pasta_sauce", "tea"}
    assert placed.arrays.slots("nowhere") == 1


def test_slots_and_times_to_live_are_those_of_the_placement(placed: Catalog) -> None:
    assert placed.arrays.slots("hero") == 2
    assert placed.arrays.time_to_live_s("hero") == 300.0
    assert placed.arrays.time_to_live_s("card") == placed.arrays.time_to_live_s(None) == 1_800.0


def test_the_app_takes_what_is_written_for_the_web_and_not_the_reverse() -> None:
    assert Placement(id="start", channel="app").takes("web")
    assert not Placement(id="hero", channel="web").takes("app")
