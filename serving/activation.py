"""Makes a deferred decision count: its places are taken now, if they are still free."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

import numpy as np

from decisioning.decision import Decision
from decisioning.history import History
from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import Activated
from decisioning.replay import Again
from decisioning.request import DecisionRequest
from decisioning.reservation import still_free
from decisioning.world import World
from serving.decision_rows import slots_at
from serving.engine import Engine


def activate(
    ledger: Ledger,
    engine: Engine,
    again: Again,
    send_at: datetime | None = None,
    customer_id: str | None = None,
) -> Future[Activated]:
    """Ask for the activation of a decision that was taken again from its record.

    Consent and limits are checked as of now, of everybody who is one person with the customer by
    now. Quiet hours did not turn the deferred decision down,
    so they are checked here.

    Parameters
    ----------
    send_at : when it is or was sent; now where nothing is said.
    customer_id : who stands for the person by now; the customer of the decision where nothing is
        said.

    Raises
    ------
    LedgerError : nothing can be written; the future may fail with it too.
    """
    record, now, world = again.record, engine.clock.now(), engine.state.world
    zone = engine.zone_of(customer_id or record.request.customer_id)

    def check(history: History) -> bool:
        history = replace(history, time_zone=zone)
        free = still_free(again.decision, record.request, history, world, now)
        return (
            free
            and quiet_until(again.decision, record.request, world, send_at or now, zone) is None
        )

    slots = slots_at(again.decision, record.request, again.world, now.timestamp(), engine)
    return ledger.activate(record.decision_id, now.timestamp(), slots, check, world.needs)


def quiet_until(
    decision: Decision, request: DecisionRequest, world: World, now: datetime, zone: str | None
) -> float | None:
    """Return when everything that a decision returns may be sent; None for at once.

    In seconds since 1970, UTC; infinite where nobody knows.
    """
    position = world.catalog.position
    action = [position[one.action_id] for one in decision.results if one.action_id in position]
    return world.contact.quiet_until(request, np.array(action, dtype=np.int64), now, zone)
