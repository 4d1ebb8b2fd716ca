"""The one door to Feast: training frames from the offline store, one profile from the online store.

Both come back as `Profiles`, by name and in the order of the layout, so that what the model saw in
training is what it sees in service. What Feast leaves open is settled here: an unknown customer is
a row of NaN on every online store, ages are left to `features.matrix`, no row is ever lost.
"""

from __future__ import annotations

import io
import logging
import os
import sqlite3
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import typeguard
import yaml

from features.declared import stored
from features.errors import FeatureError
from features.layout import Layout
from features.online_erasure import erase_from_redis, erase_from_sqlite
from features.profiles import Profiles
from features.spec import Block

os.environ.setdefault("FEAST_USAGE", "False")
if os.environ.get("NBA_FEAST_TYPECHECK") != "1":
    # Feast re-parses its own source for run-time type checks: two thirds of its import time.
    vars(typeguard)["typechecked"] = lambda t=None, **_: t if t else (lambda inner: inner)

from feast import FeatureStore
from feast.errors import FeastError
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RepoConfig

# Feast lets every deprecation through again; those of Ibis are not for our users.
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ibis\.")

Array = npt.NDArray[np.float64]

PROFILE_VIEW, VECTOR_VIEW, POPULARITY_VIEW = (
    "customer_profile",
    "profile_vector",
    "action_popularity",
)
LOCK_WAIT_MS = 100
"""How long a read may wait for another process to let go of a SQLite store."""


