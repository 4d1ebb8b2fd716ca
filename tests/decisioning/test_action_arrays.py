from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from decisioning.action_arrays import PURPOSES
from decisioning.catalog import Catalog

MORE = """group: pantry
    valid_from: 2018-01-01T02:00:00+02:00
    valid_to: 2018-03-01
    enabled: false
    mandatory: true
    impact: significant
    purpose: transactional
    propensity: 0.25
    cost: 1.5
    response_window_days: 7
    channels: [advisor]"""


@pytest.fixture
def rich(catalog_text: str, read_catalog: Callable[[str], Catalog]) -> Catalog:
    return read_catalog(catalog_text.replace("group: pantry", MORE))


def test_what_an_action_says_stands_at_its_place_in_every_array(rich: Catalog) -> None:
    arrays, at = rich.arrays, rich.position["pasta_sauce"]
    assert arrays.starts[at] == datetime(2018, 1, 1, tzinfo=UTC).timestamp()
    assert arrays.ends[at] == datetime(2018, 3, 1, tzinfo=UTC).timestamp()
    assert (arrays.enabled[at], arrays.mandatory[at], arrays.significant[at]) == (False, True, True)
    assert PURPOSES[arrays.purpose[at]] == "transactional"
    assert (arrays.fixed_propensity[at], arrays.cost[at], arrays.window_days[at]) == (0.25, 1.5, 7)


def test_what_an_action_does_not_say_is_open(rich: Catalog) -> None:
    arrays, others = rich.arrays, np.array([0, 1, 3])
    assert np.all(arrays.starts[others] == -np.inf) and np.all(arrays.ends[others] == np.inf)
    assert arrays.enabled[others].all() and not arrays.mandatory[others].any()
    assert np.isnan(arrays.fixed_propensity[others]).all()


def test_groups_and_issues_are_positions_in_their_names(rich: Catalog) -> None:
    arrays = rich.arrays
    assert arrays.groups == ("breakfast", "dairy", "pantry")
    assert [arrays.groups[at] for at in arrays.group_of] == [a.group for a in rich.ordered]
    assert (arrays.issues, arrays.issue_of.tolist()) == (("win_back",), [0, 0, 0, 0])


def test_an_action_is_said_where_there_is_a_text_for_it(rich: Catalog) -> None:
    assert rich.arrays.said_on("web", "de").tolist() == [True, True, False, True]
    assert rich.arrays.said_on("app", "en").tolist() == [True, True, False, True]
    assert rich.arrays.said_on("advisor", "en").all()
    assert not rich.arrays.said_on("email", "en").any()
