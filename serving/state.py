"""Everything a decision is taken from at one moment, replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from decisioning.configuration import Configuration
from decisioning.record import digest_of, layout_content, popularity_content
from decisioning.world import PropensityModel, World, build_world
from features.calendar import Calendar
from features.declared import stored
from features.layout import Layout
from features.profiles import Profiles
from features.spec import Block
from serving.following import file_stamp

Array = npt.NDArray[np.float64]


class Store(Protocol):
    """What the engine needs of the profile store."""

    layout: Layout

    @property
    def remote(self) -> bool:
        """Whether it is a server, and may be read from several threads at once."""
        ...

    def online(self, customer_id: str) -> Profiles:
        """Return the newest profile of one customer, one row; NaN when there is none."""
        ...

    def count_online(self, customer_ids: Sequence[str]) -> int:
        """Return how many of the customers have a profile."""
        ...

    def forget(self, customer_ids: Sequence[str]) -> int:
        """Take customers out; return how many rows went."""
        ...

    def popularity_now(self, action_ids: Sequence[str]) -> Array:
        """Return the popularity of actions, shape (1, actions, popularity features)."""
        ...


@dataclass(frozen=True)
class Sources:
    """Where the parts of the engine come from.

    Attributes
    ----------
    configuration_stamp, load_configuration : what changes with every edit of the business's files,
        and what they say.
    model_stamp, load_model : what changes with every promotion, and the promoted model; loading
        raises ModelError when there is none or it is not as it should be.
    load_former_model : the one that was promoted before, for a start at which the newest is bad.
    layout_file : changes when features are built anew; the store is then opened again.
    online_file : the online store, where it is a file; opened again when it is another one.
    open_store : opens the profile store; raises FeatureError when there are no features yet.
    """

    configuration_stamp: Callable[[], object]
    load_configuration: Callable[[], Configuration]
    model_name: str
    model_stamp: Callable[[], object]
    load_model: Callable[[], PropensityModel]
    layout_file: Path
    open_store: Callable[[], Store]
    load_former_model: Callable[[], PropensityModel] | None = None
    online_file: Path | None = None
    zones_stamp: Callable[[], object] = lambda: None
    load_zones: Callable[[], Mapping[str, str]] = dict

    def store_stamp(self) -> object:
        """Return what changes when the store has to be opened again."""
        online = file_stamp(self.online_file) if self.online_file else None
        # A materialisation writes into the file; only another file has to be opened.
        return file_stamp(self.layout_file), online and online[2]


@dataclass(frozen=True)
class Snapshot:
    """A content that many decisions share, and its digest."""

    kind: str
    content: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, kind: str, content: bytes) -> Snapshot:
        """Return the snapshot of a content."""
        return cls(kind, content, digest_of(content))


@dataclass(frozen=True)
class State:
    """Everything of one moment; replaced as a whole.

    Attributes
    ----------
    plain : the same world where the model is not asked, for when it fails; its priors stay.
    popularity : shape (1, actions, popularity features), as of business day `day`.
    configuration, layout, popular : what decisions refer to, to be kept in the ledger.
    """

    world: World
    plain: World
    store: Store | None
    popularity: Array
    day: int | None
    configuration: Snapshot
    layout: Snapshot
    popular: Snapshot

    @property
    def remote(self) -> bool:
        """Whether profiles are read from a server."""
        return self.store is not None and self.store.remote

    def with_popularity(self, popularity: Array) -> State:
        """Return the state with another popularity."""
        popular = Snapshot.of("popularity", popularity_content(popularity))
        return replace(self, popularity=popularity, popular=popular)


def build_state(
    configuration: Configuration,
    model: PropensityModel | None,
    store: Store | None,
    calendar: Calendar,
) -> State:
    """Return the state of these parts, its popularity not known yet."""
    layout = store.layout if store else Layout.of((), ())
    world = build_world(configuration, model, layout, calendar)
    actions = len(configuration.catalog.actions)
    unknown = np.full((1, actions, len(stored(Block.POPULARITY))), np.nan)
    return State(
        world=world,
        plain=build_world(configuration, model, layout, calendar, without_model=True),
        store=store,
        popularity=unknown,
        day=None,
        configuration=Snapshot.of("configuration", configuration.content),
        layout=Snapshot.of("layout", layout_content(layout)),
        popular=Snapshot.of("popularity", popularity_content(unknown)),
    )


def versions_of(world: World) -> dict[str, str]:
    """Return the versions of a world by name."""
    versions = world.versions
    return {
        "model": versions.model,
        "catalog": versions.catalog,
        "policies": versions.policies,
        "features": versions.features,
    }
