"""The one door to Feast: training frames from the offline store, one profile from the online store.

Both come back as `Profiles`, by name and in the order of the layout, so that what the model saw in
training is what it sees in service. What Feast leaves open is settled here: an unknown customer is
a row of NaN on every online store, ages are left to `features.matrix`, no row is ever lost.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import features.lean_feast  # noqa: F401 - before Feast
from features.declared import stored
from features.errors import FeatureError, LayoutError
from features.fresh_rows import fold, writing_online
from features.guarded import Guarded, quietly
from features.joined_frames import aware, vectors_of
from features.layout import Layout
from features.online import let_readers_pass, newest_wins, wait_briefly
from features.online_erasure import erase_from_redis, erase_from_sqlite
from features.places import WRITE_SECONDS, Places
from features.profiles import Profiles
from features.spec import Block

# isort: split
from feast import FeatureStore
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RepoConfig

# Feast lets every deprecation through again; those of Ibis are not for our users.
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ibis\.")

Array = npt.NDArray[np.float64]

PROFILE_VIEW, VECTOR_VIEW = "customer_profile", "profile_vector"
POPULARITY_VIEW = "action_popularity"


class ProfileStore:
    """Reads profiles and action popularity from one Feast store.

    Attributes
    ----------
    remote : whether the online store is a server; it is then read from several threads at once.
    """

    def __init__(
        self, feast: FeatureStore, layout: Layout, home: Path, places: Places | None = None
    ) -> None:
        self._feast, self._config, self.layout = feast, feast.config, layout
        self._home = home
        self.places = places or Places()
        self.remote = self.places.remote
        self._guarded = partial(Guarded, places=self.places)
        # Feast shares one SQLite connection between threads; a client of Redis has one for each.
        self._lock = nullcontext() if self.remote else threading.Lock()
        self._resolved: dict[str, Any] = {}
        self._views: dict[str, Any] = {}
        self._online_store = self._writer()
        self._reader = self._online_store
        if self.remote:
            # Reads give up early, writes are long: each has a client of its own.
            self._reader = type(self._online_store)()
            self._reader._client = self.places.client(self.places.read_ms / 1_000.0)

    def online(self, customer_id: str) -> Profiles:
        """Return the newest profile of one customer; a row of NaN when there is none.

        Raises
        ------
        FeatureError : the online store cannot be read.
        LayoutError : it holds a profile of another layout.
        """
        (values,) = self._read(VECTOR_VIEW, "customer_id", (customer_id,), ("vector", "layout"))
        # Redis has a null where SQLite has no row.
        if values and (numbers := values["vector"].bytes_val):
            layout = values["layout"].string_val
            if layout != self.layout.hash:
                raise LayoutError(
                    f"profile of {customer_id!r}: layout {layout} instead of {self.layout.hash}; "
                    "run `nba features materialize`"
                )
            if len(numbers) != 8 * self.layout.size:
                damage = f"{len(numbers)} bytes; run `nba features materialize`"
                raise FeatureError(f"profile of {customer_id!r}: damaged, {damage}")
            vector = np.frombuffer(numbers, dtype="<f8")
        else:
            vector = np.full(self.layout.size, np.nan)
        return Profiles(self.layout, np.array([customer_id], dtype=object), vector[None, :])

    def count_online(self, customer_ids: Sequence[str]) -> int:
        """Return how many of the customers have a profile online, of whichever layout.

        Raises
        ------
        FeatureError : the online store cannot be read.
        """
        found = self._read(VECTOR_VIEW, "customer_id", customer_ids, ("layout",))
        return sum(bool(values and values["layout"].string_val) for values in found)

    def popularity_now(self, action_ids: Sequence[str]) -> Array:
        """Return the newest popularity of actions, shape (1, actions, popularity features)."""
        names = stored(Block.POPULARITY)
        if not action_ids:
            return np.empty((1, 0, len(names)))
        popularity = np.full((1, len(action_ids), len(names)), np.nan)
        for place, values in enumerate(self._read(POPULARITY_VIEW, "action_id", action_ids, names)):
            for at, name in enumerate(names):
                if values and values[name].WhichOneof("val"):
                    popularity[0, place, at] = values[name].double_val
        return popularity

    def historical(
        self,
        service: str,
        customer_ids: npt.NDArray[np.object_],
        moments: npt.NDArray[np.datetime64],
    ) -> Profiles:
        """Return the newest profile of each customer at or before each moment, in order asked.

        Parameters
        ----------
        service : feature service (label model) to join.
        customer_ids, moments : shape (n,), naive UTC; duplicates are welcome, every row comes back.

        Raises
        ------
        FeatureError : the offline store cannot be read.
        """
        fold(self._home / "features", self.layout)
        asked = pd.DataFrame({"customer_id": customer_ids, "event_timestamp": aware(moments)})
        once = asked.drop_duplicates(ignore_index=True)
        frame = self._join(once, self._service(service))
        rows = pd.MultiIndex.from_frame(frame[["customer_id", "event_timestamp"]])
        order = rows.get_indexer(pd.MultiIndex.from_frame(asked))
        if (order < 0).any() or len(frame) != len(once):
            raise FeatureError(f"offline store: {len(once)} rows asked for, {len(frame)} came back")
        return Profiles(self.layout, customer_ids, vectors_of(frame, self.layout)[order])

    def popularity_at(
        self, action_ids: Sequence[str], midnights: npt.NDArray[np.datetime64]
    ) -> Array:
        """Return popularity as of days, shape (days, actions, popularity features)."""
        names = stored(Block.POPULARITY)
        asked = pd.DataFrame(
            {
                "action_id": np.tile(np.array(action_ids, dtype=object), len(midnights)),
                "event_timestamp": aware(np.repeat(midnights, len(action_ids))),
            }
        )
        frame = self._join(asked, [f"{POPULARITY_VIEW}:{name}" for name in names])
        order = pd.MultiIndex.from_frame(frame[["action_id", "event_timestamp"]]).get_indexer(
            pd.MultiIndex.from_frame(asked)
        )
        values = frame[list(names)].to_numpy(dtype=np.float64)[order]
        return values.reshape(len(midnights), len(action_ids), len(names))

    def apply(self, objects: Sequence[Any]) -> None:
        """Register entities, views and services."""
        with self._guarded("registry"), quietly():
            self._feast.apply(list(objects))
            self._feast.refresh_registry()  # type: ignore[no-untyped-call]
            self._resolved.clear()
            self._views.clear()

    def materialize(self, until: datetime) -> int:
        """Copy the newest packed rows and popularity online; return the number of customers."""
        start = datetime(1970, 1, 1, tzinfo=UTC)
        with self._guarded("online store"), writing_online(self._home), quietly():
            # Whoever has a profile is taken for complete.
            for view in (POPULARITY_VIEW, VECTOR_VIEW):
                self._feast.materialize(start, until, feature_views=[view])
            let_readers_pass(self._online_store, self._config)
            source: Any = self._feast.get_feature_view(VECTOR_VIEW).batch_source
        return int(pq.ParquetFile(source.path).metadata.num_rows)

    def write(self, rows: pa.Table) -> None:
        """Put packed profile rows online; whoever calls holds the right to (`writing_online`).

        Raises
        ------
        FeatureError : the online store cannot be written.
        """
        columns = rows.to_pydict()
        values = [
            {"vector": Value(bytes_val=vector), "layout": Value(string_val=layout)}
            for vector, layout in zip(columns["vector"], columns["layout"], strict=True)
        ]
        keys = _keys("customer_id", columns["customer_id"])
        data = list(zip(keys, values, columns["as_of"], columns["created"], strict=True))
        # Asked directly, as in `_read`: what Feast does before is made for columns of any kind.
        with self._guarded("online store"), self._lock:
            view = self._view(VECTOR_VIEW)
            self._online_store.online_write_batch(self._config, view, data, None)

    def forget(self, customer_ids: Sequence[str]) -> int:
        """Take customers out of the online store; return how many rows went.

        Raises
        ------
        FeatureError : it cannot be written.
        """
        project, version = self._config.project, self._config.entity_key_serialization_version
        keys = [serialize_entity_key(k, version) for k in _keys("customer_id", customer_ids)]
        with self._guarded("online store"), writing_online(self._home), self._lock:
            if self.remote:
                return erase_from_redis(self._online_store._client, project, keys)
            connection = self._online_store._get_conn(self._config)
            return erase_from_sqlite(connection, [f"{project}_{VECTOR_VIEW}"], keys)

    def _writer(self) -> Any:
        """Return Feast's online store, made to do what every one of them should do."""
        online_store: Any = self._feast._get_provider().online_store
        newest_wins(online_store)
        if self.remote:
            online_store._client = self.places.client(WRITE_SECONDS)
        return online_store

    def _join(self, asked: pd.DataFrame, features: Any) -> pd.DataFrame:
        with self._guarded("offline store"), quietly():
            frame: pd.DataFrame = self._feast.get_historical_features(
                entity_df=asked, features=features, filter_by_created_timestamp=True
            ).to_df()
        frame["event_timestamp"] = frame["event_timestamp"].astype("datetime64[us, UTC]")
        return frame

    def _read(
        self, view: str, join_key: str, ids: Sequence[str], names: Sequence[str]
    ) -> list[dict[str, Any] | None]:
        """Return the newest values of each id, in order.

        This is the request path: Feast's online store is asked directly, a fifth of the cost of
        going through a feature service.
        """
        keys = _keys(join_key, ids)
        with self._guarded("online store"), self._lock:
            # A fresh list each time: the Redis store appends to the one it is given.
            read = self._reader.online_read(self._config, self._view(view), keys, list(names))
        return [values for _, values in read] or [None] * len(keys)

    def _view(self, name: str) -> Any:
        if name not in self._views:
            self._views[name] = self._feast.get_feature_view(name)
            wait_briefly(self._reader, self._config, self.places.read_ms)
        return self._views[name]

    def _service(self, name: str) -> Any:
        # Looking a service up re-reads the registry (30 ms), so each is resolved once.
        if name not in self._resolved:
            with self._guarded("registry"):
                self._resolved[name] = self._feast.get_feature_service(name)
        return self._resolved[name]


def open_store(home: Path, repo: Path, places: Places | None = None) -> ProfileStore:
    """Open the store of `home` with the settings in `repo`/feature_store.yaml.

    Parameters
    ----------
    places : servers to use instead of the files that the settings name.

    Raises
    ------
    FeatureError : no features were built yet, or Feast cannot open its registry.
    """
    places = places or Places()
    layout = Layout.load(home / "features" / "layout.json")
    (home / "feast").mkdir(parents=True, exist_ok=True)
    # It warns at each start of the very setting that keeps reads going during a materialisation.
    logging.getLogger("feast").setLevel(logging.ERROR)
    path = repo / "feature_store.yaml"
    text = Template(path.read_text()).safe_substitute(
        os.environ | {"NBA_HOME": str(home.resolve())}
    )
    with Guarded(str(path), places), quietly():
        config = RepoConfig(repo_path=repo, **places.over(yaml.safe_load(text)))
        return ProfileStore(FeatureStore(config=config), layout, home, places)


def _keys(join_key: str, ids: Sequence[str]) -> list[Any]:
    return [EntityKey(join_keys=[join_key], entity_values=[Value(string_val=one)]) for one in ids]
