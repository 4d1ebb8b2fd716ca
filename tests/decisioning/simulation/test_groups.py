from __future__ import annotations

import numpy as np
import pytest

from decisioning.simulation.groups import describe

CUSTOMERS = 400


@pytest.fixture
def facts() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    trips = random.normal(20.0, 5.0, CUSTOMERS)
    return {
        "trips_91d": trips,
        "trips_365d": 4.0 * trips + random.normal(0.0, 0.1, CUSTOMERS),
        "spend_per_trip_91d": random.normal(30.0, 10.0, CUSTOMERS),
        "days_since_purchase": np.where(random.random(CUSTOMERS) < 0.9, np.nan, 3.0),
        "presented_all": np.full(CUSTOMERS, 2.0),
    }


def test_a_group_is_told_by_what_sets_it_apart_once(facts: dict[str, np.ndarray]) -> None:
    inside = facts["trips_91d"] < np.quantile(facts["trips_91d"], 0.2)
    (group,) = describe({("few", "Few trips"): inside}, facts)
    assert (group.id, group.customers, group.share) == ("few", 80, 0.2)
    (trait,) = group.traits
    assert trait.feature in ("trips_91d", "trips_365d")
    assert trait.mean < trait.everybody
    assert trait.distance < -1.0
    assert trait.meaning and trait.unit == "trips"


def test_a_group_of_chance_is_much_like_everybody(facts: dict[str, np.ndarray]) -> None:
    inside = np.arange(CUSTOMERS) % 2 == 0
    (group,) = describe({("half", "Half"): inside}, facts)
    assert group.traits == ()


def test_four_customers_are_not_described(facts: dict[str, np.ndarray]) -> None:
    inside = np.argsort(facts["trips_91d"]).argsort() < 4
    (group,) = describe({("tiny", "Tiny"): inside}, facts)
    assert (group.customers, group.traits) == (4, ())


def test_nobody_is_a_group_too(facts: dict[str, np.ndarray]) -> None:
    (group,) = describe({("none", "Nobody"): np.zeros(CUSTOMERS, dtype=bool)}, facts)
    assert (group.customers, group.share, group.traits) == (0, 0.0, ())
