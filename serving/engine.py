"""Holds what a decision needs and keeps it current: world, store, clock, popularity.

`refresh` does everything slow (reading the catalog, checking and loading a bundle, opening the
store) away from requests and then swaps one reference.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from uuid import uuid4

import numpy as np

from decisioning.configuration import Configuration
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.history import History
from decisioning.request import DecisionRequest
from decisioning.world import PropensityModel, World
from features.calendar import Calendar
from features.clock import Clock
from features.errors import CatalogError, LayoutError, LeakError, NbaError
from features.profiles import Profiles, no_profile
from serving.following import Followed
from serving.logs import log
from serving.profile_reader import ProfileReader, not_before
from serving.state import Sources, State, Store, build_state, versions_of

_GUESSES = ("unknown_customer", "model_features_missing")
_OPEN_AGAIN_S, _READ_AGAIN_S = 5.0, 60.0
Found = tuple[Profiles, tuple[str, ...]]
"""A profile, one row, and what kept it from being read, as codes."""


@dataclass(frozen=True)
class Answer:
    """A decision and what it was taken from.

    Attributes
    ----------
    profiles : one row.
    without_model : whether the model failed, so that it was left out.
    """

    request: DecisionRequest
    decision: Decision
    profiles: Profiles
    history: History | None
    state: State
    without_model: bool

    @property
    def world(self) -> World:
        """The world of the decision."""
        return self.state.plain if self.without_model else self.state.world


class Engine:
    """Answers decisions from the newest good state.

    Raises
    ------
    CatalogError : the action catalog cannot be used; without one there is nothing to answer.
    """

    def __init__(
        self,
        sources: Sources,
        clock: Clock,
        calendar: Calendar,
        reader: ProfileReader | None = None,
    ) -> None:
        self.reader = reader or ProfileReader()
        self.clock, self.calendar, self.model_name = clock, calendar, sources.model_name
        self.configuration: Followed[Configuration] = Followed(
            "configuration", sources.configuration_stamp, sources.load_configuration
        )
        self.store: Followed[Store] = Followed("features", sources.store_stamp, sources.open_store)
        self.model: Followed[PropensityModel] = Followed(
            "model", sources.model_stamp, sources.load_model, sources.load_former_model
        )
        self.zones: Followed[Mapping[str, str]] = Followed(
            "time_zones", sources.zones_stamp, sources.load_zones
        )
        self.store_failed = False
        self._lock = threading.Lock()
        # The day that was asked for last, and when it begins and ends: asked for several times in
        # every decision.
        self._day_span = (0, 0.0, 0.0)
        self._next_read = self._next_open = 0.0
        self.configuration.look()
        if self.configuration.value is None:
            raise CatalogError(str(self.configuration.trouble)) from self.configuration.trouble
        self.store.look()
        self.model.look()
        self.zones.look()
        self.state = self._build(self.configuration.value)

    def answer(
        self,
        request: DecisionRequest,
        history: History | None,
        codes: tuple[str, ...] = (),
        state: State | None = None,
        found: Found | None = None,
    ) -> Answer:
        """Return the decision now; `codes` join its degraded codes.

        A part that fails costs quality, never the answer: a store that cannot be read, or a profile
        from the future, counts as no profile; a model that fails as no model.

        Parameters
        ----------
        history : None when the ledger cannot be read.
        state : the one that `history` was read for; another could need more of it.
        found : what `profile_of` returned; else the profile is read here.
        """
        state = state or self.current()
        profiles, unread = found or self._profile(state, request.customer_id)
        # The time is taken after the profile was read: an event in between is not a leak.
        now = not_before(profiles, self.clock.now())
        answer, failed = self._decide(request, profiles, history, state, now)
        told = answer.decision.degraded
        if unread:
            # Without the store nobody knows whether the customer is unknown or the model fits.
            told = tuple(code for code in told if code not in _GUESSES)
        failed += ("model_refused",) if self.served_by_former else ()
        degraded = tuple(dict.fromkeys((*told, *codes, *unread, *failed)))
        if degraded == answer.decision.degraded:
            return answer
        return replace(answer, decision=answer.decision._replace(degraded=degraded))

    def zone_of(self, customer_id: str | None) -> str | None:
        """Return the customer's own time zone; None for the company's."""
        return (self.zones.value or {}).get(customer_id or "")

    def current(self) -> State:
        """Return everything that decisions are taken from now."""
        if self.state.remote:
            # Nothing is read from a server between two requests; the next refresh takes it up.
            return self.state
        return self._today()

    async def profile_of(self, state: State, customer_id: str | None) -> Found:
        """Return the profile of one customer, one row, and what is missing, as codes.

        It takes no longer than the reader allows, whatever the store does.
        """
        if state.store is None or customer_id is None:
            return self._profile(state, customer_id)
        try:
            profiles = await self.reader.read(state.store, customer_id)
        except Exception as error:
            return self._unread(state, customer_id, error)
        self.store_failed = False
        return profiles, self.reader.doubts(profiles)

    def refresh(self) -> bool:
        """Take up what has changed on disk or with the day; return whether anything was swapped."""
        with self._lock:
            self.zones.look()
            changed = [self.configuration.look(), self.model.look(), self._open_store()]
            if any(changed) and self.configuration.value is not None:
                self.state = self._build(self.configuration.value)
                log().info("swapped", **versions_of(self.state.world))
                return True
            self._today(again=monotonic() > self._next_read)
            return False

    def degraded(self) -> list[str]:
        """Return what is missing for a full answer, as codes."""
        found = {
            "catalog_refused": self.configuration.trouble is not None,
            "features_unavailable": self.store.value is None
            or self.store_failed
            or self.reader.lost
            or self.reader.breaker.state != "closed",
            "features_refused": self.store.value is not None and self.store.trouble is not None,
            "no_model": self.model.value is None,
            "model_refused": self.served_by_former,
            "model_features_missing": self.model.value is not None
            and self.state.world.model is None,
        }
        return [code for code, holds in found.items() if holds]

    @property
    def served_by_former(self) -> bool:
        """Whether the newest model cannot be used and the last good one answers."""
        return self.model.value is not None and self.model.trouble is not None

    def _build(self, configuration: Configuration) -> State:
        state = build_state(configuration, self.model.value, self.store.value, self.calendar)
        return self._with_popularity(self._as_popular_as_before(state))

    def _as_popular_as_before(self, state: State) -> State:
        """Keep the popularity that is known, for when the store cannot be read just now."""
        before: State | None = getattr(self, "state", None)
        if before and before.world.catalog.action_ids == state.world.catalog.action_ids:
            return replace(state, popularity=before.popularity, popular=before.popular)
        return state

    def _open_store(self) -> bool:
        # A client of a server connects anew by itself.
        missing = self.store.value is None or (self.store_failed and not self.state.remote)
        opened = self.store.look(again=missing and monotonic() > self._next_open)
        if opened or monotonic() > self._next_open:
            self._next_open = monotonic() + _OPEN_AGAIN_S
        self.store_failed = self.store_failed and not opened
        return opened

    def _today(self, again: bool = False) -> State:
        """Return the state with the popularity of this business day, read anew if `again`."""
        state = self.state
        if again or state.day != self._day():
            fresh = self._with_popularity(state)
            # Or else a refresh in its thread was first, with something newer than this.
            self.state = fresh if self.state is state else self.state
        return self.state

    def _with_popularity(self, state: State) -> State:
        day, self._next_read = self._day(), monotonic() + _OPEN_AGAIN_S
        if state.store is None:
            return replace(state, day=day)
        try:
            popularity = state.store.popularity_now(state.world.catalog.action_ids)
        except Exception as error:
            self._tell_failure("popularity_not_read", error)
            return replace(state, day=day)
        if state.store.remote and self.reader.breaker.state == "closed":
            self.store_failed = False
        if np.isnan(popularity).all():
            # The store has lost it: what was known before is better than nothing.
            return replace(state, day=day)
        self._next_read = monotonic() + _READ_AGAIN_S
        return replace(state.with_popularity(popularity), day=day)

    def _profile(self, state: State, customer_id: str | None) -> Found:
        if state.store is None or customer_id is None:
            unread = ("features_unavailable",) if state.store is None else ()
            return no_profile(state.world.layout, customer_id or ""), unread
        try:
            profiles = state.store.online(customer_id)
        except Exception as error:
            return self._unread(state, customer_id, error)
        self.store_failed = False
        return profiles, self.reader.doubts(profiles)

    def _unread(self, state: State, customer_id: str, error: Exception) -> Found:
        self._tell_failure("profile_not_read", error)
        other = isinstance(error, LayoutError)
        code = "profile_layout_mismatch" if other else "features_unavailable"
        return no_profile(state.world.layout, customer_id), (code,)

    def _decide(
        self,
        request: DecisionRequest,
        profiles: Profiles,
        history: History | None,
        state: State,
        now: datetime,
    ) -> tuple[Answer, tuple[str, ...]]:
        decision_id = str(uuid4())

        def attempt(world: World, rows: Profiles) -> Answer:
            decision = decide(request, rows, state.popularity, world, now, history, decision_id)
            return Answer(request, decision, rows, history, state, world is state.plain)

        try:
            return attempt(state.world, profiles), ()
        except LeakError:
            log().error("profile_from_the_future")
            nobody = no_profile(state.world.layout, request.customer_id or "")
            return attempt(state.world, nobody), ("profile_from_the_future",)
        except NbaError as error:
            log().error("model_failed", error=str(error))
            return attempt(state.plain, profiles), ("model_failed",)

    def _tell_failure(self, event: str, error: Exception) -> None:
        # The store's backends raise what they like; any of it costs quality, not the answer. The
        # text of the error may hold a customer id, so only its kind is logged, and once.
        if not self.store_failed:
            log().error(event, error=type(error).__name__)
        self.store_failed = True

    def day_of(self, epoch_seconds: float) -> int:
        """Return the business day number of a moment in UTC seconds."""
        number, begins, ends = self._day_span
        if not begins <= epoch_seconds < ends:
            number = int(self.calendar.day(np.array([epoch_seconds]))[0])
            begins, ends = self.calendar.midnight(np.array([number, number + 1])).astype("i8") / 1e6
            self._day_span = number, float(begins), float(ends)
        return number

    def _day(self) -> int:
        return self.day_of(self.clock.now().timestamp())
