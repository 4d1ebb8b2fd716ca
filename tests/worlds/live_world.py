"""A home of profiles, and events that happen after they were built."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from small_world import AS_OF, LINES, TOUCHES, write_world

from feature_repo.definitions import define
from features import build
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.tables import Tables, open_tables
from features.fresh import People, Refresher, themselves
from features.known_actions import layout_of
from features.live_events import EventRow, live_events, owners, with_events, with_people
from features.profiles import Profiles
from features.store import ProfileStore, open_store

REPO = Path(__file__).resolve().parents[2] / "feature_repo"
BUILT = datetime(2024, 3, 10, 12, tzinfo=UTC)


@dataclass
class MovingClock:
    """Time that goes on when it is told to."""

    moment: datetime = BUILT + timedelta(hours=1)

    def now(self) -> datetime:
        return self.moment

    def go(self, **span: float) -> None:
        self.moment += timedelta(**span)


def touch(event_id: str, at: datetime, type: str = "complaint", **changes: Any) -> EventRow:
    row = EventRow(
        event_id=event_id,
        type=type,
        customer_id="007",
        occurred_at=at.timestamp(),
        received_at=at.timestamp(),
        channel="web",
    )
    return row._replace(**changes)


def purchase(
    event_id: str, at: datetime, lines: list[dict[str, Any]], transaction_id: str, **changes: Any
) -> EventRow:
    attributes = json.dumps({"transaction_id": transaction_id, "lines": lines})
    return touch(event_id, at, "transaction", attributes=attributes, **changes)


@dataclass
class LiveHome:
    """Profiles that were built and put online, and what happens from then on."""

    path: Path
    store: ProfileStore
    clock: MovingClock = field(default_factory=MovingClock)
    events: list[EventRow] = field(default_factory=list)
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def events_of(self, customer_ids: Any) -> list[EventRow]:
        return [row for row in self.events if row.customer_id in set(customer_ids)]

    def people_of(self, customer_ids: Any) -> People:
        owner_of = owners(self.people)
        asked = {owner_of.get(one, one) for one in customer_ids}
        return {one: self.people.get(one, (one,)) for one in asked}

    def refresher(self) -> Refresher:
        people_of = self.people_of if self.people else themselves
        return Refresher(self.path, REPO, Calendar(), self.clock, self.events_of, people_of)

    def online(self, customer_ids: list[str]) -> Profiles:
        rows = [self.store.online(customer_id).vectors for customer_id in customer_ids]
        ids = np.array(customer_ids, dtype=object)
        return Profiles(self.store.layout, ids, np.concatenate(rows))

    def tables(self) -> Tables:
        """Sources and everything that happened since, as a build sees them."""
        sources = with_people(open_tables(self.path / "data"), self.people)
        return with_events(sources, live_events(self.events, owners(self.people)))

    def offline(self, online: Profiles) -> Profiles:
        """Compute the same rows again, by a build over everything that is known."""
        as_of = np.round(online.profile_at * 1e6).astype("int64").astype("datetime64[us]")
        events = build.prepare(self.tables())
        return build.profiles(events, online.layout, Calendar(), online.customer_ids, as_of)


def live_home(path: Path) -> LiveHome:
    world = write_world(path / "data", LINES, TOUCHES)
    ids = np.array(["007", "b", "c", "d"], dtype=object)
    now = Spine(ids, np.repeat(AS_OF, 4))
    backfill(build.prepare(world), layout_of(world), Calendar(), now, now, path / "features")
    store = open_store(path, REPO)
    store.apply(define(path).everything())
    store.materialize(BUILT + timedelta(minutes=1))
    return LiveHome(path, store)
