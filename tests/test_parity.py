"""On the demo data, what serving reads online is what training reads offline, every feature."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from decisioning.catalog import load_catalog
from feature_repo.definitions import define
from features import build, declared
from features.backfill import Spine, backfill
from features.calendar import Calendar
from features.canonical.sources import first_moment, ingest_data_set
from features.canonical.tables import known_customers, open_tables
from features.clock import FixedClock
from features.known_actions import layout_of, with_actions
from features.matrix import Candidates, MatrixBuilder
from features.profiles import Profiles
from features.store import ProfileStore, open_store

ROOT = Path(__file__).resolve().parents[1]
CATALOG = load_catalog(ROOT / "configs" / "complete_journey" / "actions.yaml")
NOW = first_moment("complete-journey")
CUSTOMERS = 600


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ProfileStore:
    home = tmp_path_factory.mktemp("home")
    ingest_data_set("complete-journey", home / "data", FixedClock(NOW))
    tables = with_actions(open_tables(home / "data"), CATALOG.export_actions())
    everybody = known_customers(tables).to_pyarrow()["customer_id"]
    ids = everybody.to_numpy(zero_copy_only=False).astype(object)
    moment = np.datetime64(NOW.replace(tzinfo=None), "us")
    now = Spine(ids, np.repeat(moment, len(ids)))
    events = build.prepare(tables)
    backfill(events, layout_of(tables), Calendar(), now, now, home / "features")
    opened = open_store(home, ROOT / "feature_repo")
    opened.apply(define(home).everything())
    opened.materialize(NOW)
    return opened


@pytest.fixture(scope="module")
def both(store: ProfileStore) -> tuple[Profiles, Profiles]:
    ids = np.array([str(number) for number in range(1, CUSTOMERS + 1)], dtype=object)
    moments = np.repeat(np.datetime64(NOW.replace(tzinfo=None), "us"), CUSTOMERS)
    offline = store.historical("adoption", ids, moments)
    online = np.vstack([store.online(customer_id).vectors for customer_id in ids])
    return offline, Profiles(store.layout, ids, online)


def test_every_stored_value_online_equals_the_one_offline(both: tuple[Profiles, Profiles]) -> None:
    offline, online = both
    known = offline.known
    assert known.sum() >= 500
    np.testing.assert_array_equal(online.vectors, offline.vectors)


def test_every_model_input_online_equals_the_one_offline(
    store: ProfileStore, both: tuple[Profiles, Profiles]
) -> None:
    actions = CATALOG.action_rows(CATALOG.encodings())
    builder = MatrixBuilder(declared.model_inputs(), store.layout, actions, Calendar())
    midnight = np.array([np.datetime64(NOW.date(), "us")])
    matrices = [
        builder.build(
            Candidates(
                profiles=profiles,
                decided_at=np.repeat(NOW.timestamp(), len(profiles)),
                decision=np.repeat(np.arange(len(profiles)), len(actions)),
                action=np.tile(np.arange(len(actions)), len(profiles)),
                popularity=popularity,
            )
        )
        for profiles, popularity in zip(
            both,
            (
                store.popularity_at(actions.action_ids, midnight),
                store.popularity_now(actions.action_ids),
            ),
            strict=True,
        )
    ]
    for place, name in enumerate(builder.features):
        np.testing.assert_array_equal(matrices[0][:, place], matrices[1][:, place], err_msg=name)


def test_most_values_are_there(both: tuple[Profiles, Profiles]) -> None:
    offline, _ = both
    known = offline.take(offline.known)
    values = known.layout.scalar_block(known.vectors)
    assert (~np.isnan(values)).mean() > 0.75


def test_the_clock_of_the_demo_starts_after_its_last_event(
    both: tuple[Profiles, Profiles],
) -> None:
    offline, _ = both
    last = datetime.fromtimestamp(float(np.nanmax(offline.newest_event_at)), UTC)
    assert last < NOW
    assert (NOW - last).total_seconds() < 86_400
