"""A service whose clock and events a test decides, with one trigger."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

from decisioning.ledger import schema
from decisioning.ledger.jobs import Run
from decisioning.ledger.statements import insert_new
from features.clock import FixedClock
from serving.triggering import Triggering

BASKET = """
triggers:
  - id: basket_left
    on: {types: [basket]}
    unless: {types: [transaction]}
    after_minutes: 60
    cooldown_days: 2
    channel: email
"""
SECRET = "a secret of sixteen"


class Shop:
    """A service whose clock and events a test decides."""

    def __init__(self, house: Any, **settings: Any) -> None:
        self.house = house
        house.store.known = tuple(str(one) for one in range(50))
        (house.folder / "actions.yaml").write_text(__import__("outbound_world").CATALOG)
        self.write(BASKET)
        self.settings = {"catalog": house.folder / "actions.yaml", **settings}
        self.start = house.clock.now()
        self.open()

    def open(self) -> None:
        self.parts = self.house.parts(**self.settings)
        self.triggering = Triggering(self.parts.desk, self.parts.settings)

    def write(self, text: str) -> None:
        (self.house.folder / "triggers.yaml").write_text(text)

    def policies(self, text: str) -> None:
        (self.house.folder / "policies.yaml").write_text("consent: {assumed: demo}\n" + text)
        self.open()

    def at(self, minutes: float) -> float:
        self.parts.engine.clock = FixedClock(self.start + timedelta(minutes=minutes))
        return float(self.parts.engine.clock.now().timestamp())

    def event(
        self, event_id: str, type_: str, customer: str | None, minutes: float, **more: Any
    ) -> None:
        at = (self.start + timedelta(minutes=minutes)).timestamp()
        row = dict.fromkeys((column.name for column in schema.EVENTS.columns), None) | {
            "event_id": event_id, "body_digest": "", "type": type_, "customer_id": customer,
            "occurred_at": at, "received_at": at, "day": 0, "attributes": "{}", "flags": "", **more,
        }  # fmt: skip
        adding = insert_new(schema.EVENTS)
        self.parts.desk.ledger._writer.submit(
            Run(lambda work: work.session.run(adding, row) and None)
        ).result()

    def round(self, minutes: float) -> Counter[str]:
        self.at(minutes)
        return Counter(asyncio.run(self.triggering.round()))

    def lines(self) -> list[dict[str, Any]]:
        files = sorted((self.house.folder / "outbox").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]
