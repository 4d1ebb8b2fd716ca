from __future__ import annotations

from dataclasses import replace

from decisioning.configuration import Configuration
from decisioning.world import build_world
from features.calendar import Calendar
from features.layout import Layout


def test_a_world_with_a_fitting_model_is_whole(
    configuration: Configuration, model, layout: Layout
) -> None:
    world = build_world(configuration, model, layout, Calendar())
    assert world.degraded == ()
    assert world.model is model
    assert world.builder is not None
    assert world.versions.model == "fake/1"
    assert world.versions.catalog == configuration.catalog.version
    assert world.versions.features == layout.hash


def test_a_world_without_a_model_says_so(configuration: Configuration, layout: Layout) -> None:
    world = build_world(configuration, None, layout, Calendar())
    assert (world.degraded, world.model, world.builder.features) == (("no_model",), None, ())


def test_a_model_still_fits_when_the_catalog_has_grown(
    configuration: Configuration, model, layout: Layout
) -> None:
    wider = Layout.of((*layout.categories, "NEW"), layout.actions)
    world = build_world(configuration, model, wider, Calendar())
    assert world.degraded == ()
    assert world.model is model


def test_a_model_that_needs_what_is_not_there_is_left_out(
    configuration: Configuration, model, layout: Layout
) -> None:
    strange = replace(model, weights={"shoe_size": 1.0})
    world = build_world(configuration, strange, layout, Calendar())
    assert world.degraded == ("model_features_missing",)
    assert world.model is None


def test_a_model_may_use_the_attributes_of_the_actions(
    configuration: Configuration, model, layout: Layout
) -> None:
    sized = replace(model, weights={"size": 1.0, "kind": 1.0})
    assert build_world(configuration, sized, layout, Calendar()).degraded == ()
