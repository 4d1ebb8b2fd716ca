"""Model inputs as they were when a decision was taken, from its record and from nothing else.

The builder is the one that serves. It gets the profile, the layout, the popularity and the catalog
of then; what these did not know yet is missing in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from decisioning.catalog import Catalog
from decisioning.configuration import Configuration
from decisioning.record import (
    Record,
    digest_of,
    layout_from,
    popularity_from,
    profiles_from,
    read_record,
)
from decisioning.rules import Condition
from features.calendar import Calendar
from features.errors import FeatureError, LedgerError
from features.layout import Layout
from features.matrix import Candidates, MatrixBuilder
from features.profiles import Profiles
from training.inputs import recency_frequency

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Encodings = Mapping[str, Mapping[str, int]]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Wanted:
    """What is asked of the rows.

    Attributes
    ----------
    names : inputs, in order; declared features and attributes of actions.
    encodings : the numbers of texts.
    population : conditions on the profile.
    """

    names: tuple[str, ...]
    encodings: Encodings
    population: tuple[Condition, ...] = ()


class Frozen(NamedTuple):
    """A decision with what it was taken from."""

    record: Record
    catalog: Catalog
    profiles: Profiles
    popularity: Array


@dataclass(frozen=True)
class Inputs:
    """What is known of rows, shape (rows,) each.

    Attributes
    ----------
    x : shape (rows, inputs), NaN for missing.
    unknown : shape (rows, inputs), whether nobody knew that input then.
    known, counts : whether the customer had a profile, and met the conditions on it.
    newest_event_at : the newest event that the profile knows, seconds since 1970; NaN for none.
    """

    x: Array
    unknown: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    stage: Array
    rfm: Array
    newest_event_at: Array


class FrozenReader:
    """Reads decisions with what they were taken from, each shared part once.

    Parameters
    ----------
    snapshot : returns the content of a digest.
    """

    def __init__(self, snapshot: Callable[[str], bytes], wanted: Wanted) -> None:
        self._snapshot, self._wanted = snapshot, wanted
        self._catalog = lru_cache(maxsize=8)(self._read_catalog)
        self._layout = lru_cache(maxsize=8)(self._read_layout)
        self._popularity = lru_cache(maxsize=32)(self._read_popularity)
        self._builder = lru_cache(maxsize=8)(self._build)

    def read(self, payload: bytes, vectors: bytes) -> Frozen:
        """Return a decision from what the ledger has of it.

        Raises
        ------
        LedgerError : it, or something that it shares with others, is damaged or gone.
        """
        record = read_record(payload)
        shared = record.shared
        catalog = self._catalog(shared.configuration)
        layout = self._layout(shared.profile_layout)
        popularity = self._popularity(shared.popularity)
        if popularity.shape[:2] != (1, len(catalog.actions)):
            raise LedgerError(
                f"decision {record.decision_id!r}: popularity of shape {popularity.shape} for "
                f"{len(catalog.actions)} actions"
            )
        profiles = profiles_from(vectors, record.request.customer_id, layout)
        return Frozen(record, catalog, profiles, popularity)

    def inputs(self, rows: Sequence[tuple[Frozen, str]]) -> Inputs:
        """Return the inputs of (decision, action) pairs, in their order.

        Raises
        ------
        LeakError : a profile knows something from at or after its decision.
        """
        together: dict[tuple[str, str, str], list[int]] = {}
        for at, (frozen, _) in enumerate(rows):
            shared = frozen.record.shared
            key = (shared.configuration, shared.profile_layout, shared.time_zone)
            together.setdefault(key, []).append(at)
        parts = [self._alike(key, [rows[at] for at in places]) for key, places in together.items()]
        order = np.argsort([at for places in together.values() for at in places], kind="stable")
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts])[order]
            for name in Inputs.__dataclass_fields__
        }
        return Inputs(**columns)

    def _alike(self, key: tuple[str, str, str], rows: Sequence[tuple[Frozen, str]]) -> Inputs:
        """Return the inputs of rows that share catalog, layout and time zone."""
        builder, place = self._builder(*key)
        candidates = _candidates(rows)
        columns = builder.columns(candidates)
        x = np.full((len(rows), len(self._wanted.names)), np.nan)
        x[:, place] = columns.matrix()
        unknown = np.ones(x.shape, dtype=bool)
        unknown[:, place] = False
        known = candidates.profiles.known[candidates.decision]
        counts = known.copy()
        for condition in self._wanted.population:
            counts &= condition.passes(columns)
        return Inputs(
            x=x,
            unknown=unknown,
            known=known,
            counts=counts,
            stage=columns["journey_stage"],
            rfm=recency_frequency(columns),
            newest_event_at=candidates.profiles.newest_event_at[candidates.decision],
        )

    def _build(self, configuration: str, layout: str, zone: str) -> tuple[MatrixBuilder, Index]:
        """Return a builder of the inputs that were known then, and where they stand."""
        actions = self._catalog(configuration).action_rows(self._wanted.encodings)
        calendar, then = Calendar(zone), self._layout(layout)

        def builder(names: tuple[str, ...]) -> MatrixBuilder | None:
            try:
                return MatrixBuilder(names, then, actions, calendar)
            except FeatureError:
                return None

        names = self._wanted.names
        if (whole := builder(names)) is not None:
            return whole, np.arange(len(names))
        place = np.array([at for at, n in enumerate(names) if builder((n,))], dtype=np.int64)
        known = MatrixBuilder(tuple(names[at] for at in place), then, actions, calendar)
        return known, place

    def _read_catalog(self, digest: str) -> Catalog:
        return _readable(Configuration.from_content, self._content(digest), digest).catalog

    def _read_layout(self, digest: str) -> Layout:
        return _readable(layout_from, self._content(digest), digest)

    def _read_popularity(self, digest: str) -> Array:
        return _readable(popularity_from, self._content(digest), digest)

    def _content(self, digest: str) -> bytes:
        content = self._snapshot(digest)
        if digest_of(content) != digest:
            raise LedgerError(f"snapshot {digest!r} is not what was kept under that name")
        return content


def _readable(read: Callable[[bytes], Made], content: bytes, digest: str) -> Made:
    try:
        return read(content)
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(f"snapshot {digest!r} cannot be read ({error})") from error


def _candidates(rows: Sequence[tuple[Frozen, str]]) -> Candidates:
    """Return the rows of decisions that share catalog and layout; each row has its own profile."""
    first = rows[0][0]
    each = np.arange(len(rows))
    return Candidates(
        profiles=Profiles(
            first.profiles.layout,
            np.concatenate([frozen.profiles.customer_ids for frozen, _ in rows]),
            np.concatenate([frozen.profiles.vectors for frozen, _ in rows]),
        ),
        decided_at=np.array([frozen.record.now.timestamp() for frozen, _ in rows]),
        decision=each,
        action=np.array([first.catalog.position[action] for _, action in rows], dtype=np.int64),
        popularity=np.concatenate([frozen.popularity for frozen, _ in rows]),
    )
