"""The workload of the decision benchmarks: more actions and policies than the demo has."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.whole_request import written
from benchmarks.wide_world import widened
from decisioning.configuration import Configuration, load_configuration

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo() -> Configuration:
    return load_configuration(ROOT / "configs" / "complete_journey" / "actions.yaml")


@pytest.mark.parametrize("actions", [50, 200])
def test_a_catalog_gets_as_many_actions_as_are_asked_for(demo: Configuration, actions: int) -> None:
    catalog = widened(demo, actions).catalog
    assert len(set(catalog.action_ids)) == actions
    assert set(demo.catalog.action_ids) <= set(catalog.action_ids)
    assert {a.category for a in catalog.actions} == {a.category for a in demo.catalog.actions}


def test_a_catalog_that_is_wide_enough_stays_as_it_is(demo: Configuration) -> None:
    assert widened(demo, 10, 0, 0) == demo


def test_there_are_as_many_policies_of_each_scope_as_are_asked_for(demo: Configuration) -> None:
    scopes = [policy.scope for policy in widened(demo, 50).policies.policies]
    assert (scopes.count("customer"), scopes.count("action")) == (16, 4)


def test_what_is_written_for_a_server_is_read_as_the_same(
    demo: Configuration, tmp_path: Path
) -> None:
    wide = widened(demo, 50)
    assert load_configuration(written(wide, tmp_path)).content == wide.content
