from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from decisioning.catalog import Catalog
from decisioning.expressions import Reader, Vocabulary
from decisioning.local_time import LocalTime
from decisioning.request import ContextEntry, DecisionRequest


def test_the_reader_gives_what_is_known_and_leaves_out_what_is_not(catalog: Catalog) -> None:
    names = Vocabulary.of(catalog.ordered)
    wanted = (
        "profile.trips_91d", "known.profile.trips_91d", "known.journey.days_since_complaint",
        "journey.days_since_complaint", "action.category_trips_all", "action.size", "action.kind",
        "known.action.size", "action.id", "request.channel", "request.hour", "request.weekday",
        "request.placements", "request.contexts",
    )  # fmt: skip
    columns = {
        "trips_91d": np.array([3.0, 3.0]),
        "days_since_complaint": np.array([np.nan, np.nan]),
        "category_trips_all": np.array([7.0, np.nan]),
    }
    request = DecisionRequest(
        "7", channel="bot", placements=("top",), contexts=(ContextEntry("page", "kind", "tea"),)
    )
    reader = Reader(names, wanted)
    local = LocalTime.at(datetime(2018, 1, 1, 23, 30, tzinfo=UTC), "Europe/Berlin", "UTC")
    assert reader.customer(columns, request, local) == {
        "profile.trips_91d": 3.0,
        "known.profile.trips_91d": True,
        "known.journey.days_since_complaint": False,
        "request.channel": "bot",
        "request.hour": 0,
        "request.weekday": 2,
        "request.placements": ["top"],
        "request.contexts": {"page.kind": "tea"},
    }
    assert reader.row(columns, 0, 0) == {
        "action.category_trips_all": 7.0, "action.size": 2.0, "action.kind": "hot",
        "known.action.size": True, "action.id": "coffee",
    }  # fmt: skip
    assert reader.row(columns, 1, 1) == {
        "action.kind": "fresh", "known.action.size": False, "action.id": "eggs",
    }  # fmt: skip


def test_a_name_of_the_request_is_not_read_without_one() -> None:
    with pytest.raises(ValueError, match="request.hour"):
        Reader(Vocabulary.of(()), ["request.hour"]).customer({})
