"""A world that decides, shows and is answered, and knows the truth of every row it leaves behind.

What happened is planned first: each plan says itself what the row has to be, so nothing here asks
how the product reads the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from learning_plans import Plan
from learning_shop import (
    ACTIONS,
    DAY,
    INPUTS,
    NEW_CLICK,
    NEW_DAYS,
    NEW_LAYOUT,
    OLD_CLICK,
    OLD_DAYS,
    OLD_LAYOUT,
    UNKNOWN_THEN,
    Clock,
    Model,
    Store,
    catalog_of,
)  # fmt: skip
from sqlalchemy import bindparam, update

from decisioning.catalog import Catalog
from decisioning.configuration import Configuration
from decisioning.history import NO_HISTORY
from decisioning.ledger import schema
from decisioning.ledger.event_sql import FLAG_UNDONE
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import OutcomeRow
from decisioning.ledger.statements import Sql
from decisioning.policies.policy_file import ConsentRules, PolicyFile
from decisioning.request import DecisionRequest
from features.calendar import Calendar
from features.layout import Layout
from serving.decision_rows import layout_of, row_of
from serving.engine import Engine
from serving.state import Sources


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
                session.run(FLAG_UNDONE, {"this_event": event_id})
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
