"""A batch on disk while it is worked on: whom it is for, and every part that is done.

A part is there as a whole or not at all. Whoever starts the run again goes on behind the parts that
are there; what was decided for the part that was being worked on is in the ledger.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from decisioning.ledger.locking import try_lock
from features.errors import ConfigError
from serving.batch_rows import schema, table_of
from serving.files import TableWriter, complete_or_absent

PART_SIZE = 500
"""How many customers one part is about."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COUNTS, _PERSONS = b"nba_counts", b"nba_persons"


def check_run_id(run_id: str) -> None:
    """Refuse what can be no name of a run.

    Raises
    ------
    ConfigError : it holds something else than letters, digits and `._-`, or is too long.
    """
    if not _NAME.fullmatch(run_id):
        raise ConfigError(f"--run {run_id!r}: up to 64 letters, digits, dots, dashes, underscores")


class BatchRun:
    """One run; open it with `working_on`.

    Attributes
    ----------
    customer_ids : the audience; it does not change while the run lasts.
    """

    def __init__(self, folder: Path, customer_ids: Sequence[str]) -> None:
        self._folder = folder
        self.customer_ids = customer_ids

    @property
    def run_id(self) -> str:
        """What it is called."""
        return self._folder.name

    def __len__(self) -> int:
        return -(-len(self.customer_ids) // PART_SIZE)

    def customers(self, part: int) -> Sequence[str]:
        """Return whom a part is about."""
        return self.customer_ids[part * PART_SIZE : (part + 1) * PART_SIZE]

    def is_done(self, part: int, persons: Mapping[str, str]) -> bool:
        """Tell whether a part is there, and nobody in it has become somebody else since.

        Parameters
        ----------
        persons : as `keep`.
        """
        import pyarrow.parquet as parquet

        if not self._part(part).exists():
            return False
        told = parquet.read_schema(self._part(part)).metadata.get(_PERSONS, b"null")
        return bool(json.loads(told) == persons)

    def keep(
        self,
        part: int,
        rows: Sequence[dict[str, Any]],
        counts: Counter[str],
        persons: Mapping[str, str],
    ) -> None:
        """Keep the rows of a part, and what was counted in it.

        Parameters
        ----------
        persons : who was asked about instead of whom (`serving.batch_people.Persons.asked_in`).
        """
        import pyarrow.parquet as parquet

        told = {_COUNTS: json.dumps(counts).encode(), _PERSONS: json.dumps(persons).encode()}
        table = table_of(rows).replace_schema_metadata(told)
        with complete_or_absent(self._part(part)) as draft:
            parquet.write_table(table, draft)

    def assemble(self, out: Path) -> Counter[str]:
        """Write all parts into one file and return what was counted in them together."""
        import pyarrow.parquet as parquet

        counts: Counter[str] = Counter()
        with complete_or_absent(out) as draft, TableWriter(draft, out.suffix, schema()) as writer:
            for part in range(len(self)):
                table = parquet.read_table(self._part(part))
                counts.update(json.loads(table.schema.metadata[_COUNTS]))
                writer.write(table)
        return counts

    def _part(self, part: int) -> Path:
        return self._folder / f"part-{part:06}.parquet"


@contextmanager
def working_on(
    folder: Path, asked: dict[str, Any], whom: Callable[[], Sequence[str]]
) -> Iterator[BatchRun]:
    """Begin a run in a folder, or go on with it; the folder is gone when it ends well.

    Parameters
    ----------
    asked : what is decided and for whom, in words; it has to be the same when a run goes on.
    whom : finds the customers of a run that begins.

    Raises
    ------
    ConfigError : it was begun with another question, or another process works on it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(lock):
            raise ConfigError(f"--run {folder.name}: another process is working on it")
        yield BatchRun(folder, _customers(folder, asked, whom))
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _customers(
    folder: Path, asked: dict[str, Any], whom: Callable[[], Sequence[str]]
) -> Sequence[str]:
    """Return the customers of a run, found when it begins and then kept."""
    begun = folder / "run.json"
    if begun.exists():
        told = json.loads(begun.read_text(encoding="utf-8"))
        differing = [key for key, one in told["asked"].items() if asked.get(key) != one]
        if differing:
            said = ", ".join(f"{key} {told['asked'][key]!r}" for key in differing)
            raise ConfigError(f"--run {folder.name}: was begun with {said}; use another run")
        customers: list[str] = told["customers"]
        return customers
    found = list(whom())
    with complete_or_absent(begun) as draft:
        draft.write_text(json.dumps({"asked": asked, "customers": found}), encoding="utf-8")
    return found
