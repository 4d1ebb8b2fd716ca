"""What the engine keeps current while it answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from decisioning.history import NO_HISTORY
from decisioning.request import DecisionRequest
from features.clock import FixedClock
from features.errors import CatalogError, FeatureError, LayoutError
from serving.engine import _OPEN_AGAIN_S

QUESTION = DecisionRequest("1")


def _best(engine: Any) -> str:
    return str(engine.answer(QUESTION, NO_HISTORY).decision.results[0].action_id)


def test_a_new_catalog_goes_live(house: Any, catalog: Callable[[str], str]) -> None:
    engine = house.engine()
    house.catalog.write_text(catalog("New words"))
    assert engine.refresh()
    assert engine.answer(QUESTION, NO_HISTORY).decision.results[0].treatment.title == "New words"
    assert not engine.refresh()


def test_a_bad_catalog_is_refused_and_told_and_a_good_one_heals_it(
    house: Any, catalog: Callable[[str], str]
) -> None:
    engine = house.engine()
    house.catalog.write_text("actions: 7")
    engine.refresh()
    assert _best(engine) == "tea"
    assert engine.degraded() == ["catalog_refused"]
    house.catalog.write_text(catalog("Healed"))
    assert engine.refresh()
    assert engine.degraded() == []


def test_without_any_catalog_the_engine_does_not_start(house: Any) -> None:
    house.catalog.write_text("actions: 7")
    with pytest.raises(CatalogError, match=r"actions\.yaml"):
        house.engine()


def test_a_promoted_model_goes_live_and_a_bad_one_does_not(house: Any) -> None:
    first = house.model
    engine = house.engine()
    house.model, house.model_stamp = type(first)(house.store.layout, "2"), 1
    assert engine.refresh()
    assert engine.answer(QUESTION, NO_HISTORY).decision.versions.model == "adoption/2"
    house.model, house.model_stamp = None, 2
    assert not engine.refresh()
    assert engine.answer(QUESTION, NO_HISTORY).decision.versions.model == "adoption/2"
    assert engine.degraded() == ["model_refused"]


def test_the_first_model_goes_live_when_it_is_promoted(house: Any) -> None:
    model, house.model = house.model, None
    engine = house.engine()
    assert engine.degraded() == ["no_model"]
    house.model, house.model_stamp = model, 1
    assert engine.refresh()
    assert _best(engine) == "tea"


def test_a_model_that_needs_a_feature_nobody_declared_is_not_used(house: Any) -> None:
    house.model.features = ("shoe_size",)
    engine = house.engine()
    assert engine.degraded() == ["model_features_missing"]
    assert _best(engine) == "do_nothing"


def test_a_store_that_opens_late_is_taken_up(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.engine._OPEN_AGAIN_S", 0.0)
    house.opened = FeatureError("not built yet")
    engine = house.engine()
    assert engine.degraded() == ["features_unavailable"]
    house.opened = None
    assert engine.refresh()
    assert engine.degraded() == []
    assert _best(engine) == "tea"


def test_a_store_that_was_built_anew_is_opened_again(house: Any) -> None:
    engine = house.engine()
    former = house.store
    house.store = type(former)(known=("2",))
    (house.folder / "layout.json").write_text("{}")
    assert engine.refresh()
    assert engine.answer(QUESTION, NO_HISTORY).decision.degraded == ("unknown_customer",)


def test_another_online_store_in_the_place_of_the_first_is_opened(house: Any) -> None:
    (house.folder / "online.db").write_text("one")
    engine = house.engine()
    former = house.store
    house.store = type(former)(known=("2",))
    (house.folder / "online.db").write_text("rows were written, it is the same file")
    assert not engine.refresh()
    (house.folder / "other.db").write_text("two")
    (house.folder / "other.db").replace(house.folder / "online.db")
    assert engine.refresh()
    assert engine.answer(QUESTION, NO_HISTORY).decision.degraded == ("unknown_customer",)


def test_features_that_cannot_be_taken_up_are_told_and_the_former_go_on(house: Any) -> None:
    engine = house.engine()
    house.opened = FeatureError("layout.json: not a profile layout")
    (house.folder / "layout.json").write_text("null")
    engine.refresh()
    assert engine.degraded() == ["features_refused"]
    assert _best(engine) == "tea"


def test_a_profile_of_another_layout_is_told_as_one(house: Any) -> None:
    engine = house.engine()
    house.store.failure = LayoutError("profile of '1': layout x instead of y")
    assert engine.answer(QUESTION, NO_HISTORY).decision.degraded == ("profile_layout_mismatch",)


def test_popularity_is_read_once_a_day(house: Any) -> None:
    engine = house.engine()
    for _ in range(5):
        engine.answer(QUESTION, NO_HISTORY)
    assert house.store.popularity_reads == 1
    engine.clock = FixedClock(house.clock.moment + timedelta(days=1))
    engine.answer(QUESTION, NO_HISTORY)
    engine.answer(QUESTION, NO_HISTORY)
    assert house.store.popularity_reads == 2


def test_a_popularity_that_the_store_has_lost_is_kept_and_asked_for_again_soon(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.store.popularity = 0.25
    engine = house.engine()
    house.store.popularity = np.nan
    engine.clock = FixedClock(house.clock.moment + timedelta(days=1))
    assert (engine.current().popularity == 0.25).all()
    monkeypatch.setattr("serving.engine.monotonic", lambda: monotonic() + _OPEN_AGAIN_S)
    house.store.popularity = 0.75
    engine.refresh()
    assert (engine.current().popularity == 0.75).all()


def test_a_rollback_to_the_last_model_needs_no_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from serving import following

    live = {"version": "1"}
    loaded: list[str] = []

    def read(models: Path, name: str) -> Any:
        return SimpleNamespace(version=live["version"], manifest_sha256="0")

    def load(models: Path, name: str) -> Any:
        loaded.append(live["version"])
        return read(models, name), f"model {live['version']}"

    monkeypatch.setattr(following, "read_champion", read)
    monkeypatch.setattr(following, "load_champion", load)
    champions = following.Champions(tmp_path, "adoption")
    for version in ("1", "2", "1", "2", "3", "2"):
        live["version"] = version
        assert champions.load() == f"model {version}"
    assert loaded == ["1", "2", "3"]
