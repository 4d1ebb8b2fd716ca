"""What a simulation reports: plain values, the same for terminal, page and JSON.

Shares are of the customers of the sample, 0 to 1; money is in the currency of the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from decisioning.decision import Stage
from decisioning.request import Channel, Direction
from decisioning.simulation.changes import Edit
from decisioning.simulation.health import Health


@dataclass(frozen=True)
class Estimate:
    """A mean over the customers of the sample and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class StageMean:
    """What happens at one stage to the actions of a customer, on average."""

    stage: Stage
    entered: float
    removed: float
    left: float


@dataclass(frozen=True)
class Optionality:
    """How many actions are left to a customer.

    Attributes
    ----------
    shares : of the customers with 0, 1, 2-6 and 7+ actions.
    """

    mean: float
    median: float
    shares: Mapping[str, float]
    health: Health


@dataclass(frozen=True)
class Turned:
    """Why an action is turned down, and for which share of the customers."""

    stage: Stage
    policy_id: str
    reason: str
    share: float


@dataclass(frozen=True)
class ActionFigures:
    """One action of one configuration.

    Attributes
    ----------
    left : for which share of the customers it is left to choose from.
    wins : by formula, for which share it comes first.
    turned_down : the most frequent reasons, at most three.
    """

    action_id: str
    name: str
    left: float
    wins: Mapping[str, float]
    turned_down: tuple[Turned, ...]


@dataclass(frozen=True)
class Side:
    """Everything about one configuration.

    Attributes
    ----------
    worth : propensity x value of the first action, 0 for the default action: what the model
        expects if all it says holds, not what offering adds.
    no_action, weak : shares of the customers that get the default action, and of those to whom
        only actions with a propensity below `Report.weak_below` are left.
    degraded : by code, the share of decisions taken without something.
    """

    catalog_version: str
    rules_version: str
    funnel: tuple[StageMean, ...]
    optionality: Optionality
    no_action: float
    no_action_health: Health
    weak: float
    worth: Estimate
    actions: tuple[ActionFigures, ...]
    degraded: Mapping[str, float]
    control_group: float
    consent_assumed: float


@dataclass(frozen=True)
class Flow:
    """Customers whose first action goes from one to another.

    Attributes
    ----------
    because : what most often becomes of the former first action, and what was in the way of the
        new one before; in words.
    """

    before: str
    after: str
    customers: int
    share: float
    because: str


@dataclass(frozen=True)
class Example:
    """One customer whose first action changes; `because` as in `Flow`."""

    customer_id: str
    before: str
    after: str
    worth_before: float
    worth_after: float
    because: str


@dataclass(frozen=True)
class Movement:
    """Who would get another first action.

    Attributes
    ----------
    flows : from the largest on, at most 200; `flows_in_all` says how many there are.
    """

    customers: int
    share: float
    worth: Estimate
    flows: tuple[Flow, ...]
    flows_in_all: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Trait:
    """In what a group of customers differs from everybody.

    Attributes
    ----------
    mean, everybody : means over those of whom it is known.
    distance : of the means, in standard deviations of everybody.
    """

    feature: str
    meaning: str
    unit: str
    mean: float
    everybody: float
    distance: float


@dataclass(frozen=True)
class Group:
    """Customers of one kind and what is typical of them."""

    id: str
    title: str
    customers: int
    share: float
    traits: tuple[Trait, ...]


@dataclass(frozen=True)
class About:
    """What was simulated.

    Attributes
    ----------
    files : what the folder of changes holds; the rest is current.
    known_customers : how many customers the sample was drawn from.
    model : name and version; empty for none.
    with_history : whether the ledger was read; without it nothing has happened yet with anybody.
    """

    channel: Channel
    direction: Direction
    decided_at: datetime
    customers: int
    known_customers: int
    seed: int
    model: str
    with_history: bool
    files: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A simulation of a change.

    Attributes
    ----------
    weak_below : the propensity below which an action counts as weak; None where nobody has any.
    weak_is_given : whether somebody chose it; else it is the lowest 5 % quantile of the customers'
        best propensities under the current configuration.
    names : of all actions of both configurations, in English, by id.
    """

    about: About
    edits: tuple[Edit, ...]
    before: Side
    after: Side
    movement: Movement
    groups: tuple[Group, ...]
    weak_below: float | None
    weak_is_given: bool
    default_action_id: str
    names: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        plain: dict[str, Any] = asdict(self)
        plain["about"]["decided_at"] = self.about.decided_at.isoformat()
        return plain

    @property
    def changed_files(self) -> tuple[str, ...]:
        """Return the files in which something differs, in their order."""
        return tuple(dict.fromkeys(edit.file for edit in self.edits))

    def name_of(self, action_id: str) -> str:
        """Return what people call an action."""
        return self.names.get(action_id, action_id)
