"""The demo's world with as many actions and policies as a benchmark asks for, in memory.

Only the demo's categories have features. What is more than its own actions are copies of those
under further ids, which the model scores from the same features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count, cycle, islice
from typing import NamedTuple

import numpy as np

from benchmarks.demo_home import DemoHome
from decisioning.catalog import Catalog
from decisioning.configuration import Configuration, load_configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import NO_HISTORY
from decisioning.policies.policy_file import PolicyFile
from decisioning.request import DecisionRequest, Explain
from decisioning.world import Array, World, build_world
from features.canonical.tables import known_customers
from features.profiles import Profiles

CUSTOMERS = 50
OF_CUSTOMERS, OF_ACTIONS = 16, 4
"""How many policies there are that ask about the customer, and about the action."""
POLICIES = f"{OF_CUSTOMERS} customer-level and {OF_ACTIONS} action-level policies"
_MET_BY_ALL = {
    "customer": (
        "profile.trips_365d >= 0.0",
        "!known.profile.days_since_purchase || profile.days_since_purchase < 1000.0",
    ),
    "action": (
        "!known.action.category_trips_all || action.category_trips_all < 1000.0",
        "!known.action.category_spend_all || action.category_spend_all > -1000.0",
    ),
}
"""Conditions that cost time and turn nothing down, by their scope."""


class Question(NamedTuple):
    """One customer who is asked about."""

    request: DecisionRequest
    profiles: Profiles


@dataclass(frozen=True)
class WideWorld:
    """A world and what goes with it at one moment.

    Attributes
    ----------
    candidates : the actions that are asked about; None for all.
    workload : what it is, for people.
    """

    world: World
    popularity: Array
    now: datetime
    candidates: tuple[str, ...] | None
    workload: str
    asked: dict[tuple[str | None, str], DecisionRequest] = field(default_factory=dict)

    @classmethod
    def of(cls, home: DemoHome, candidates: int) -> WideWorld:
        """Return a world of so many candidates and of policies of all kinds."""
        demo = load_configuration(home.settings.catalog_file)
        configuration = widened(demo, candidates)
        catalog, names = configuration.catalog, configuration.catalog.action_ids
        model, layout, calendar = home.champion, home.store.layout, home.project.calendar
        # A copy comes after its original, and is as popular.
        name_of: dict[str, str] = {}
        ids = [name_of.setdefault(one.category or one.id, one.id) for one in catalog.ordered]
        return cls(
            world=build_world(configuration, model, layout, calendar),
            popularity=home.store.popularity_now(ids),
            now=home.project.clock.now(),
            candidates=names[:candidates] if candidates < len(names) else None,
            workload=f"{candidates:,} candidates, {POLICIES}",
        )

    def answer(self, question: Question, explain: Explain = "none") -> Decision:
        """Decide about one customer of whom the ledger knows nothing."""
        request = self._asked(question.request, explain)
        return decide(request, question.profiles, self.popularity, self.world, self.now, NO_HISTORY)

    def _asked(self, request: DecisionRequest, explain: Explain) -> DecisionRequest:
        """Return the question as it is asked here; made once, as it is no part of a decision."""
        key = request.customer_id, explain
        if key not in self.asked:
            self.asked[key] = replace(request, explain=explain, candidates=self.candidates)
        return self.asked[key]


def widened(
    demo: Configuration,
    actions: int,
    of_customers: int = OF_CUSTOMERS,
    of_actions: int = OF_ACTIONS,
) -> Configuration:
    """Return a configuration with more actions and policies where it has fewer.

    Conditions of the catalog, contact policies and quiet hours stay as they are, and are not
    counted.
    """
    wanted = {"customer": of_customers, "action": of_actions}
    return Configuration(
        _with_copies(demo.catalog, actions), _with_more(demo.policies, wanted), demo.arbitration
    )


def questions(home: DemoHome, customers: Sequence[str] | None = None) -> list[Question]:
    """Return an advisor's questions about some customers, always the same where none are named."""
    return [
        Question(
            DecisionRequest(customer_id, channel="advisor", context="advisor"),
            home.store.online(customer_id),
        )
        for customer_id in (_some_customers(home) if customers is None else customers)
    ]


def _some_customers(home: DemoHome) -> list[str]:
    ids = known_customers(home.project.tables(home.tasks)).to_pyarrow()["customer_id"].to_pylist()
    chosen: list[str] = (
        np.random.default_rng(7)
        .choice(np.array(ids, dtype=object), CUSTOMERS, replace=False)
        .tolist()
    )
    return chosen


def _with_copies(demo: Catalog, actions: int) -> Catalog:
    """Return a catalog with copies of the actions that have features."""
    originals = [action for action in demo.actions if action.category is not None]
    copies = (
        action.model_copy(update={"id": f"{action.id}_{number}"})
        for number in count(2)
        for action in originals
    )
    missing = max(0, actions - len(demo.actions))
    everything = (*demo.actions, *islice(copies, missing))
    # Read anew, since a catalog keeps what it has worked out from its actions.
    content = demo.model_dump(exclude_defaults=True)
    content["actions"] = [action.model_dump(exclude_defaults=True) for action in everything]
    return Catalog.model_validate(content)


def _with_more(demo: PolicyFile, wanted: Mapping[str, int]) -> PolicyFile:
    """Return the policies, with some that everybody meets, so that there are as many of a scope."""
    there = Counter(policy.scope for policy in demo.policies)
    more = [
        {
            "id": f"met_by_all_{scope}s_{number}",
            "tier": "applicability",
            "scope": scope,
            "when": condition,
            "reason": "not_now",
            "words": {"en": "never said", "de": "nie gesagt"},
        }
        for scope, many in wanted.items()
        for number, condition in enumerate(
            islice(cycle(_MET_BY_ALL[scope]), max(0, many - there[scope]))
        )
    ]
    content = demo.model_dump(exclude_defaults=True)
    content["policies"] = [*content.get("policies", ()), *more]
    return PolicyFile.model_validate(content)
