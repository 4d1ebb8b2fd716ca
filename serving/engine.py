"""Holds what a decision needs and keeps it current: world, store, clock, popularity.

`refresh` does everything slow (reading the catalog, checking and loading a bundle, opening the
store) away from requests and then swaps one reference.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Protocol
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog, load_catalog
from decisioning.decide import decide
from decisioning.decision import Decision
from decisioning.request import DecisionRequest
from decisioning.world import PropensityModel, World, build_world
from features.calendar import Calendar
from features.clock import Clock
from features.declared import stored
from features.errors import CatalogError, LeakError, NbaError
from features.layout import Layout
from features.profiles import Profiles, no_profile
from features.spec import Block
from serving.following import Followed, file_stamp
from serving.logs import log

Array = npt.NDArray[np.float64]

_GUESSES = ("unknown_customer", "model_features_missing")
_OPEN_AGAIN_S = 5.0
_READ_AGAIN_S = 60.0


class Store(Protocol):
    """What the engine needs of the profile store."""

    layout: Layout

    def online(self, customer_id: str) -> Profiles:
        """Return the newest profile of one customer, one row; NaN when there is none."""
        ...

    def popularity_now(self, action_ids: tuple[str, ...]) -> Array:
        """Return the popularity of actions, shape (1, actions, popularity features)."""
        ...


@dataclass(frozen=True)
class Sources:
    """Where the parts of the engine come from.

    Attributes
    ----------
    model_stamp, load_model : what changes with every promotion, and the promoted model; loading
        raises ModelError when there is none or it is not as it should be.
    layout_file : changes when features are built anew; the store is then opened again.
    online_file : the online store, where it is a file; opened again when it is another one.
    open_store : opens the profile store; raises FeatureError when there are no features yet.
    """

    catalog: Path
    model_name: str
    model_stamp: Callable[[], object]
    load_model: Callable[[], PropensityModel]
    layout_file: Path
    open_store: Callable[[], Store]
    online_file: Path | None = None


@dataclass(frozen=True)
class State:
    """Everything of one moment; replaced as a whole.

    Attributes
    ----------
    plain : the same world without the model, for when the model fails.
    popularity : shape (1, actions, popularity features), as of business day `day`.
    """

    world: World
    plain: World
    store: Store | None
    popularity: Array
    day: int | None


def _store_stamp(sources: Sources) -> object:
    online = file_stamp(sources.online_file) if sources.online_file else None
    # A materialisation writes into the file; only another file has to be opened.
    return file_stamp(sources.layout_file), online and online[2]


class Engine:
    """Answers decisions from the newest good state.

    Raises
    ------
    CatalogError : the action catalog cannot be used; without one there is nothing to answer.
    """

    def __init__(self, sources: Sources, clock: Clock, calendar: Calendar) -> None:
        self.clock, self.calendar, self.model_name = clock, calendar, sources.model_name
        self.catalog: Followed[Catalog] = Followed(
            "catalog",
            lambda: file_stamp(sources.catalog),
            lambda: load_catalog(sources.catalog),
        )
        self.store: Followed[Store] = Followed(
            "features", lambda: _store_stamp(sources), sources.open_store
        )
        self.model: Followed[PropensityModel] = Followed(
            "model", sources.model_stamp, sources.load_model
        )
        self.store_failed = False
        self._lock = threading.Lock()
        self._next_read = self._next_open = 0.0
        self.catalog.look()
        if self.catalog.value is None:
            raise CatalogError(str(self.catalog.trouble)) from self.catalog.trouble
        self.store.look()
        self.model.look()
        self.state = self._build(self.catalog.value)

    def answer(self, request: DecisionRequest, codes: tuple[str, ...] = ()) -> Decision:
        """Return the decision now; `codes` join its degraded codes.

        A part that fails costs quality, never the answer: a store that cannot be read, or a profile
        from the future, counts as no profile; a model that fails as no model.
        """
        state = self._today()
        profiles, unread = self._profile(state, request.customer_id)
        # The time is taken after the profile was read: an event in between is not a leak.
        decision, failed = self._decide(request, profiles, state, self.clock.now())
        told = decision.degraded
        if unread:
            # Without the store nobody knows whether the customer is unknown or the model fits.
            told = tuple(code for code in told if code not in _GUESSES)
        degraded = tuple(dict.fromkeys((*told, *codes, *unread, *failed)))
        return decision if degraded == decision.degraded else replace(decision, degraded=degraded)

    def refresh(self) -> bool:
        """Take up what has changed on disk or with the day; return whether anything was swapped."""
        with self._lock:
            changed = [self.catalog.look(), self.model.look(), self._open_store()]
            if any(changed) and self.catalog.value is not None:
                self.state = self._build(self.catalog.value)
                log().info("swapped", **versions_of(self.state.world))
                return True
            self._today(again=monotonic() > self._next_read)
            return False

    def degraded(self) -> list[str]:
        """Return what is missing for a full answer, as codes."""
        found = {
            "catalog_refused": self.catalog.trouble is not None,
            "features_unavailable": self.store.value is None or self.store_failed,
            "features_refused": self.store.value is not None and self.store.trouble is not None,
            "no_model": self.model.value is None,
            "model_refused": self.model.value is not None and self.model.trouble is not None,
            "model_features_missing": self.model.value is not None
            and self.state.world.model is None,
        }
        return [code for code, holds in found.items() if holds]

    def _build(self, catalog: Catalog) -> State:
        store = self.store.value
        layout = store.layout if store else Layout.of((), ())
        world = build_world(catalog, self.model.value, layout, self.calendar)
        plain = build_world(catalog, None, layout, self.calendar)
        unknown = np.full((1, len(world.catalog.action_ids), len(stored(Block.POPULARITY))), np.nan)
        return self._with_popularity(State(world, plain, store, unknown, None))

    def _open_store(self) -> bool:
        missing = self.store_failed or self.store.value is None
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
            if self.state is state:
                # Else a refresh in its thread was first, with something newer than this.
                self.state = fresh
        return self.state

    def _with_popularity(self, state: State) -> State:
        day, self._next_read = self._day(), monotonic() + _READ_AGAIN_S
        if state.store is None:
            return replace(state, day=day)
        try:
            popularity = state.store.popularity_now(state.world.catalog.action_ids)
        except Exception as error:
            self._tell_failure("popularity_not_read", error)
            return replace(state, day=day)
        return replace(state, popularity=popularity, day=day)

    def _profile(self, state: State, customer_id: str | None) -> tuple[Profiles, tuple[str, ...]]:
        nobody = no_profile(state.world.layout, customer_id or "")
        if state.store is None:
            return nobody, ("features_unavailable",)
        if customer_id is None:
            return nobody, ()
        try:
            profiles = state.store.online(customer_id)
        except Exception as error:
            self._tell_failure("profile_not_read", error)
            return nobody, ("features_unavailable",)
        self.store_failed = False
        return profiles, ()

    def _decide(
        self, request: DecisionRequest, profiles: Profiles, state: State, now: datetime
    ) -> tuple[Decision, tuple[str, ...]]:
        def attempt(world: World, rows: Profiles) -> Decision:
            return decide(request, rows, state.popularity, world, now, decision_id=str(uuid4()))

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

    def _day(self) -> int:
        return int(self.calendar.day(np.array([self.clock.now().timestamp()]))[0])


def versions_of(world: World) -> dict[str, str]:
    """Return the versions of a world by name."""
    versions = world.versions
    return {
        "model": versions.model,
        "catalog": versions.catalog,
        "policies": versions.policies,
        "features": versions.features,
    }
