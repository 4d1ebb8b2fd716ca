"""Data sets that the product knows how to read by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.canonical.ingest import IngestReport, Progress, silent
from features.canonical.sources.complete_journey import STARTS_AT, ingest_complete_journey
from features.clock import Clock
from features.errors import DataError
from features.spelling import did_you_mean


@dataclass(frozen=True)
class DataSet:
    """A data set of the past.

    Attributes
    ----------
    starts_at : where its clock starts: after its last event.
    """

    ingest: Callable[[Path, Clock, Progress], IngestReport]
    starts_at: datetime


DATA_SETS = {"complete-journey": DataSet(ingest_complete_journey, STARTS_AT)}


def first_moment(name: str) -> datetime:
    """Return where the clock of a data set starts.

    Raises
    ------
    DataError
        The name is not known.
    """
    return _data_set(name).starts_at


def ingest_data_set(
    name: str, target: Path, clock: Clock, progress: Progress = silent
) -> IngestReport:
    """Ingest a data set by its name.

    Raises
    ------
    DataError
        The name is not known, or the data set's package is not installed.
    """
    return _data_set(name).ingest(target, clock, progress)


def _data_set(name: str) -> DataSet:
    if name not in DATA_SETS:
        known = ", ".join(DATA_SETS)
        raise DataError(f"{name}: no such data set{did_you_mean(name, DATA_SETS)} (known: {known})")
    return DATA_SETS[name]
