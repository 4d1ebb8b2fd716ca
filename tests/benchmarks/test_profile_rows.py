from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_world import LINES, TOUCHES, write_world

from benchmarks.by_hand import profiles_by_hand
from benchmarks.profile_rows import our_profiles, refuse_differences
from features.calendar import Calendar
from features.canonical.tables import known_customers, open_tables
from features.known_actions import layout_of

# Before anything happened, between the events, and after them all.
TIMES = (datetime(2022, 1, 1), datetime(2024, 1, 6), datetime(2024, 2, 16), datetime(2024, 3, 11))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = write_world(tmp_path_factory.mktemp("sparse"), LINES, TOUCHES)
    folder = tmp_path_factory.mktemp("complete")
    # An ingest writes every canonical column; the small world leaves some out.
    for name in ("transactions", "touchpoints", "customers", "identities", "actions"):
        pq.write_table(getattr(tables, name).to_pyarrow(), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def both(folder: Path):
    tables = open_tables(folder)
    layout = layout_of(tables)
    customers = known_customers(tables).to_pyarrow()["customer_id"].to_numpy(zero_copy_only=False)
    ids = np.tile(customers.astype(object), len(TIMES))
    moments = np.repeat(np.array(TIMES, dtype="datetime64[us]"), len(customers))
    ours = our_profiles(tables, layout, Calendar(), ids, moments)
    return layout, ours, profiles_by_hand(folder, TIMES, layout.categories)


def test_the_query_by_hand_computes_every_number_that_the_product_computes(both) -> None:
    layout, ours, by_hand = both
    assert sum(len(part) for part in ours) == by_hand.num_rows == len(TIMES) * 4
    refuse_differences(layout, ours, by_hand)


def test_one_wrong_number_is_found_and_named(both) -> None:
    layout, ours, by_hand = both
    place = layout.scalars.index("spend_91d")
    former = ours[0].vectors[-1, place]
    ours[0].vectors[-1, place] = former + 1e-9
    with pytest.raises(AssertionError, match=r"\['spend_91d'\] differ in 1 places"):
        refuse_differences(layout, ours, by_hand)
    ours[0].vectors[-1, place] = former


def test_a_missing_profile_is_found(both) -> None:
    layout, ours, by_hand = both
    with pytest.raises(AssertionError, match="rows and numbers, by hand"):
        refuse_differences(layout, ours, by_hand.slice(1))
