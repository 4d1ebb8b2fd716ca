"""Asks one configuration for every customer of an audience, with the code that serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from decisioning.arbitration import ArbitrationFile, Factors
from decisioning.configuration import Configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import NO_HISTORY, History, HistoryNeeds
from decisioning.request import Channel, Context, DecisionRequest
from decisioning.simulation.answered import (
    LEFT,
    NO_ACTION,
    Answered,
    Array,
    Entries,
    Index,
    Verdict,
)
from decisioning.simulation.audience import Audience
from decisioning.simulation.left import Left, left_to_choose
from decisioning.world import PropensityModel, World, build_world
from features.calendar import Calendar
from features.layout import Layout

HistoryOf = Callable[[str, float, HistoryNeeds], History | None]
"""Returns what the ledger knows of a customer at a time (seconds since 1970, UTC)."""

MOST = 100
"""How many actions an answer may hold at most: as many as a request may ask for."""


@dataclass(frozen=True)
class Variant:
    """One of the two configurations, ready to decide.

    Attributes
    ----------
    world : made without exploration, so that two variants differ by their files, not by chance.
    popularity : shape (1, actions, popularity features), of the actions of this catalog.
    """

    configuration: Configuration
    world: World
    popularity: Array

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        model: PropensityModel | None,
        layout: Layout,
        calendar: Calendar,
        popularity: Array,
    ) -> Variant:
        """Return the variant of a configuration."""
        content = configuration.arbitration.model_dump(exclude={"exploration"})
        still = replace(configuration, arbitration=ArbitrationFile.model_validate(content))
        return cls(configuration, build_world(still, model, layout, calendar), popularity)


def question(channel: Channel) -> DecisionRequest:
    """Return what is asked for every customer on a channel; only e-mail is outbound.

    >>> question("app").context, question("email").direction
    ('web', 'outbound')
    """
    context: Context = "web" if channel == "app" else channel
    return DecisionRequest(
        customer_id=None,
        channel=channel,
        context=context,
        direction="outbound" if channel == "email" else "inbound",
        max_results=MOST,
        mode="dry_run",
        explain="none",
    )


def run(
    variant: Variant,
    audience: Audience,
    request: DecisionRequest,
    now: datetime,
    history_of: HistoryOf | None = None,
    tell: Callable[[int], None] = lambda done: None,
) -> Answered:
    """Return what a variant answers to every customer; nothing is logged or reserved.

    Parameters
    ----------
    request : what is asked, whatever its customer.
    history_of : None where nothing has happened yet with anybody.
    tell : is told how many customers are done.

    Raises
    ------
    LeakError : a profile knows something from at or after `now`.
    LedgerError : `history_of` cannot read the ledger.
    """
    kept = _Kept(variant, len(audience))
    world, needs = variant.world, variant.world.needs
    for row, customer_id in enumerate(audience.customer_ids):
        profiles = audience.profiles.take(np.array([row]))
        history: History | None = NO_HISTORY
        if history_of is not None and needs.anything:
            history = history_of(customer_id, now.timestamp(), needs)
        asked = replace(request, customer_id=customer_id)
        decision = decide(asked, profiles, variant.popularity, world, now, history)
        left = left_to_choose(decision, asked, profiles, variant.popularity, world, now, history)
        kept.keep(row, decision, left)
        tell(row + 1)
    return kept.answered()


@dataclass
class _Kept:
    """Collects decisions as arrays."""

    variant: Variant
    customers: int
    codes: dict[Verdict, int] = field(default_factory=dict)
    degraded: Counter[str] = field(default_factory=Counter)
    control_group: int = 0
    consent_assumed: int = 0
    owners: list[Index] = field(default_factory=list)
    lefts: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        actions = len(self.variant.world.catalog.action_ids)
        self.first = np.full(self.customers, NO_ACTION, dtype=np.int64)
        self.worth = np.zeros(self.customers)
        self.verdict = np.full((self.customers, actions), LEFT, dtype=np.int64)

    def keep(self, row: int, decision: Decision, left: Left) -> None:
        """Take one decision up."""
        position, best = self.variant.world.catalog.position, decision.results[0]
        if best.action_id in position:
            self.first[row] = position[best.action_id]
            self.worth[row] = (best.propensity or 0.0) * best.value
        for one in decision.removed:
            if one.stage != "arbitration":
                verdict = Verdict(one.stage, one.policy_id, one.reason)
                code = self.codes.setdefault(verdict, len(self.codes) + 1)
                self.verdict[row, position[one.action_id]] = code
        self.lefts.append(left)
        self.owners.append(np.full(len(left[0]), row, dtype=np.int64))
        self.degraded.update(decision.degraded)
        self.control_group += decision.control_group is not None
        self.consent_assumed += decision.consent_assumed

    def answered(self) -> Answered:
        """Return everything that was taken up."""
        return Answered(
            catalog=self.variant.world.catalog,
            first=self.first,
            worth=self.worth,
            verdict=self.verdict,
            verdicts=(None, *self.codes),
            entries=Entries(
                np.concatenate(self.owners),
                np.concatenate([action for action, _ in self.lefts]),
                _together([factors for _, factors in self.lefts]),
            ),
            degraded=dict(self.degraded),
            control_group=self.control_group,
            consent_assumed=self.consent_assumed,
        )


def _together(parts: Sequence[Factors]) -> Factors:
    return Factors(
        propensity=np.concatenate([part.propensity for part in parts]),
        context_weight=np.concatenate([part.context_weight for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        lever=np.concatenate([part.lever for part in parts]),
    )