class ProfileStore:
    """Reads profiles and action popularity from one Feast store."""

    def __init__(self, feast: FeatureStore, layout: Layout) -> None:
        self._feast = feast
        self.layout = layout
        self._lock = threading.Lock()
        self._resolved: dict[str, Any] = {}
        self._vector_view: Any = None
        self._online_store: Any = None

    def online(self, customer_id: str) -> Profiles:
        """Return the newest profile of one customer; a row of NaN when there is none.

        Raises
        ------
        FeatureError : the online store cannot be read, or holds another layout.
        """
        vectors = np.full((1, self.layout.size), np.nan)
        found = self._read_packed(customer_id)
        if found is not None:
            packed, layout = found
            if layout != self.layout.hash:
                raise FeatureError(
                    f"profile of {customer_id!r}: layout {layout} instead of {self.layout.hash}; "
                    "run `nba features materialize`"
                )
            vectors[0] = np.frombuffer(packed, dtype="<f8")
        return Profiles(self.layout, np.array([customer_id], dtype=object), vectors)

    def popularity_now(self, action_ids: Sequence[str]) -> Array:
        """Return the newest popularity of actions, shape (1, actions, popularity features)."""
        names = stored(Block.POPULARITY)
        if not action_ids:
            return np.empty((1, 0, len(names)))
        answer = self._read_online(
            [f"{POPULARITY_VIEW}:{name}" for name in names],
            [{"action_id": action_id} for action_id in action_ids],
        )
        columns = [np.array(answer[name], dtype=np.float64) for name in names]
        return np.stack(columns, axis=1)[None, :, :]

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
        asked = pd.DataFrame({"customer_id": customer_ids, "event_timestamp": _aware(moments)})
        once = asked.drop_duplicates(ignore_index=True)
        frame = self._join(once, self._service(service))
        rows = pd.MultiIndex.from_frame(frame[["customer_id", "event_timestamp"]])
        order = rows.get_indexer(pd.MultiIndex.from_frame(asked))
        if (order < 0).any() or len(frame) != len(once):
            raise FeatureError(f"offline store: {len(once)} rows asked for, {len(frame)} came back")
        return Profiles(self.layout, customer_ids, self._vectors(frame)[order])

    def popularity_at(
        self, action_ids: Sequence[str], midnights: npt.NDArray[np.datetime64]
    ) -> Array:
        """Return popularity as of days, shape (days, actions, popularity features)."""
        names = stored(Block.POPULARITY)
        asked = pd.DataFrame(
            {
                "action_id": np.tile(np.array(action_ids, dtype=object), len(midnights)),
                "event_timestamp": _aware(np.repeat(midnights, len(action_ids))),
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
        with _as_feature_error("registry"), _quietly():
            self._feast.apply(list(objects))
            self._feast.refresh_registry()  # type: ignore[no-untyped-call]
            self._resolved.clear()
            self._vector_view = None

    def materialize(self, until: datetime) -> int:
        """Copy the newest packed rows and popularity online; return the number of customers."""
        start = datetime(1970, 1, 1, tzinfo=UTC)
        with _as_feature_error("online store"), _quietly():
            for view in (VECTOR_VIEW, POPULARITY_VIEW):
                self._feast.materialize(start, until, feature_views=[view])
            self._let_readers_pass()
            source: Any = self._feast.get_feature_view(VECTOR_VIEW).batch_source
        return int(pq.ParquetFile(source.path).metadata.num_rows)

    def forget(self, customer_ids: Sequence[str]) -> int:
        """Take customers out of the online store; return how many rows went.

        Raises
        ------
        FeatureError : it cannot be written.
        """
        config = self._feast.config
        version = config.entity_key_serialization_version
        keys = [serialize_entity_key(_key_of(one), version) for one in customer_ids]
        with _as_feature_error("online store"), _quietly(), self._lock:
            online_store: Any = self._feast._get_provider().online_store
            if isinstance(online_store, SqliteOnlineStore):
                views = [f"{config.project}_{name}" for name in (VECTOR_VIEW,)]
                return erase_from_sqlite(online_store._get_conn(config), views, keys)
            client = online_store._get_client(config.online_store)
            return erase_from_redis(client, config.project, keys)

    def _let_readers_pass(self) -> None:
        """Make readers of a SQLite store see the former rows while new ones are written."""
        online_store = self._feast._get_provider().online_store
        if isinstance(online_store, SqliteOnlineStore):
            online_store._get_conn(self._feast.config).execute("PRAGMA journal_mode = WAL")

    def _join(self, asked: pd.DataFrame, features: Any) -> pd.DataFrame:
        with _as_feature_error("offline store"), _quietly():
            frame: pd.DataFrame = self._feast.get_historical_features(
                entity_df=asked, features=features, filter_by_created_timestamp=True
            ).to_df()
        frame["event_timestamp"] = frame["event_timestamp"].astype("datetime64[us, UTC]")
        return frame

    def _read_packed(self, customer_id: str) -> tuple[bytes, str] | None:
        """Return the packed vector and its layout; None where there is no profile.

        This is the request path: Feast's online store is asked directly, a fifth of the cost of
        going through a feature service.
        """
        key = _key_of(customer_id)
        with _as_feature_error("online store"), self._lock:
            if self._vector_view is None:
                self._vector_view = self._feast.get_feature_view(VECTOR_VIEW)
                self._online_store = self._feast._get_provider().online_store
                _wait_briefly(self._online_store, self._feast.config)
            # A fresh list each time: the Redis store appends to the one it is given.
            read = self._online_store.online_read(
                self._feast.config, self._vector_view, [key], ["vector", "layout"]
            )
        values = read[0][1] if read else None
        if not values or not values["vector"].bytes_val:
            return None
        return values["vector"].bytes_val, values["layout"].string_val

    def _read_online(self, features: Any, rows: list[dict[str, str]]) -> dict[str, list[Any]]:
        # Feast shares one SQLite connection between threads.
        with _as_feature_error("online store"), self._lock:
            read = self._feast.get_online_features(features=features, entity_rows=rows)
            answer: dict[str, list[Any]] = read.to_dict()
        return answer

    def _service(self, name: str) -> Any:
        # Looking a service up re-reads the registry (30 ms), so each is resolved once.
        if name not in self._resolved:
            with _as_feature_error("registry"):
                self._resolved[name] = self._feast.get_feature_service(name)
        return self._resolved[name]

    def _vectors(self, frame: pd.DataFrame) -> Array:
        layout = self.layout
        vectors = np.full((len(frame), layout.size), np.nan)
        layout.scalar_block(vectors)[:] = frame[list(layout.scalars)].to_numpy(dtype=np.float64)
        found = frame[layout.scalars[0]].notna().to_numpy()
        for block, names in (
            (layout.category_block(vectors), layout.category_features),
            (layout.action_block(vectors), layout.action_features),
        ):
            for at, name in enumerate(names):
                if found.any() and block.shape[1]:
                    block[found, :, at] = np.stack(frame[name].to_numpy()[found].tolist())
        return vectors


def open_store(home: Path, repo: Path) -> ProfileStore:
    """Open the store of `home` with the settings in `repo`/feature_store.yaml.

    Raises
    ------
    FeatureError : no features were built yet, or Feast cannot open its registry.
    """
    layout = Layout.load(home / "features" / "layout.json")
    (home / "feast").mkdir(parents=True, exist_ok=True)
    # It warns at each start of the very setting that keeps reads going during a materialisation.
    logging.getLogger("feast").setLevel(logging.ERROR)
    path = repo / "feature_store.yaml"
    text = Template(path.read_text()).safe_substitute(
        os.environ | {"NBA_HOME": str(home.resolve())}
    )
    with _as_feature_error(str(path)), _quietly():
        config = RepoConfig(repo_path=repo, **yaml.safe_load(text))
        return ProfileStore(FeatureStore(config=config), layout)


def _key_of(customer_id: str) -> Any:
    return EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=customer_id)])


def _wait_briefly(online_store: Any, config: RepoConfig) -> None:
    """Let no lock on a SQLite store hold a decision up."""
    if isinstance(online_store, SqliteOnlineStore):
        online_store._get_conn(config).execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")


def _aware(moments: npt.NDArray[np.datetime64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments.astype("datetime64[us]")).tz_localize("UTC")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep Feast's and Ibis' own notices and progress lines from our users."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _as_feature_error(what: str) -> Iterator[None]:
    try:
        yield
    except (FeastError, sqlite3.Error, OSError, ValueError, KeyError) as error:
        raise FeatureError(f"{what}: {type(error).__name__}: {error}") from error
