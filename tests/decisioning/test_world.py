from __future__ import annotations

from dataclasses import replace

from decisioning.catalog import Catalog
from decisioning.world import build_world
from features.calendar import Calendar
from features.layout import Layout


def test_a_world_with_a_fitting_model_is_whole(catalog: Catalog, model, layout: Layout) -> None:
    world = build_world(catalog, model, layout, Calendar())
    assert world.degraded == ()
    assert world.model is model
    assert world.builder is not None
    assert world.versions.model == "fake/1"
    assert world.versions.catalog == catalog.version
    assert world.versions.features == layout.hash


def test_a_world_without_a_model_says_so(catalog: Catalog, layout: Layout) -> None:
    world = build_world(catalog, None, layout, Calendar())
    assert (world.degraded, world.model, world.builder) == (("no_model",), None, None)


def test_a_model_still_fits_when_the_catalog_has_grown(
    catalog: Catalog, model, layout: Layout
) -> None:
    wider = Layout.of((*layout.categories, "NEW"), layout.actions)
    world = build_world(catalog, model, wider, Calendar())
    assert world.degraded == ()
    assert world.model is model


def test_a_model_that_needs_what_is_not_there_is_left_out(
    catalog: Catalog, model, layout: Layout
) -> None:
    strange = replace(model, weights={"shoe_size": 1.0})
    world = build_world(catalog, strange, layout, Calendar())
    assert world.degraded == ("model_features_missing",)
    assert world.model is None


def test_a_model_may_use_the_attributes_of_the_actions(
    catalog: Catalog, model, layout: Layout
) -> None:
    sized = replace(model, weights={"size": 1.0, "kind": 1.0})
    assert build_world(catalog, sized, layout, Calendar()).degraded == ()
