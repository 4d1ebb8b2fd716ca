"""A world that decides, shows and is answered, and knows the truth of every row it leaves behind.

What happened is planned first: each plan says itself what the row has to be, so nothing here asks
how the product reads the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import bindparam, update

from decisioning.catalog import Catalog
from decisioning.configuration import Configuration
from decisioning.history import NO_HISTORY
from decisioning.ledger import schema
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.outcome_sql import FLAG
from decisioning.ledger.rows import OutcomeRow
from decisioning.ledger.statements import Sql
from decisioning.policies.policy_file import ConsentRules, PolicyFile
from decisioning.request import DecisionRequest
from features import declared
from features.calendar import Calendar
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block
from serving.decision_rows import layout_of, row_of
from serving.engine import Engine
from serving.state import Sources

DAY = 86_400.0
START = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
ACTIONS = ("rice", "soap", "tea")
CHANCES = {"rice": 0.25, "soap": 0.1, "tea": 0.7}
"""How likely a customer is to accept each action when it is shown."""
OLD_DAYS, NEW_DAYS = {"rice": 7, "soap": 14, "tea": 7}, {"rice": 7, "soap": 14, "tea": 10}
"""Response windows before and after the catalog was changed."""
OLD_CLICK, NEW_CLICK = 0.25, 0.5
"""How much of a yes a click on tea is, before and after."""
NEW_LAYOUT = Layout.of(("RICE", "SOAP", "TEA"), ACTIONS)
UNKNOWN_THEN = "failures_28d"
"""An input that the older layout does not hold."""
OLD_LAYOUT = replace(
    NEW_LAYOUT, scalars=tuple(name for name in NEW_LAYOUT.scalars if name != UNKNOWN_THEN)
)
INPUTS = (*declared.model_inputs(), "size")
_POPULAR = declared.stored(Block.POPULARITY)
_SAID = {"en": {"title": "A", "text": "B"}, "de": {"title": "A", "text": "B"}}


def catalog_of(days: dict[str, int], click: float) -> Catalog:
    """Return the catalog with these windows; a click on tea counts so much."""
    graded = {"positive": {"accepted": 1.0, "converted": 1.0, "clicked": click}}
    actions = [
        {
            "id": name, "name": {"en": name, "de": name}, "issue": "sell", "group": name,
            "category": name.upper(), "response_window_days": days[name],
            "attributes": {"size": at + 1.0},
        }
        | ({"outcomes": graded} if name == "tea" else {})
        for at, name in enumerate(ACTIONS)
    ]  # fmt: skip
    return Catalog.model_validate(
        {
            "treatments": {"web": _SAID},
            "default_action": {
                "id": "nothing",
                "name": {"en": "Nothing", "de": "Nichts"},
                "treatments": dict.fromkeys(("web", "bot", "advisor", "email"), _SAID),
            },
            "actions": actions,
        }
    )


@dataclass
class Clock:
    """A clock that a test sets."""

    seconds: float = START

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class Model:
    """Scores rows by the action, and keeps the matrix that it was asked about."""

    layout: Layout
    features: tuple[str, ...]
    version: str
    matrix: Any = None

    @property
    def manifest(self) -> SimpleNamespace:
        codes = {name: at for at, name in enumerate(ACTIONS)}
        return SimpleNamespace(
            name="offers", version=self.version, label_model="response",
            layout_hash=self.layout.hash, encodings={"action_code": codes}, evidence={},
        )  # fmt: skip

    def score(self, matrix: Any) -> SimpleNamespace:
        self.matrix = matrix.copy()
        return SimpleNamespace(
            raw=np.zeros(len(matrix)),
            propensity=0.2 + matrix[:, -1] / 10,
            path_contributions=lambda rows: np.zeros((len(rows), matrix.shape[1] + 1)),
        )

    def exact_contributions(self, matrix: Any) -> Any:
        return np.zeros((len(matrix), matrix.shape[1] + 1))


@dataclass
class Store:
    """Profiles that are other ones at every time they are read."""

    layout: Layout
    clock: Clock
    rng: np.random.Generator

    def online(self, customer_id: str) -> Profiles:
        vectors = self.rng.gamma(2.0, 3.0, (1, self.layout.size))
        vectors[self.rng.random(vectors.shape) < 0.1] = np.nan
        moments = [at for at, n in enumerate(self.layout.scalars) if declared.is_moment(n)]
        vectors[0, moments] = self.clock.seconds - self.rng.gamma(2.0, 9.0 * DAY, len(moments))
        vectors[0, :2] = self.clock.seconds - 3_600.0, self.clock.seconds - 7_200.0
        return Profiles(self.layout, np.array([customer_id], dtype=object), vectors)

    def popularity_now(self, action_ids: tuple[str, ...]) -> Any:
        return self.rng.random((1, len(action_ids), len(_POPULAR)))


@dataclass(frozen=True)
class Told:
    """One planned outcome: when after the presentation, and whether that is in the window."""

    outcome: str
    after: float
    inside: bool = True
    value: float | None = None


@dataclass(frozen=True)
class Plan:
    """What comes of one returned action.

    Attributes
    ----------
    presented : seconds after the first presentation; empty where it is never shown.
    told : answers, their times in windows after the first presentation.
    delay : seconds from the decision to the first presentation.
    """

    presented: tuple[float, ...] = (0.0,)
    told: tuple[Told, ...] = ()
    delay: float = 60.0
    presentation_undone: bool = False
    answers_undone: bool = False

    def says(self, one: Told, action: str, click: float) -> str:
        """Return what an answer counts as; a click on tea weighs `click`."""
        if not one.inside:
            return "late"
        if one.outcome in ("refused", "dismissed"):
            return "negative"
        return "positive" if self.weight(one, action, click) else "neutral"

    def weight(self, one: Told, action: str, click: float) -> float:
        """Return how much of a yes an answer is."""
        if one.outcome == "clicked":
            return click if action == "tea" else 0.0
        return float(one.outcome in ("accepted", "converted"))


@dataclass
class Truth:
    """What a row has to be."""

    state: str
    grade: float
    settled: bool
    shown_at: float
    closes_at: float
    revenue: float
    x: Any
    names: tuple[str, ...]
    customer_id: str
    probability: float
    model: str


@dataclass
class World:
    """Decisions of one ledger and what they have to become."""

    ledger: Ledger
    now: float
    seed: int = 0
    rows: dict[tuple[str, str], Truth] = field(default_factory=dict)
    decisions: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    told_later: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.clock = Clock()
        self._events = 0
        self._kept: set[str] = set()
        self._undo: list[str] = []
        self._reports: list[OutcomeRow] = []
        self.old = self._engine(OLD_LAYOUT, catalog_of(OLD_DAYS, OLD_CLICK), "1")
        self.new = self._engine(NEW_LAYOUT, catalog_of(NEW_DAYS, NEW_CLICK), "2")

    def _engine(self, layout: Layout, catalog: Catalog, version: str) -> Engine:
        store = Store(layout, self.clock, self.rng)
        missing = {UNKNOWN_THEN} - {*layout.scalars}
        names = (*(name for name in INPUTS if name not in missing), "action_code")
        model = Model(layout, names, version)
        policies = PolicyFile(consent=ConsentRules(assumed="demo"))
        sources = Sources(
            configuration_stamp=lambda: 0,
            load_configuration=lambda: Configuration(catalog, policies),
            model_name="offers",
            model_stamp=lambda: 0,
            load_model=lambda: model,
            layout_file=Path("nowhere"),
            open_store=lambda: store,
        )
        return Engine(sources, self.clock, Calendar())

    def decide(self, engine: Engine, at: float, customer_id: str, **asked: Any) -> Any:
        """Take a decision and log it as the service does; return the answer."""
        self.clock.seconds = at
        request = DecisionRequest(customer_id, **asked)
        answer = engine.answer(request, NO_HISTORY)
        state = answer.state
        for snapshot in (state.configuration, state.layout, state.popular, layout_of(answer)):
            if snapshot.digest not in self._kept:
                self._kept.add(self.ledger.keep_snapshot(snapshot.kind, snapshot.content))
        self.ledger.log_decision(row_of(answer, engine, None, "", b""))
        return answer

    def tell(self, decision_id: str, action_id: str, outcome: str, at: float, **more: Any) -> str:
        """Report an outcome; it comes in at the end of the world's time, when it is finished."""
        self._events += 1
        row = OutcomeRow(
            event_id=f"e{self._events}", body_digest=f"b{self._events}", decision_id=decision_id,
            action_id=action_id, outcome=outcome, occurred_at=at, day=int(at // DAY), **more,
        )  # fmt: skip
        self._reports.append(row)
        return row.event_id

    def undo_later(self, event_id: str) -> None:
        """Take an outcome back when everything is reported."""
        self._undo.append(event_id)
        self.outcomes["undone"] += 1

    def finish(self) -> None:
        """Bring in what was reported, and take back what was to be taken back."""
        self.ledger.flush()
        told = [self._reports[at : at + 400] for at in range(0, len(self._reports), 400)]
        for page in told:
            statuses = self.ledger.store_outcomes(page, self.now).result()
            assert {*statuses} <= {"stored", "quarantined"}
        self._reports.clear()
        with self.ledger._store.writing() as session:
            for event_id in self._undo:
                session.run(FLAG, {"this_event": event_id, "new_flags": "undone"})
        self._undo.clear()

    def damage(self, decision_id: str) -> None:
        """Make the record of a decision unreadable."""
        decisions = schema.DECISIONS
        sql = Sql(
            lambda *_: (
                update(decisions)
                .where(decisions.c.decision_id == bindparam("this"))
                .values(payload=bindparam("content"))
            )
        )
        with self.ledger._store.writing() as session:
            session.run(sql, {"this": decision_id, "content": b"\0"})

    def live(self, engine: Engine, at: float, customer_id: str, plan: Callable[..., Any]) -> str:
        """Take a decision and let `plan` say what came of each returned action."""
        answer = self.decide(engine, at, customer_id)
        decision = answer.decision
        matrix = engine.model.value.matrix
        shown = False
        for result in decision.results:
            shown |= self._come(answer, result, matrix, plan(self.rng, result.action_id, engine))
        self.decisions["shown" if shown else "not_presented"] += 1
        return str(decision.decision_id)

    def _come(self, answer: Any, result: Any, matrix: Any, plan: Plan) -> bool:
        """Report what a plan says; return whether the action counts as shown."""
        decision, action = answer.decision, result.action_id
        window = DAY * answer.world.catalog.ordered[ACTIONS.index(action)].response_window_days
        shown_at = decision.decided_at.timestamp() + plan.delay
        name = decision.decision_id
        if shown_at > self.now:
            return False
        for at in plan.presented:
            event = self.tell(name, action, "presented", shown_at + at)
            if plan.presentation_undone:
                self.undo_later(event)
        shown = bool(plan.presented) and not plan.presentation_undone
        closes_at = shown_at + window
        click = OLD_CLICK if decision.versions.model == "offers/1" else NEW_CLICK
        says = {}
        for one in plan.told:
            at = shown_at + one.after * window + (0.0 if one.inside else 1.0)
            if at > self.now:
                continue
            event = self.tell(name, action, one.outcome, at, value=one.value)
            if plan.answers_undone:
                self.undo_later(event)
            elif not shown:
                self.outcomes["unmatched"] += 1
            else:
                says[one] = plan.says(one, action, click)
                self.outcomes[says[one]] += 1
                self.told_later += one.inside and self.now > closes_at
        if not shown:
            return False
        self.outcomes["presented"] += 1
        self.outcomes["presented_again"] += len(plan.presented) - 1
        yes = [one for one, word in says.items() if word == "positive"]
        settled = self.now > closes_at
        state = "positive" if yes else "explicit_negative" if "negative" in says.values() else ""
        if not state:
            late = any(says[one] == "late" and one.outcome != "viewed" for one in says)
            state = "open" if not settled else "late_only" if late else "implicit_negative"
        grade = max((plan.weight(one, action, click) for one in yes), default=0.0)
        row = int(np.flatnonzero(matrix[:, -1] == ACTIONS.index(action))[0])
        self.rows[name, action] = Truth(
            state=state, grade=np.nan if state == "open" else grade, settled=settled,
            shown_at=shown_at, closes_at=closes_at, revenue=sum(one.value or 0.0 for one in yes),
            x=matrix[row, :-1], names=answer.world.model.features[:-1],
            customer_id=answer.request.customer_id, probability=result.probability,
            model=decision.versions.model,
        )  # fmt: skip
        return True


WHAT_MAY_COME: tuple[Plan, ...] = (
    Plan(),
    Plan(told=(Told("accepted", 0.3, value=4.0),)),
    Plan(told=(Told("accepted", 1.0, value=2.5),)),
    Plan(told=(Told("accepted", 1.0, inside=False, value=9.0),)),
    Plan(told=(Told("viewed", 1.0, inside=False),)),
    Plan(told=(Told("clicked", 0.1),)),
    Plan(told=(Told("clicked", 0.1), Told("converted", 0.6, value=7.0))),
    Plan(told=(Told("refused", 0.2),)),
    Plan(told=(Told("refused", 0.2), Told("accepted", 0.9, value=1.0))),
    Plan(told=(Told("refused", 0.2), Told("accepted", 1.0, inside=False))),
    Plan(told=(Told("viewed", 0.0), Told("later", 0.5))),
    Plan(told=(Told("accepted", 0.4, value=3.0),), answers_undone=True),
    Plan(told=(Told("accepted", 0.4, value=3.0),), presentation_undone=True),
    Plan(presented=(0.0, 900.0, 2.0 * DAY)),
    Plan(presented=()),
    Plan(presented=(), told=(Told("accepted", 0.2),)),
)
"""Everything that can become of an action; times lie on whole seconds where a window ends."""


def anything(rng: np.random.Generator, action: str, engine: Engine) -> Plan:
    """Plan any of it, an answer by chance."""
    return WHAT_MAY_COME[int(rng.integers(len(WHAT_MAY_COME)))]


def by_chance(rng: np.random.Generator, action: str, engine: Engine) -> Plan:
    """Plan a presentation that is accepted as often as the world's truth says."""
    return Plan(told=(Told("accepted", 0.5),)) if rng.random() < CHANCES[action] else Plan()
