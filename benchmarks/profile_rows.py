"""`features`: all profile features of the demo's customers, nine times, to one query by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.by_hand import profiles_by_hand
from benchmarks.demo_home import DemoHome
from benchmarks.measure import Figure, by_turns
from features import build, declared
from features.backfill import CHUNK_ROWS
from features.calendar import Calendar
from features.canonical.tables import Tables
from features.layout import Layout
from features.profiles import Profiles
from training.decisions import decision_points

Array = npt.NDArray[np.float64]


def features(home: DemoHome, repetitions: int = 3) -> tuple[Figure, ...]:
    """Return the figure of a backfill's computation; both begin at the canonical files."""
    project, layout = home.project, home.store.layout
    points = decision_points(
        home.task.problem,
        project.tables(home.tasks),
        project.calendar,
        project.clock.now(),
    )
    times = np.unique(points.moments)
    turns = by_turns(
        lambda: our_profiles(
            project.tables(home.tasks),
            layout,
            project.calendar,
            points.customer_ids,
            points.moments,
        ),
        lambda: profiles_by_hand(
            project.home / "data", [moment.item() for moment in times], layout.categories
        ),
        repetitions,
    )
    refuse_differences(layout, turns.our_result, turns.baseline_result)
    return (
        Figure(
            name="features",
            workload=f"{len(points):,} profiles of {layout.size:,} numbers at {len(times)} times",
            against="one DuckDB query written by hand",
            ours=turns.ours,
            baseline=turns.baseline,
            target=2.5,
        ),
    )


def our_profiles(
    tables: Tables,
    layout: Layout,
    calendar: Calendar,
    customer_ids: npt.NDArray[np.object_],
    moments: npt.NDArray[np.datetime64],
) -> list[Profiles]:
    """Return all profiles as a backfill computes them, in its chunks."""
    events = build.prepare(tables)
    return [
        build.profiles(events, layout, calendar, ids, at)
        for ids, at in build.chunks(customer_ids, moments, CHUNK_ROWS)
    ]


def refuse_differences(layout: Layout, ours: Sequence[Profiles], by_hand: pa.Table) -> None:
    """Check that both computed the same number everywhere, to the last bit.

    Raises
    ------
    AssertionError : they differ; the message names the features and the first place.
    """
    customers = np.concatenate([part.customer_ids for part in ours]).astype(str)
    vectors = np.concatenate([part.vectors for part in ours])
    expected, names = _vectors_of(by_hand, layout), np.array(_names(layout))
    theirs = np.array(by_hand["customer_id"].to_pylist(), dtype=str)
    our_order = np.lexsort((vectors[:, 0], customers))
    their_order = np.lexsort((expected[:, 0], theirs))
    vectors, expected = vectors[our_order], expected[their_order]
    if vectors.shape != expected.shape or (customers[our_order] != theirs[their_order]).any():
        raise AssertionError(f"{vectors.shape} rows and numbers, by hand {expected.shape}")
    wrong = ~((vectors == expected) | (np.isnan(vectors) & np.isnan(expected)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise AssertionError(
            f"{sorted(set(names[wrong.any(axis=0)].tolist()))} differ in {wrong.sum():,} places, "
            f"first {names[column]} of customer {str(customers[our_order][row])!r}: "
            f"{vectors[row, column]}, by hand {expected[row, column]}"
        )


def _names(layout: Layout) -> list[str]:
    return [
        *layout.scalars,
        *layout.category_features * len(layout.categories),
        *layout.action_features * len(layout.actions),
    ]


def _vectors_of(by_hand: pa.Table, layout: Layout) -> Array:
    """Return the rows of the query as vectors; what is null has the declared default."""
    vectors = np.full((len(by_hand), layout.size), np.nan)
    for at, name in enumerate(layout.scalars):
        vectors[:, at] = _numbers(by_hand[name].combine_chunks(), name)
    for block, list_column, key, names, position in (
        (
            layout.category_block(vectors), "categories", "category",
            layout.category_features, layout.category_position,
        ),
        (
            layout.action_block(vectors), "actions", "action_id",
            layout.action_features, layout.action_position,
        ),
    ):  # fmt: skip
        for at, name in enumerate(names):
            block[:, :, at] = declared.feature(name).default
        lists = by_hand[list_column].combine_chunks()
        rows, found = _parents(lists), lists.flatten()
        place = np.array([position[one] for one in found.field(key).to_pylist()], dtype=np.int64)
        for at, name in enumerate(names):
            block[rows, place, at] = _numbers(found.field(name), name)
    return vectors


def _parents(lists: pa.ListArray) -> npt.NDArray[np.int64]:
    """Return the row that each flattened value comes from."""
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(lists)), lengths)


def _numbers(column: pa.Array, name: str) -> Array:
    known = declared.BY_NAME.get(name)
    default = known.default if known is not None else np.nan
    numbers: Array = column.cast(pa.float64()).fill_null(default).to_numpy(zero_copy_only=False)
    return numbers
