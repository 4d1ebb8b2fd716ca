"""Write profile rows to the offline store's files: what Feast joins for training and copies online.

Parquet files, the layout and what the build settles make a *generation*; it is written beside the
former one and put in its place whole, so that a reader never meets half of it.

- `profile.parquet`: one row per (customer, as_of), every stored feature under its own name;
- `vector.parquet`: the newest row of each customer once more, packed for the request path;
- `popularity.parquet`: one row per (action, business day).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features import build
from features.calendar import Calendar
from features.errors import FeatureError
from features.generation import Generation
from features.layout import Layout
from features.profiles import Profiles

CHUNK_ROWS = 8_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Spine:
    """The profile rows to compute: (customer, as_of) pairs, `as_of` in naive UTC, exclusive."""

    customer_ids: npt.NDArray[np.object_]
    as_of: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.as_of)

    def distinct(self) -> Spine:
        """Return every pair once."""
        moments = self.as_of.astype("datetime64[us]")
        pairs = pa.table({"c": pa.array(self.customer_ids.tolist(), pa.string()), "t": moments})
        once = pairs.group_by(["c", "t"]).aggregate([])
        return Spine(
            once["c"].to_numpy(zero_copy_only=False).astype(object),
            once["t"].to_numpy().astype("datetime64[us]"),
        )


@dataclass(frozen=True)
class BackfillReport:
    """What a backfill wrote."""

    profile_rows: int
    customers: int
    actions: int
    days: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Profile rows computed and written per second."""
        return self.profile_rows / max(self.seconds, 1e-9)


def backfill(
    events: build.Events,
    layout: Layout,
    calendar: Calendar,
    history: Spine,
    now: Spine,
    folder: Path,
    progress: Progress = lambda done, total: None,
) -> BackfillReport:
    """Compute the rows of `history` and `now` (one per customer) and replace what is in `folder`.

    Raises
    ------
    FeatureError : there is nothing to compute.
    """
    if not len(now):
        raise FeatureError(f"{folder}: no customers, so there is no profile to build")
    started = perf_counter()
    both = Spine(
        np.concatenate([history.customer_ids, now.customer_ids]),
        np.concatenate([history.as_of, now.as_of]).astype("datetime64[us]"),
    ).distinct()
    latest = now.as_of.max()
    midnights = _midnights(both, calendar)
    with _generation(folder) as draft:
        _write_profiles(events, layout, calendar, both, latest, draft, progress)
        popularity = build.action_popularity(events, calendar, midnights)
        pq.write_table(_feast_times(popularity, "midnight"), draft / "popularity.parquet")
        as_of = float(latest.astype("int64")) / 1e6
        Generation(layout, as_of, events.group_of, events.action_items).save(draft)
    return BackfillReport(
        profile_rows=len(both),
        customers=len(set(now.customer_ids)),
        actions=len(layout.actions),
        days=len(midnights),
        seconds=perf_counter() - started,
    )


def packed(profiles: Profiles) -> pa.Table:
    """Return the profiles as `customer_id`, `as_of`, `created`, `vector` (bytes), `layout`."""
    return pa.table(
        {
            **_keys(profiles),
            "vector": pa.array(
                [row.astype("<f8").tobytes() for row in profiles.vectors], pa.binary()
            ),
            "layout": pa.array([profiles.layout.hash] * len(profiles), pa.string()),
        }
    )


def named(profiles: Profiles) -> pa.Table:
    """Return the profiles with every stored feature as a column; per category a list, in order."""
    layout, vectors = profiles.layout, profiles.vectors
    columns = _keys(profiles)
    for at, name in enumerate(layout.scalars):
        columns[name] = pa.array(layout.scalar_block(vectors)[:, at])
    for block, names in (
        (layout.category_block(vectors), layout.category_features),
        (layout.action_block(vectors), layout.action_features),
    ):
        for at, name in enumerate(names):
            columns[name] = _lists(block[:, :, at])
    return pa.table(columns)


def _keys(profiles: Profiles) -> dict[str, pa.Array]:
    moments = pa.array(
        (profiles.profile_at * 1e6).round().astype("int64"), pa.timestamp("us", "UTC")
    )
    ids = pa.array(profiles.customer_ids.tolist(), pa.string())
    # A backfilled row could have been known as of its own time; the wall clock would hide it.
    return {"customer_id": ids, "as_of": moments, "created": moments}


def _lists(values: npt.NDArray[np.float64]) -> pa.Array:
    rows, width = values.shape
    offsets = (
        np.arange(0, (rows + 1) * width, width, dtype=np.int32) if width else np.zeros(rows + 1)
    )
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)


def _write_profiles(
    events: build.Events,
    layout: Layout,
    calendar: Calendar,
    spine: Spine,
    latest: np.datetime64,
    draft: Path,
    progress: Progress,
) -> None:
    done, writers = 0, {}
    try:
        for customer_ids, as_of in build.chunks(spine.customer_ids, spine.as_of, CHUNK_ROWS):
            rows = build.profiles(events, layout, calendar, customer_ids, as_of)
            newest = rows.take(as_of == latest)
            for name, table in (("profile", named(rows)), ("vector", packed(newest))):
                if name not in writers:
                    path = draft / f"{name}.parquet"
                    writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
                writers[name].write_table(table)
            done += len(rows)
            progress(done, len(spine))
    finally:
        for writer in writers.values():
            writer.close()


def _midnights(spine: Spine, calendar: Calendar) -> npt.NDArray[np.datetime64]:
    seconds = np.unique(spine.as_of).astype("datetime64[us]").astype("int64") / 1e6
    return np.unique(calendar.midnight(calendar.day(seconds)))


def _feast_times(table: pa.Table, column: str) -> pa.Table:
    moments = table[column].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return table.drop([column]).append_column("as_of", moments).append_column("created", moments)


@contextmanager
def _generation(folder: Path) -> Iterator[Path]:
    """Yield a draft folder; put it in place of `folder` when the block ends well.

    Raises
    ------
    FeatureError : another backfill of the same folder is under way.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft, former = folder.with_name(folder.name + ".draft"), folder.with_name(folder.name + ".old")
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FeatureError(f"{folder}: another build of the features is under way") from error
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        yield draft
        shutil.rmtree(former, ignore_errors=True)
        if folder.exists():
            os.replace(folder, former)
        os.replace(draft, folder)
        shutil.rmtree(former, ignore_errors=True)
