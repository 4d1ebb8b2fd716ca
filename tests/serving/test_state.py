"""Everything a decision is taken from at one moment, and the names it is kept under."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from decisioning.configuration import Configuration, load_configuration
from decisioning.record import digest_of, layout_from, popularity_from
from features.calendar import Calendar
from features.layout import Layout
from serving.state import Snapshot, build_state


@pytest.fixture
def configuration(house: Any) -> Configuration:
    house.engine()
    return load_configuration(house.catalog)


def test_a_snapshot_is_named_by_its_content() -> None:
    one = Snapshot.of("layout", b"content")
    assert (one.kind, one.content, one.digest) == ("layout", b"content", digest_of(b"content"))
    assert "content" not in repr(one).replace("kind='layout'", "")


def test_a_state_holds_the_world_with_and_without_the_model(
    house: Any, configuration: Configuration
) -> None:
    state = build_state(configuration, house.model, house.store, Calendar())
    assert state.world.model is house.model
    assert state.plain.model is None and state.plain.degraded == ("no_model",)
    assert state.plain.configuration is state.world.configuration
    assert (state.store, state.day) == (house.store, None)


def test_what_decisions_refer_to_can_be_read_again(
    house: Any, configuration: Configuration
) -> None:
    state = build_state(configuration, house.model, house.store, Calendar())
    assert Configuration.from_content(state.configuration.content) == configuration
    assert layout_from(state.layout.content) == house.store.layout
    unknown = popularity_from(state.popular.content)
    assert unknown.shape == state.popularity.shape and np.isnan(unknown).all()


def test_other_popularity_is_another_snapshot_and_nothing_else_changes(
    house: Any, configuration: Configuration
) -> None:
    state = build_state(configuration, house.model, house.store, Calendar())
    fresh = state.with_popularity(np.ones_like(state.popularity))
    assert fresh.popular.digest != state.popular.digest
    assert (popularity_from(fresh.popular.content) == 1.0).all()
    assert fresh.world is state.world and fresh.configuration is state.configuration
    assert np.isnan(state.popularity).all()


def test_without_a_store_nothing_is_known_of_profiles(configuration: Configuration) -> None:
    state = build_state(configuration, None, None, Calendar())
    assert state.world.layout == Layout.of((), ())
    assert state.store is None
    assert state.world.degraded == ("no_model",)
