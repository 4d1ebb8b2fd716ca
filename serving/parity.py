"""Whether what is online is what a build over everything would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from decisioning.ledger.event_reads import EventReads
from features import build
from features.calendar import Calendar
from features.canonical.tables import known_customers, open_tables
from features.generation import Generation
from features.live_events import live_events, owners, with_events, with_people
from features.parity import Difference, differences
from features.profiles import Profiles
from features.store import open_store
from serving.settings import Settings


@dataclass(frozen=True)
class ParityReport:
    """What was compared.

    Attributes
    ----------
    missing : customers of the sample that have no profile online.
    """

    customers: int
    values: int
    missing: int
    differences: tuple[Difference, ...]


def compare(
    settings: Settings,
    calendar: Calendar,
    events: EventReads,
    most: int,
    seed: int,
    people: Mapping[str, Sequence[str]] | None = None,
) -> ParityReport:
    """Compare the profiles of a sample, those with events in the ledger first.

    Each is computed for the very moment of its profile online. An event that was stored since, and
    happened before, is a difference until its customer is refreshed.

    Parameters
    ----------
    people : the id that a profile is stored under, with all ids whose events belong to it.

    Raises
    ------
    FeatureError, DataError, LedgerError : something cannot be read.
    """
    settled = Generation.load(settings.home / "features")
    store = open_store(settings.home, settings.feature_repo, settings.places)
    owner_of = owners(people or {})
    sources = with_people(open_tables(settings.home / "data"), people or {})
    tables = with_events(sources, live_events(events.between(), owner_of))
    touched = [owner_of.get(customer_id, customer_id) for customer_id, _ in events.newest()]
    everybody = known_customers(tables).to_pyarrow()["customer_id"].to_pylist()
    sample = _sample(touched, everybody, most, seed)
    rows = [store.online(customer_id).vectors for customer_id in sample]
    online = Profiles(
        settled.layout,
        np.array(sample, dtype=object),
        np.concatenate([np.empty((0, settled.layout.size)), *rows]),
    )
    found = online.take(online.known)
    as_of = np.round(found.profile_at * 1e6).astype("int64").astype("datetime64[us]")
    again = build.profiles(
        build.prepare(tables, settled), settled.layout, calendar, found.customer_ids, as_of
    )
    return ParityReport(
        customers=len(found),
        values=found.vectors.size,
        missing=len(online) - len(found),
        differences=tuple(differences(found, again)),
    )


def _sample(touched: list[str], everybody: list[str], most: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    seen = np.array(list(dict.fromkeys(touched)), dtype=object)
    chosen = dict.fromkeys(random.permutation(seen)[:most])
    for customer_id in random.permutation(np.array(everybody, dtype=object)):
        if len(chosen) >= most:
            break
        chosen[customer_id] = None
    return list(chosen)
