"""A world with something else written in one of its files, and decisions taken in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from decisioning.arbitration import ArbitrationFile
from decisioning.catalog import Catalog
from decisioning.configuration import Configuration
from decisioning.decide import decide
from decisioning.decision import Decision, Removed
from decisioning.history import NO_HISTORY, History
from decisioning.moment import Moment
from decisioning.policies.policy_file import PolicyFile
from decisioning.request import DecisionRequest
from decisioning.world import World, build_world
from features.profiles import Profiles

WORDS = {"en": "because", "de": "darum"}
ASSUMED = {"assumed": "demo"}


def rebuilt(world: World, **parts: object) -> World:
    """Return the world with another catalog, policies or arbitration."""
    configuration: Configuration = replace(world.configuration, **parts)  # type: ignore[arg-type]
    return build_world(configuration, world.model, world.layout, world.calendar)


def with_catalog(world: World, change: Callable[[dict[str, Any]], object]) -> World:
    """Return the world with a catalog whose content `change` has been at."""
    content = world.catalog.model_dump(mode="json", exclude_defaults=True)
    change(content)
    return rebuilt(world, catalog=Catalog.model_validate(content))


def with_action(world: World, action_id: str, **fields: object) -> World:
    """Return the world with other fields of one action."""

    def change(content: dict[str, Any]) -> None:
        for action in content["actions"]:
            if action["id"] == action_id:
                action.update(fields)

    return with_catalog(world, change)


def with_policies(world: World, **sections: object) -> World:
    """Return the world with other policies; every entry gets words, consent is assumed."""
    given = {"consent": ASSUMED} | {
        name: [{"words": WORDS, **one} for one in section] if isinstance(section, list) else section
        for name, section in sections.items()
    }
    return rebuilt(world, policies=PolicyFile.model_validate(given))


def with_arbitration(world: World, **content: object) -> World:
    """Return the world with another arbitration."""
    return rebuilt(world, arbitration=ArbitrationFile.model_validate(content))


@dataclass(frozen=True)
class Asker:
    """Takes decisions about one customer; what a call names replaces what is here."""

    world: World
    profiles: Profiles
    popularity: np.ndarray
    now: datetime
    history: History | None = NO_HISTORY
    request: DecisionRequest = DecisionRequest("007", decision_request_id="r-1")

    def __call__(self, **changes: Any) -> Decision:
        """Take a decision; keys that are of the request change the request."""
        here = {name: changes.pop(name) for name in list(changes) if name in vars(self)}
        given = replace(self, **here)
        request = replace(given.request, **changes)
        return decide(
            request, given.profiles, given.popularity, given.world, given.now, given.history, "d"
        )

    @property
    def moment(self) -> Moment:
        """Return what decisions start from."""
        return Moment(self.profiles, self.popularity, self.history, self.now)


def ids(decision: Decision) -> list[str]:
    """Return what was returned, best first."""
    return [result.action_id for result in decision.results]


def gone(decision: Decision) -> dict[str, Removed]:
    """Return what was removed, by action."""
    return {removed.action_id: removed for removed in decision.removed}


def why(decision: Decision) -> dict[str, str]:
    """Return the reason of each removal, by action."""
    return {removed.action_id: removed.reason for removed in decision.removed}
