"""Turns events into decisions and hands them over: found, decided, delivered, each step kept.

Whatever dies in between, the next round goes on: a delivery has an id made of trigger and event,
its decision another one, so it is decided once and delivered at least once, always the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from decisioning.configuration import beside
from decisioning.customer_condition import CustomerCondition
from decisioning.expressions import Fact, Vocabulary
from decisioning.ledger.deliveries import Deliveries, Delivery, Happened
from decisioning.request import DecisionRequest
from decisioning.triggers import Trigger, TriggerFile, load_triggers
from features.errors import ConfigError, FeatureError
from serving.answers import bytes_of
from serving.desk import Desk
from serving.following import Followed, file_stamp
from serving.logs import log
from serving.outbound import moment_of, take
from serving.outbox import Outbox
from serving.settings import Settings
from serving.webhooks import CallError, call

PAGE = 200
OVERLAP_S = 300.0
"""How far back is looked again: transactions may become visible later than they say they came."""

FIRST_WAIT_S, LONGEST_WAIT_S, GIVE_UP_S = 30.0, 3_600.0, 172_800.0
"""A delivery that fails is tried again after this, twice as much each time, and for so long."""


class Triggering:
    """The triggers of a service; one process at a time may run rounds (see `serving.leader`)."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._settings = desk, settings
        self._outbox = Outbox(settings.outbox_folder)
        catalog = settings.catalog_file
        path = beside(catalog, "triggers")
        self.file: Followed[TriggerFile] = Followed(
            "triggers", lambda: (file_stamp(path), file_stamp(catalog)), lambda: self._load(path)
        )
        self._conditions: dict[tuple[str, str], CustomerCondition | None] = {}

    def _load(self, path: Path) -> TriggerFile:
        if not path.exists():
            return TriggerFile()
        return load_triggers(path, self._desk.engine.state.world.catalog)

    def degraded(self) -> list[str]:
        """Return what is wrong, as codes."""
        return [] if self.file.trouble is None else ["triggers_refused"]

    async def round(self) -> Counter[str]:
        """Do everything that is due; return how much of what was done.

        Raises
        ------
        LedgerError : the ledger cannot be read or written; the next round goes on.
        """
        self.file.look()
        triggers = {one.id: one for one in (self.file.value or TriggerFile()).triggers}
        done: Counter[str] = Counter()
        ledger = self._desk.ledger
        if ledger is None:
            return done
        deliveries = ledger.deliveries
        for trigger in triggers.values():
            if trigger.enabled:
                done["found"] += await asyncio.to_thread(self._find, deliveries, trigger)
        await self._each(deliveries, "waiting", self._decide, triggers, done)
        await self._each(deliveries, "decided", self._deliver, triggers, done)
        return done

    async def _each(
        self, deliveries: Deliveries, state: Any, step: Any, triggers: Any, done: Counter[str]
    ) -> None:
        """Take one step with everything that is due in a state, a page at a time."""
        now = self._seconds()
        while page := await asyncio.to_thread(deliveries.due, state, now, PAGE):
            for delivery in page:
                after = await step(deliveries, delivery, triggers.get(delivery.trigger_id))
                done[after.reason or after.state] += 1
                if after.state == state and after.due_at <= now:
                    return

    def _find(self, deliveries: Deliveries, trigger: Trigger) -> int:
        """Keep a delivery for each event that has come since the last time."""
        now, name, found = self._seconds(), f"trigger:{trigger.id}", 0
        wait, lasts = 60.0 * trigger.after_minutes, 3_600.0 * trigger.expires_hours
        position = deliveries.position(name)
        # A new trigger begins with what is still worth deciding.
        since = now - wait - lasts if position is None else position - OVERLAP_S
        after = ""
        while True:
            page = deliveries.came(trigger.on.types, since, after, PAGE)
            new = [
                Delivery(
                    delivery_id=delivery_id(trigger.id, one.event_id),
                    trigger_id=trigger.id,
                    event_id=one.event_id,
                    customer_id=one.customer_id,
                    recorded_at=now,
                    due_at=one.occurred_at + wait,
                    expires_at=one.occurred_at + wait + lasts,
                )
                for one in page
            ]
            end = page[-1].received_at if page else since
            deliveries.add(new, name, max(end, position or since))
            found += len(new)
            if len(page) < PAGE:
                return found
            since, after = end, page[-1].event_id

    async def _decide(
        self, deliveries: Deliveries, delivery: Delivery, trigger: Trigger | None
    ) -> Delivery:
        event = await asyncio.to_thread(deliveries.event, delivery.event_id)
        reason = await asyncio.to_thread(self._dropped, deliveries, delivery, trigger, event)
        if reason is not None:
            return await _change(deliveries, delivery, state="dropped", reason=reason)
        assert trigger is not None and event is not None and event.customer_id is not None
        request = trigger.question(event.customer_id, event.event_id)
        quiet = self._quiet_until(request)
        if quiet is not None:
            later = min(quiet, delivery.expires_at + 1.0)
            return await _change(deliveries, delivery, due_at=later)
        content = await self._earlier(request) or (await take(self._desk, request))[0]
        known = {"customer_id": event.customer_id, "decision_id": content["decision_id"]}
        decided_at = datetime.fromisoformat(content["decided_at"]).timestamp()
        if content["nothing"] is not None:
            why = f"nothing:{content['nothing']}"
            return await _change(
                deliveries,
                delivery,
                state="dropped",
                reason=why,
                decided_at=decided_at,
                **known,
            )
        body = bytes_of(
            {
                "delivery_id": delivery.delivery_id,
                "trigger_id": trigger.id,
                "event": {
                    "event_id": event.event_id,
                    "type": event.type,
                    "occurred_at": moment_of(event.occurred_at),
                },
                "decision": content,
            }
        )
        return await _change(
            deliveries, delivery, state="decided", body=body, decided_at=decided_at, **known
        )

    async def _earlier(self, request: DecisionRequest) -> dict[str, Any] | None:
        """Return what was decided before a crash, also where the trigger has changed since."""
        assert self._desk.ledger is not None and request.decision_request_id is not None
        row = await asyncio.to_thread(self._desk.ledger.by_request, request.decision_request_id)
        return None if row is None or not row.answer else orjson.loads(row.answer)

    def _dropped(
        self,
        deliveries: Deliveries,
        delivery: Delivery,
        trigger: Trigger | None,
        event: Happened | None,
    ) -> str | None:
        """Return why nothing is to be decided; None where it is."""
        now = self._seconds()
        if trigger is None or not trigger.enabled:
            return "trigger_gone"
        if event is None:
            return "event_gone"
        if event.customer_id is None:
            return "no_customer"
        if now > delivery.expires_at:
            return "too_late"
        if trigger.unless is not None and self._pointless(deliveries, trigger, event, now):
            return "unless"
        last = deliveries.last_decided(trigger.id, event.customer_ids)
        if last is not None and now < last + 86_400.0 * trigger.cooldown_days:
            return "cooldown"
        return None if self._holds(trigger, event) else "when"

    def _pointless(
        self, deliveries: Deliveries, trigger: Trigger, event: Happened, now: float
    ) -> bool:
        assert trigger.unless is not None
        within = trigger.unless.within_minutes
        until = now if within is None else min(now, event.occurred_at + 60.0 * within)
        return deliveries.happened(
            event.customer_ids, trigger.unless.types, event.occurred_at, until
        )

    def _holds(self, trigger: Trigger, event: Happened) -> bool:
        """Tell whether `on.when` is true now; what cannot be known is no yes."""
        if trigger.on.when is None:
            return True
        assert event.customer_id is not None
        engine = self._desk.engine
        state, zone = engine.current(), engine.zone_of(event.customer_id)
        key = (trigger.on.when, state.world.catalog.version)
        if key not in self._conditions:
            vocabulary = Vocabulary.of(state.world.catalog.ordered)
            self._conditions[key] = trigger.condition(vocabulary, f"triggers.{trigger.id}.on.when")
        condition = self._conditions[key]
        if state.store is None or condition is None:
            raise FeatureError("no profiles can be read; the trigger waits")
        profiles = state.store.online(event.customer_id)
        request = trigger.question(event.customer_id, event.event_id)
        return condition.holds(
            request,
            profiles,
            state.popularity,
            state.world,
            engine.clock.now(),
            zone,
            _facts(event),
        )

    def _quiet_until(self, request: DecisionRequest) -> float | None:
        engine = self._desk.engine
        world = engine.current().world
        everything = np.arange(len(world.catalog.action_ids))
        zone = engine.zone_of(request.customer_id)
        return world.contact.quiet_until(request, everything, engine.clock.now(), zone)

    async def _deliver(
        self, deliveries: Deliveries, delivery: Delivery, trigger: Trigger | None
    ) -> Delivery:
        assert delivery.body is not None and delivery.decided_at is not None
        now = self._desk.engine.clock.now()
        try:
            await asyncio.to_thread(self._hand_over, delivery, trigger, now)
        except (OSError, CallError, ConfigError) as error:
            seconds, attempts = now.timestamp(), delivery.attempts + 1
            log().warning(
                "not_delivered", delivery=delivery.delivery_id, error=type(error).__name__
            )
            if seconds > delivery.decided_at + GIVE_UP_S:
                return await _change(deliveries, delivery, state="failed", attempts=attempts)
            wait = min(FIRST_WAIT_S * 2.0 ** min(delivery.attempts, 20), LONGEST_WAIT_S)
            return await _change(deliveries, delivery, due_at=seconds + wait, attempts=attempts)
        return await _change(
            deliveries, delivery, state="delivered", attempts=delivery.attempts + 1
        )

    def _hand_over(self, delivery: Delivery, trigger: Trigger | None, now: datetime) -> None:
        assert delivery.body is not None
        if trigger is None or trigger.deliver == "outbox":
            self._outbox.append(delivery.body, now)
            return
        secret, url = (
            self._settings.webhook_secret,
            dict(self._settings.webhooks).get(trigger.webhook or ""),
        )
        if secret is None or url is None:
            raise ConfigError(f"no NBA_WEBHOOK_SECRET, or no {trigger.webhook!r} in NBA_WEBHOOKS")
        key, sent_at = secret.get_secret_value().encode(), int(now.timestamp())
        call(url, delivery.body, key, delivery.delivery_id, sent_at)

    def _seconds(self) -> float:
        return self._desk.engine.clock.now().timestamp()


async def _change(deliveries: Deliveries, delivery: Delivery, **changed: Any) -> Delivery:
    """Change a delivery without holding up what else the process does."""
    return await asyncio.to_thread(deliveries.change, delivery, **changed)


def delivery_id(trigger_id: str, event_id: str) -> str:
    """Return the id of a delivery: the same for the same trigger and event."""
    return hashlib.sha256(f"{trigger_id}\n{event_id}".encode()).hexdigest()[:32]


def _facts(event: Happened) -> dict[str, Fact]:
    """Return what an event says, by name; what it does not say is only known to be missing."""
    names = ("type", "channel", "action_id", "category", "session_id", "amount", "rating", "value")
    facts: dict[str, Fact] = {}
    for name in names:
        told = getattr(event, name)
        facts[f"known.event.{name}"] = told is not None
        if told is not None:
            facts[f"event.{name}"] = told
    return facts
